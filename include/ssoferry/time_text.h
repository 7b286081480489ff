/* Formats times for people and programs. */
#ifndef SSOFERRY_TIME_TEXT_H
#define SSOFERRY_TIME_TEXT_H

#include <stdint.h>

enum { TIME_SIZE = 40 };

/* Formats microseconds UTC since 1970 as "2026-03-01T09:30:05Z", or as "never" for 0 and for impossible times: before
 * 1970, or from the year 10000 on. `buffer` holds TIME_SIZE bytes and is returned. */
const char *time_text(int64_t microseconds, char *buffer);

#endif
