/* Room for what does not fit in memory. */
#ifndef SSOFERRY_TEMPORARY_H
#define SSOFERRY_TEMPORARY_H

#include <stdio.h>

#include "ssoferry/error.h"

/* Opens an empty file in $TMPDIR, or /tmp, for reading and writing that has no name, so that it is gone when it is
 * closed. */
bool temporary_open(FILE **file, struct error *error) __attribute__((warn_unused_result));

/* Sets *error, of an errno, for a temporary file that cannot be made, written or read; returns false. */
bool temporary_fail(int errnum, struct error *error);

#endif
