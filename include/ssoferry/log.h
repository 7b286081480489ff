/* A program's own words on stderr: `ssoferryd: warning: ...`, one line each. Requests are logged elsewhere. */
#ifndef SSOFERRY_LOG_H
#define SSOFERRY_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO };

/* The most talkative level that is printed; INFO at start. */
void log_set_level(enum log_level level);

/* Each prints one line in one write. Control bytes are shown as '?'. Safe from every thread. */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
