/* What a load comes to: counts, and what it does to so many rows of one source that it may not be meant. */
#ifndef SSOFERRY_CLI_EFFECT_H
#define SSOFERRY_CLI_EFFECT_H

#include "ssoferry/config.h"
#include "ssoferry/mapping_file.h"

enum turn {
    TURN_REMOVED,
    TURN_LEGACY,    /* from state stytch to state legacy */
    TURN_DISABLED,  /* from state stytch to state disabled */
    TURN_TEST,      /* from a connection of a live project to one of a test project */
    TURN_STYTCH,    /* to state stytch, by which sign-ins go there from now on */
    TURN_ELSEWHERE, /* from one connection to another of a like project */
};
enum { TURNS = 6 };

struct effect_source {
    char name[SOURCE_SIZE_MAX + 1];
    uint64_t before, turned[TURNS]; /* rows */
};

/* Of which projects some rows are. */
struct effect_stages {
    bool live, test;
};

/* Begins as {0}, but for what it goes by. */
struct effect {
    const struct config *config; /* by which a source whose routes only rehearse is told from one that is cut over */
    struct snapshot *counted;    /* where not all rows are added: what to count them in; else NULL */
    uint64_t rows[DIFFERENCE_NONE + 1];
    struct effect_source source;      /* the one whose rows are being added */
    size_t start_size;                /* of what its keys start with: its name and a zero byte; 0: there is none yet */
    struct effect_source most[TURNS]; /* where most rows turned, of the sources where many did; before is 0: none */
    size_t sources[TURNS];            /* where many did */
    struct effect_stages put, kept;   /* of the one whose rows are being added: written, and left as they are */
    struct effect_stages others;      /* of sources that the files do not name */
    bool test_put;                    /* rows of a test project are written */
    struct effect_stages beside;      /* rows that come beside rows of the other kind */
};

/* Looks at the rows of sources that the files do not name, once files_claim_sources() has had its say. Before the
 * comparison: it moves the snapshot's cursor. */
void effect_others(struct effect *effect, const struct mapping *mapping, struct snapshot *snapshot);

/* Differences come in key order; effect_end() follows the last. */
void effect_add(struct effect *effect, const struct difference *difference);
void effect_end(struct effect *effect);

struct change_counts effect_changes(const struct effect *effect);

bool effect_differs(const struct effect *effect);

/* Whether more than a tenth of a source's rows, and more than one, or all of them would go, so that the operator has to
 * say so. */
bool effect_loses_many(const struct effect *effect);

/* Prints a warning for each other turn that more than a tenth of a source's rows took, and more than one; of
 * TURN_STYTCH more than a batch of a few, and not while all routes of the source send everybody to the legacy side.
 * `revision` is the new one; 0 where nothing was written. */
void effect_warn(const struct effect *effect, uint64_t revision);

/* The same of what a rollback would do. */
void effect_warn_of_rollback(const struct effect *effect);

/* Warns where rows of a test project are written and no others are in the files, or come beside rows of a live one, or
 * the other way round, unless that has been told of the files themselves. A source that is new is compared with the
 * others, so that one of another kind, which may be meant, is told of once. */
void effect_warn_of_stages(const struct effect *effect, const struct mapping *mapping);

#endif
