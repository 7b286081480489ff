/* Why a call failed: a kind for programs to act on and a sentence for people to read. */
#ifndef SSOFERRY_ERROR_H
#define SSOFERRY_ERROR_H

#include <stdbool.h>

enum error_kind {
    ERROR_NONE,
    ERROR_FAILED,    /* the machine or the store failed: exit status 1 */
    ERROR_RECORD,    /* one row's record cannot be read, although the store can: exit status 1 */
    ERROR_INPUT,     /* the user's input is wrong: exit status 2 */
    ERROR_MAP_FULL,  /* the LMDB map is full: call table_grow() and retry; otherwise treat as ERROR_FAILED */
    ERROR_CONFLICT,  /* somebody else changed the table in the meantime: exit status 1 */
    ERROR_TOO_LARGE, /* a change has grown too large for one transaction: call change_again() and retry; otherwise treat
                      * as ERROR_FAILED */
};

enum { ERROR_MESSAGE_SIZE = 1024 };

struct error {
    enum error_kind kind;
    char message[ERROR_MESSAGE_SIZE]; /* one line, NUL-terminated; says what to do next if that is known */
};

/* Fills *error and returns false, so that a failing function can end with `return error_set(...)`. A message that is
 * too long is cut. What cannot be shown is written as text_shown() has it, so that a hostile file name cannot forge a
 * log line. */
bool error_set(struct error *error, enum error_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Like error_set(), with ": " and strerror(errnum) after the message. */
bool error_set_errno(struct error *error, enum error_kind kind, int errnum, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The status that a program exits with after this error: 1 or 2. */
int error_exit_status(const struct error *error);

#endif
