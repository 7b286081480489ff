/* A file that appears whole or not at all: written under a temporary name beside its own, then renamed. */
#ifndef SSOFERRY_CLI_WRITTEN_FILE_H
#define SSOFERRY_CLI_WRITTEN_FILE_H

#include <signal.h>
#include <stdio.h>

#include "ssoferry/error.h"

struct written_file {
    FILE *stream;
    char *path; /* where a link leads to */
    char *temporary;
    sigset_t signals; /* as they were */
};

/* Has the permissions of the file that is there, else those of `model`, whatever the umask. SIGINT, SIGTERM and SIGHUP
 * wait from here until written_file_close(), so that no temporary file is left behind. */
bool written_file_open(struct written_file *file, const char *path, const char *model, struct error *error)
    __attribute__((warn_unused_result));

/* Puts the file in its place if `keep`, and if it could be written to the disk; else removes it. Does not touch
 * *error where `keep` is false. */
bool written_file_close(struct written_file *file, bool keep, struct error *error) __attribute__((warn_unused_result));

#endif
