/* The usage of the process that counts, as its readers see it. For this folder only. */
#ifndef SSOFERRY_USAGE_LIVE_H
#define SSOFERRY_USAGE_LIVE_H

#include "usage_file.h"

/* The file, which stays open until usage_unshare(); NULL, with nothing to give back, where it was never open. */
const struct usage_file *usage_share(struct usage *usage);
void usage_unshare(struct usage *usage);

#endif
