/* What a load amounts to: counts, and changes to so many rows of one source that they may be a mistake. */
#ifndef SSOFERRY_CLI_EFFECT_H
#define SSOFERRY_CLI_EFFECT_H

#include "ssoferry/config.h"
#include "ssoferry/mapping_file.h"

enum turn {
    TURN_REMOVED,
    TURN_LEGACY,    /* from state stytch to state legacy */
    TURN_DISABLED,  /* from state stytch to state disabled */
    TURN_TEST,      /* from a connection of a live project to one of a test project */
    TURN_STYTCH,    /* to state stytch: sign-ins go to Stytch from now on */
    TURN_ELSEWHERE, /* from one connection to another in a project of the same kind */
};
enum { TURNS = 6 };

struct effect_source {
    char name[SOURCE_SIZE_MAX + 1];
    uint64_t before, turned[TURNS]; /* rows */
};

/* Which kinds of project some rows belong to. */
struct effect_stages {
    bool live, test;
};

/* Starts as {0}, except for `config` and `counted`. */
struct effect {
    const struct config *config; /* tells whether a source's routes only rehearse */
    struct snapshot *counted;    /* if not all rows are added: where to count them; otherwise NULL */
    uint64_t rows[DIFFERENCE_NONE + 1];
    struct effect_source source;      /* the source whose rows are being added */
    size_t start_size;                /* size of the prefix of its keys (its name and a zero byte); 0: none yet */
    struct effect_source most[TURNS]; /* of the sources where many rows turned, the one with most; before is 0: none */
    size_t sources[TURNS];            /* how many sources had many */
    struct effect_stages put, kept;   /* for the current source: rows written, and rows left as they are */
    struct effect_stages others;      /* for sources that the files do not name */
    bool cuts_over;                   /* the current source's new rows in state stytch, in spite of a rehearsal */
    uint64_t cut_over;                /* rows that go to Stytch in spite of a rehearsal, and did not before */
    bool test_put;                    /* rows of a test project are written */
    struct effect_stages beside;      /* rows added next to rows of the other kind */
};

/* Examines the rows of sources that the files do not name, so call it after files_claim_sources(). It moves the
 * snapshot's cursor, so call it before the comparison. */
void effect_others(struct effect *effect, const struct mapping *mapping, struct snapshot *snapshot);

/* Adds differences, which must come in key order; call effect_end() after the last. */
void effect_add(struct effect *effect, const struct difference *difference);
void effect_end(struct effect *effect);

struct change_counts effect_changes(const struct effect *effect);

bool effect_differs(const struct effect *effect);

/* Whether a source would lose all its rows, or more than one and more than a tenth of them, so that the operator must
 * confirm it. */
bool effect_loses_many(const struct effect *effect);

/* What to do to keep those rows, "add --merge". --all-sources does not go together with that. Static. */
const char *effect_way_to_keep(bool all_sources);

/* Prints a warning for every other turn taken by more than one, and more than a tenth, of a source's rows. For
 * TURN_STYTCH it takes more than a small batch, and no warning is given while all the source's routes send everybody to
 * the legacy side. Another warning is of the rows, however few, that are cut over in spite of a rehearsal. `revision`
 * is the new one; 0 if nothing was written. */
void effect_warn(const struct effect *effect, uint64_t revision);

/* The same for what a rollback would do. */
void effect_warn_of_rollback(const struct effect *effect);

/* Warns if only rows of test projects are written, or if they join rows of live projects, or vice versa, unless that
 * was reported about the files themselves. A new source is compared with the others, so one of another kind, which may
 * be intended, causes one warning. */
void effect_warn_of_stages(const struct effect *effect, const struct mapping *mapping);

#endif
