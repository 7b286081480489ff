/* A file that appears either whole or not at all: it is written under a temporary name in the same directory, then
 * renamed. */
#ifndef SSOFERRY_CLI_WRITTEN_FILE_H
#define SSOFERRY_CLI_WRITTEN_FILE_H

#include <signal.h>
#include <stdio.h>

#include "ssoferry/error.h"

struct written_file {
    FILE *stream;
    char *path; /* with links resolved */
    char *temporary;
    sigset_t signals; /* the signal mask to restore */
};

/* The new file gets the permissions of the file it replaces, or else those of `model`, whatever the umask. SIGINT,
 * SIGTERM and SIGHUP, as far as they are not ignored, are blocked until written_file_close(), so that no temporary file
 * is left behind. */
bool written_file_open(struct written_file *file, const char *path, const char *model, struct error *error)
    __attribute__((warn_unused_result));

/* Whether one of these signals has come. Ask it while writing: written_file_close() then ends the program. */
bool written_file_interrupted(void);

/* If `keep`, if no signal came meanwhile, and if everything reached the disk, renames the file into place; otherwise
 * removes it. Leaves *error alone if `keep` is false. Call it exactly once after a successful open. */
bool written_file_close(struct written_file *file, bool keep, struct error *error) __attribute__((warn_unused_result));

#endif
