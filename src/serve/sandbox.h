/* What a serving daemon may no longer do; see src/serve/sandbox.c and ssoferryd(8). If the kernel refuses, a line is
 * logged and the daemon serves anyway: sign-ins matter more. */
#ifndef SSOFERRY_SANDBOX_H
#define SSOFERRY_SANDBOX_H

#include "ssoferry/config.h"

/* Gives up capabilities, and access to every file except those that serving and reloading open. Call after the store
 * and the addresses have been opened and before the first thread starts. `config` was read from `config_path`. */
void sandbox_close_files(const struct config *config, const char *config_path);

/* Gives up every system call that serving does not make, in all threads. Call before the first request. If the usage
 * file is awaited, starting the child that examines it stays allowed. */
void sandbox_close_calls(const struct config *config, bool usage_awaited);

#endif
