/* Standard input, output and error. */
#ifndef SSOFERRY_STANDARD_FILES_H
#define SSOFERRY_STANDARD_FILES_H

#include <stdbool.h>

/* To be called before anything is opened: takes the numbers 0 to 2 where the caller has closed them, for the next file
 * that is opened would get them, and what is printed would be written into it. Reading and writing there fails with
 * EBADF as before. */
void standard_files_hold(void);

/* A terminal says that it has room while it has less than a write takes, which then waits for who reads it; not to wait
 * is set for all who have it open, as the shell that started us. So this opens it once more, not to wait: the caller
 * closes that. Returns `fd` itself where it is no terminal, or one that we may not open. */
int standard_files_unshared(int fd) __attribute__((warn_unused_result));

/* Flushes standard output, at the program's end. False where not all of it could be written: with a message, but
 * silently where the reader has gone away, as `head` does. */
bool standard_files_finish(void) __attribute__((warn_unused_result));

#endif
