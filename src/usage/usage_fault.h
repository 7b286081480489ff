/* Words for what is wrong with the usage file. For this folder only. */
#ifndef SSOFERRY_USAGE_FAULT_H
#define SSOFERRY_USAGE_FAULT_H

#include "ssoferry/environment.h"

/* Sets *error from an LMDB code or an errno and returns false: "PATH: cannot DOING: CAUSE: ADVICE". */
bool usage_fail(const char *path, int code, const char *doing, struct error *error);

/* The same for a file that is given up while it is written: "PATH: CAUSE: ADVICE". */
bool usage_give_up(const char *path, int code, struct error *error);

#endif
