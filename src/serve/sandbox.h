/* What a daemon that serves can no longer do: see src/serve/sandbox.c and ssoferryd(8). Where the kernel refuses, a
 * line is logged and the daemon serves all the same: a sign-in is worth more. */
#ifndef SSOFERRY_SANDBOX_H
#define SSOFERRY_SANDBOX_H

#include "ssoferry/config.h"

/* Gives capabilities up, and every file but those that serving and reloading open. Before the first thread starts,
 * after the store and the addresses have been opened. `config_path` is what `config` was read from. */
void sandbox_close_files(const struct config *config, const char *config_path);

/* Gives every system call up that serving does not make; for all threads. Before the first request. Where the usage
 * file is awaited, a child that looks into it may still be started. */
void sandbox_close_calls(const struct config *config, bool usage_awaited);

#endif
