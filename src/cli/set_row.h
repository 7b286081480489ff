/* What the words of `ssoferry set` say, and what they make of a row. */
#ifndef SSOFERRY_CLI_SET_ROW_H
#define SSOFERRY_CLI_SET_ROW_H

#include "edit.h"
#include "siblings.h"
#include "ssoferry/audit.h"

enum { SET_SOURCES_SHOWN = 5 };

/* What --all has done so far; begins as {0} with each attempt, but for what has been said. */
struct set_all {
    uint64_t rows;    /* that were asked for */
    uint64_t refused; /* of them, those that cannot be as the words want them */
    uint64_t told;    /* of these, those that have been told, in this attempt or one before */
    bool warned;      /* of the words, likewise */
    size_t sources;   /* with rows that changed; the first of them by name */
    struct {
        char name[SOURCE_SIZE_MAX + 1];
        uint64_t rows;
    } changed[SET_SOURCES_SHOWN];
    char last[SOURCE_SIZE_MAX + 1]; /* of them */
};

/* `edit` comes first: it is what the functions in it are given. */
struct set {
    struct edit edit;
    size_t names;          /* words that name identifiers, which go before the fields */
    struct text source;    /* of the row at hand */
    bool created;          /* the row at hand is new */
    struct connection was; /* else what it was */
    bool nothing_meant;    /* the only name is not there, and can have been meant for nothing that is */
    bool connects;         /* a name has got a connection that it had not */
    size_t good;           /* rows that can be as the words want them */
    struct audit audit;
    struct siblings siblings;
    enum connection_state state; /* --state of --all, where it is given */
    struct set_all all;
};

/* How many words are identifiers: the first is whatever it looks like, the last is a field. */
size_t set_count_names(const struct arguments *arguments);

/* Whether one of the words FIELD=VALUE is of this field. */
bool set_names_field(const struct set *set, struct text field);

/* Applies the words FIELD=VALUE to a row, of which each is good or bad whatever the row. */
bool set_fields(const struct set *set, struct connection *row, struct error *error) __attribute__((warn_unused_result));

/* Sets the fields of a row and checks it as a whole. */
bool set_edit_row(struct set *set, struct text identifier, struct connection *row, struct error *error)
    __attribute__((warn_unused_result));

/* Warns of a row's fields as load would of such a row in a file, where it is new or the words set one of them. */
void set_warn(const struct set *set, struct text identifier, const struct connection *row);

#endif
