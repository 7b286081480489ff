/* LMDB trusts its file: a page of garbage can make it end the process. A daemon that serves sign-ins must not end for
 * the sake of its statistics, so a child looks first. For this folder only. */
#ifndef SSOFERRY_USAGE_CHECK_H
#define SSOFERRY_USAGE_CHECK_H

#include "ssoferry/error.h"

/* Reads the file at `path` from end to end in a child process, so that a damaged one cannot take this process with it.
 * False, with *error set, where the child does not come through. */
bool usage_check(const char *path, struct error *error) __attribute__((warn_unused_result));

#endif
