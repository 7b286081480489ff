/* The system calls that a serving daemon may make (seccomp(2)); all others fail. */
#ifndef SSOFERRY_SYSTEM_CALLS_H
#define SSOFERRY_SYSTEM_CALLS_H

#include <stdbool.h>

/* Applies the filter to all threads of the process. `looks`: also allow starting the child that examines the usage
 * file. False with errno. */
bool system_calls_restrict(bool looks);

#endif
