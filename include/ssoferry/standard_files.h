/* Standard input, output and error. */
#ifndef SSOFERRY_STANDARD_FILES_H
#define SSOFERRY_STANDARD_FILES_H

#include <stdbool.h>

/* Call before anything is opened. Occupies any of the descriptors 0 to 2 that the caller closed: the next file opened
 * would get that number, and printed output would be written into it. Reading and writing there still fail with EBADF.
 */
void standard_files_hold(void);

/* Reopens a terminal for non-blocking writes, because it may report room for less than a write needs, and the write
 * then blocks until somebody reads. Setting O_NONBLOCK on `fd` itself would affect everybody who has it open, such as
 * the shell. The caller closes the new descriptor. Returns `fd` if it is not a terminal, or one that we may not open.
 */
int standard_files_unshared(int fd) __attribute__((warn_unused_result));

/* Flushes standard output at the program's end. False if not all of it could be written; prints a message, except when
 * the reader has gone away, as `head` does. */
bool standard_files_finish(void) __attribute__((warn_unused_result));

#endif
