/* Mapping files as check, diff and load read them. */
#ifndef SSOFERRY_CLI_FILES_H
#define SSOFERRY_CLI_FILES_H

#include "context.h"
#include "progress.h"
#include "ssoferry/mapping_file.h"

/* What is said where no row is of a live project. */
#define MAPPING_TEST_ONLY                                                                                              \
    "all connections are of a test project: customers who sign in by them end up there, not in the live one"

/* A file that could not be read, and was told of. */
struct files_unread {
    const char *path;
    struct error error;
};

struct files {
    struct mapping *mapping;
    struct faults *faults;
    struct files_unread *unread;
    size_t unread_count;
    struct watch *watch; /* what the routes make of the rows */
};

/* Reads all of the files named on the command line. Faults are printed, followed by their count and `coda` (";
 * nothing was written"). Returns the exit status: STATUS_DONE also with mere warnings. files_close() follows in any
 * case. */
int files_read(struct files *files, const struct context *context, const struct arguments *arguments,
               struct progress *progress, const char *coda);
/* "ssoferry: 3 errors, 1 warning", then `coda` where there are errors; nothing where there is no fault. */
void files_print_count(const struct faults *faults, const char *coda);

void files_close(struct files *files);

/* Prints "source default" or "sources auth0, default" to standard output. */
void files_print_sources(const struct files *files, FILE *out);

/* With --all-sources, adds those of the table to those that the files speak of. Moves the snapshot's cursor. */
bool files_claim_sources(struct files *files, struct snapshot *snapshot, const struct arguments *arguments,
                         struct error *error) __attribute__((warn_unused_result));

/* As mapping_compare(), but a NULL snapshot stands for a store that is not there yet: every row is new. */
bool files_compare(const struct files *files, struct snapshot *snapshot, enum mapping_mode mode,
                   bool (*on_difference)(void *context, const struct difference *difference, struct error *error),
                   void *context, struct error *error) __attribute__((warn_unused_result));

#endif
