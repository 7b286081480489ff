/* A time as people and programs read it. */
#ifndef SSOFERRY_TIME_TEXT_H
#define SSOFERRY_TIME_TEXT_H

#include <stdint.h>

enum { TIME_SIZE = 40 };

/* "2026-03-01T09:30:05Z" of microseconds since 1970; "never" for 0, and where no such time can be: before 1970,
 * and from the year 10000 on. `buffer` holds TIME_SIZE bytes, and is what is returned. */
const char *time_text(int64_t microseconds, char *buffer);

#endif
