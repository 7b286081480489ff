/* What a load comes to: counts, and what it does to so many rows of one source that it may not be meant. */
#ifndef SSOFERRY_CLI_TALLY_H
#define SSOFERRY_CLI_TALLY_H

#include "ssoferry/mapping_file.h"

enum turn {
    TURN_REMOVED,
    TURN_LEGACY,   /* from state stytch to state legacy */
    TURN_DISABLED, /* from state stytch to state disabled */
    TURN_TEST,     /* from a connection of a live project to one of a test project */
};
enum { TURNS = 4 };

struct tally_source {
    char name[SOURCE_SIZE_MAX + 1];
    uint64_t before, turned[TURNS]; /* rows */
};

/* Begins as {0}. */
struct tally {
    uint64_t rows[DIFFERENCE_NONE + 1];
    struct tally_source source;      /* the one whose rows are being added */
    struct tally_source most[TURNS]; /* where most rows turned, of the sources where many did; before is 0: none */
    struct {
        bool live, test;
    } put, kept; /* whether rows that are written, and rows that stay as they are, are of such a project */
};

/* Looks at the rows of sources that the files do not name. Before the comparison: it moves the snapshot's cursor. */
void tally_others(struct tally *tally, const struct mapping *mapping, struct snapshot *snapshot);

/* Differences come in key order; tally_end() follows the last. */
void tally_add(struct tally *tally, const struct difference *difference);
void tally_end(struct tally *tally);

struct change_counts tally_changes(const struct tally *tally);

bool tally_differs(const struct tally *tally);

/* Whether more than a tenth of a source's rows would go, so that the operator has to say so. */
bool tally_loses_many(const struct tally *tally);

/* Prints a warning for each other turn that more than a tenth of a source's rows took, and more than one. `revision` is
 * the new one; 0 where nothing was written. */
void tally_warn(const struct tally *tally, uint64_t revision);

/* Warns where rows of a test project come beside rows of a live one, or the other way round, unless that has been told
 * of the files themselves. */
void tally_warn_of_stages(const struct tally *tally, const struct mapping *mapping);

#endif
