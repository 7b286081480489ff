/* The system calls that a serving daemon makes (seccomp(2)); every other one fails. */
#ifndef SSOFERRY_SYSTEM_CALLS_H
#define SSOFERRY_SYSTEM_CALLS_H

#include <stdbool.h>

/* Shuts all threads of the process in. `looks`: it may come to look into the usage file again, by a child. False with
 * errno. */
bool system_calls_restrict(bool looks);

#endif
