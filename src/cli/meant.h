/* What may have been meant by a name that no row has. */
#ifndef SSOFERRY_CLI_MEANT_H
#define SSOFERRY_CLI_MEANT_H

#include "nearest.h"
#include "ssoferry/gateway.h"
#include "ssoferry/table.h"

/* What may have been meant by a name that does not exist, and so is probably mistyped. */
struct meant {
    bool near;                           /* similar names and the history were searched */
    char elsewhere[SOURCE_SIZE_MAX + 1]; /* another source that has the identifier; "": none */
    uint64_t removed_by;                 /* the kept revision that removed it from this source; 0: none */
    char removed[512];                   /* describes that: "revision 7 removed it (load by ops@vm, 2026-...)" */
    const char *field;                   /* the field of other rows that it equals, such as "label"; NULL: none */
    char source[SOURCE_SIZE_MAX + 1];    /* the source of the first of those rows */
    bool spelled;                        /* it spells an invisible character out, and nearest has the row meant */
    bool joined;                         /* it consists of several words, and the rows of some are there */
    struct nearest nearest; /* those rows of that source, or similar names in this source: only in other capitals if
                             * `elsewhere` is set; at most NEAREST_KEPT */
};

/* Fills in `meant`; false if nothing was found. Searches for similar names only if `near` is set, since that reads
 * every row of the source; and in the history, of which it reads some of every kept revision, also if another source
 * has the identifier: its row is another customer's. */
bool meant_find(struct snapshot *snapshot, struct text source, struct text identifier, bool near, struct meant *meant);

/* Finds names in the source that a few typing mistakes make of this one: in a table that is too large for that, only
 * those in other capitals. */
void meant_find_nearest(struct snapshot *snapshot, struct text source, struct text wanted, struct nearest *nearest);

/* The same among the rows that count. */
void meant_find_nearest_of(struct snapshot *snapshot, struct text source, struct text wanted,
                           bool (*counts)(const void *context, struct text record), const void *context,
                           struct nearest *nearest);

/* Like meant_find() with `near`, for words that somebody typed: they may have given a customer's label, connection or
 * organization instead of the identifier, or several identifiers as one word. */
bool meant_find_typed(struct snapshot *snapshot, struct text source, struct text identifier, struct meant *meant);

/* Prints that there is no such row, with hints. By the routes, if there are any, an address is told to be one.
 * meant_complain_unknown() finds the other hints with meant_find_typed() if `near` is set, otherwise with meant_find();
 * meant_complain() gets them in `meant`. Returns the exit status. */
int meant_complain_unknown(const struct gateway_settings *routes, struct snapshot *snapshot, struct text source,
                           struct text identifier, bool near);
int meant_complain(const struct gateway_settings *routes, struct snapshot *snapshot, struct text source,
                   struct text identifier, const struct meant *meant);

/* Writes similar names as "a, b or c", or rows with the same field or of the joined words as "a, b and c", to `names`,
 * of MEANT_NAMES_SIZE bytes. */
enum { MEANT_NAMES_SIZE = NEAREST_KEPT * (IDENTIFIER_SIZE_MAX + 4) + 1 };
void meant_names(const struct meant *meant, char *names);

/* Finds a source other than `source` that has the identifier, and copies it to `name`, of SOURCE_SIZE_MAX + 1 bytes;
 * otherwise empties that. */
bool meant_find_elsewhere(struct snapshot *snapshot, struct text source, struct text identifier, char *name);

#endif
