/* A program's own words on stderr: `ssoferryd: warning: ...`, one line each. Requests are logged elsewhere. */
#ifndef SSOFERRY_LOG_H
#define SSOFERRY_LOG_H

/* Each prints one line in one write. Control bytes are shown as '?'. Safe from every thread. */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
