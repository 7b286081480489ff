/* A program's own words on stderr: `ssoferryd: warning: ...`, one line each. Requests are logged elsewhere. */
#ifndef SSOFERRY_LOG_H
#define SSOFERRY_LOG_H

#include "ssoferry/text.h"

/* Each prints one line in one write. Control bytes are shown as '?'. Safe from every thread. */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Lines that are put together already, each with its line feed; a longer one than 2048 bytes is more than one write. */
void log_lines(struct text lines);

/* From now on lines go to `fd`, which is standard error or what standard_files_unshared() makes of it and stays open,
 * and one that it does not take at once is lost, and counted: how many is told with the next one that it takes. For a
 * daemon, whose threads must not stand still because a reader of messages does. */
void log_never_wait(int fd);

/* No thread's lines come between the two: for who writes to what may be the same pipe, and asks poll(2) whether it
 * takes PIPE_BUF bytes. Nothing is to be logged meanwhile. */
void log_hold(void);
void log_release(void);

#endif
