/* What the words of `ssoferry set` say, and how they change a row. */
#ifndef SSOFERRY_CLI_SET_ROW_H
#define SSOFERRY_CLI_SET_ROW_H

#include "edit.h"
#include "meant.h"
#include "siblings.h"
#include "ssoferry/audit.h"

enum { SET_SOURCES_SHOWN = 5, SET_ADDED_TOLD = 5 };

/* Progress of --all. Starts each attempt as {0}, except for `told` and `warned`. */
struct set_all {
    uint64_t rows;    /* selected */
    uint64_t refused; /* of those, the ones that cannot be as the words want them */
    uint64_t told;    /* of these, the ones reported, in this attempt or an earlier one */
    bool warned;      /* the warnings about the words were printed, likewise */
    size_t sources;   /* sources with changed rows; the first of them by name are in `changed` */
    struct {
        char name[SOURCE_SIZE_MAX + 1];
        uint64_t rows;
    } changed[SET_SOURCES_SHOWN];
    char last[SOURCE_SIZE_MAX + 1]; /* the last source counted */
};

/* Names of rows that were added: the first of them. */
struct set_added {
    struct text names[SET_ADDED_TOLD];
    size_t count;
};

/* `edit` comes first: its functions get a pointer to it and use it as a struct set. */
struct set {
    struct edit edit;
    size_t names;          /* how many words are identifiers; they precede the fields */
    struct text source;    /* of the current row */
    bool created;          /* the current row is new */
    struct connection was; /* otherwise what the row was before */
    bool nothing_meant;    /* the only name does not exist, and resembles nothing that does */
    bool connects;         /* a row got a connection that it did not have */
    size_t good;           /* rows that can be as the words want them */
    uint64_t cut_over;     /* of those, the ones that go to Stytch now although the configuration says to rehearse */
    struct audit audit;
    struct siblings siblings;
    struct set_added added;
    struct meant removed; /* of the only name, if its row was removed by removed_by, and nothing else was meant */
    enum connection_state state; /* --state with --all, if given */
    struct set_all all;
};

/* How many words are identifiers. The first always is, whatever it looks like; the last is always a field. */
size_t set_count_names(const struct arguments *arguments);

/* Whether one of the words FIELD=VALUE sets this field. */
bool set_names_field(const struct set *set, struct text field);

/* Applies the words FIELD=VALUE to a row. Whether each is valid does not depend on the row. */
bool set_fields(const struct set *set, struct connection *row, struct error *error) __attribute__((warn_unused_result));

/* Sets a row's fields and checks the row as a whole. */
bool set_edit_row(struct set *set, struct text identifier, struct connection *row, struct error *error)
    __attribute__((warn_unused_result));

/* Gives the warnings that load would give for such a row in a file, if the row is new or the words set a field they are
 * about. */
void set_warn(const struct set *set, struct text identifier, const struct connection *row);

#endif
