/* Mapping files as check, diff and load read them. */
#ifndef SSOFERRY_CLI_FILES_H
#define SSOFERRY_CLI_FILES_H

#include "context.h"
#include "progress.h"
#include "ssoferry/mapping_file.h"

struct files {
    struct mapping *mapping;
    struct faults *faults;
};

/* Reads all of the files named on the command line. Faults are printed, followed by their count and `coda` (";
 * nothing was written"). Returns the exit status: STATUS_DONE also with mere warnings. files_close() follows in any
 * case. */
int files_read(struct files *files, const struct context *context, const struct arguments *arguments,
               struct progress *progress, const char *coda);
void files_close(struct files *files);

/* Prints "source default" or "sources auth0, default" to standard output. */
void files_print_sources(const struct files *files, FILE *out);

/* What making the table equal to the files comes to, by enum difference_kind. */
struct tally {
    uint64_t rows[DIFFERENCE_NONE + 1];
    uint64_t taken_back; /* of the changed ones: from state stytch to state legacy */
};

void tally_add(struct tally *tally, const struct difference *difference);

struct change_counts tally_changes(const struct tally *tally);

bool tally_differs(const struct tally *tally);

/* Rows of the files' sources before. */
uint64_t tally_before(const struct tally *tally);

/* Whether so many of them would go that the operator has to say so: more than a tenth. */
bool tally_loses_many(const struct tally *tally);

/* Whether so many of them would be taken back to the old system: more than a tenth, and more than one. */
bool tally_takes_many_back(const struct tally *tally);

/* As mapping_compare(), but a NULL snapshot stands for a store that is not there yet: every row is new. */
bool files_compare(const struct files *files, struct snapshot *snapshot, enum mapping_mode mode,
                   bool (*on_difference)(void *context, const struct difference *difference, struct error *error),
                   void *context, struct error *error) __attribute__((warn_unused_result));

#endif
