/* A program's own messages on stderr: `ssoferryd: warning: ...`, one line each. The request log is separate. */
#ifndef SSOFERRY_LOG_H
#define SSOFERRY_LOG_H

#include "ssoferry/text.h"

/* Each prints one line with one write. What cannot be shown is written as text_shown() has it. Any thread may call
 * these. */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints finished lines, each with its line feed, as they are. A line over 2048 bytes takes more than one write. */
void log_lines(struct text lines);

/* From now on lines go to `fd` and are never waited for: a line that `fd` does not take at once is lost and counted,
 * and the next line it takes says how many were. For a daemon, whose threads must not stall because the reader of its
 * messages does. `fd` is standard error or the result of standard_files_unshared(), and stays open. */
void log_never_wait(int fd);

/* Keeps other threads from logging between the two calls. For a caller that writes to what may be the same pipe, and
 * needs poll(2)'s word that PIPE_BUF bytes fit to stay true. The caller must not log in between, or it deadlocks. */
void log_hold(void);
void log_release(void);

#endif
