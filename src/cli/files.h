/* Mapping files, as read by check, diff and load. */
#ifndef SSOFERRY_CLI_FILES_H
#define SSOFERRY_CLI_FILES_H

#include "context.h"
#include "progress.h"
#include "ssoferry/mapping_file.h"

/* What is said where no row is of a live project. */
#define MAPPING_TEST_ONLY                                                                                              \
    "all connections are of a test project: customers who sign in by them end up there, not in the live one"

/* A file that could not be read, or all of them together; this has been reported already. */
struct files_unread {
    const char *path; /* NULL: all of them */
    struct error error;
};

struct files {
    struct mapping *mapping;
    struct faults *faults;
    struct files_unread *unread;
    size_t unread_count;
    struct watch *watch; /* checks the rows against the routes */
};

/* Reads all files named on the command line. Prints faults, then their count and `coda` ("; nothing was written").
 * Returns the exit status, STATUS_DONE even with warnings. Call files_close() in any case. */
int files_read(struct files *files, const struct context *context, const struct arguments *arguments,
               struct progress *progress, const char *coda);

/* Prints "ssoferry: 3 errors, 1 warning", then `coda` if there are errors; prints nothing without faults. */
void files_print_count(const struct faults *faults, const char *coda);

void files_close(struct files *files);

/* Prints "source default" or "sources auth0, default". */
void files_print_sources(const struct files *files, FILE *out);

/* With --all-sources, treats all of the table's sources as covered by the files. Moves the snapshot's cursor. */
bool files_claim_sources(struct files *files, struct snapshot *snapshot, const struct arguments *arguments,
                         struct error *error) __attribute__((warn_unused_result));

/* Like mapping_compare(), which merges with --merge, except that a NULL snapshot stands for a store that does not exist
 * yet: every row is new. */
bool files_compare(const struct files *files, struct snapshot *snapshot, const struct arguments *arguments,
                   bool (*on_difference)(void *context, const struct difference *difference, struct error *error),
                   void *context, struct error *error) __attribute__((warn_unused_result));

#endif
