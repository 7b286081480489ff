/* The system calls that a serving daemon makes (seccomp(2)); every other one fails. */
#ifndef SSOFERRY_SYSTEM_CALLS_H
#define SSOFERRY_SYSTEM_CALLS_H

#include <stdbool.h>

/* Shuts all threads of the process in. False with errno. */
bool system_calls_restrict(void);

#endif
