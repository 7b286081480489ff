/* The counting process's usage, for its own readers. For this folder only. */
#ifndef SSOFERRY_USAGE_LIVE_H
#define SSOFERRY_USAGE_LIVE_H

#include "usage_file.h"

/* Returns the file, which stays open until usage_unshare(); or NULL if it is not open, with nothing to give back. */
const struct usage_file *usage_share(struct usage *usage);
void usage_unshare(struct usage *usage);

#endif
