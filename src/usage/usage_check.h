/* LMDB trusts its file: a page of garbage can make it end the process. A daemon that serves sign-ins must not end
 * because of its statistics, so a child reads the file first. For this folder only. */
#ifndef SSOFERRY_USAGE_CHECK_H
#define SSOFERRY_USAGE_CHECK_H

#include "ssoferry/error.h"

/* Reads the file at `path` from end to end in a child process, so that damage cannot bring this process down. False,
 * with *error set, if the child does not succeed, or not within a minute, or within a second after the descriptor `end`
 * has become readable (-1: there is none), which means that this process is to end. */
bool usage_check(const char *path, int end, struct error *error) __attribute__((warn_unused_result));

#endif
