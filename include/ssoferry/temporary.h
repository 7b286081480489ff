/* Temporary files for what does not fit in memory. */
#ifndef SSOFERRY_TEMPORARY_H
#define SSOFERRY_TEMPORARY_H

#include <stdio.h>

#include "ssoferry/error.h"

/* Opens an empty, unnamed file in $TMPDIR or /tmp for reading and writing. It is gone once closed with fclose(). */
bool temporary_open(FILE **file, struct error *error) __attribute__((warn_unused_result));

/* Sets *error for a temporary file that could not be created, written or read with `errnum`; returns false. */
bool temporary_fail(int errnum, struct error *error);

#endif
