/* Why a call failed: a kind that programs act on, a sentence that people read. */
#ifndef SSOFERRY_ERROR_H
#define SSOFERRY_ERROR_H

#include <stdbool.h>

enum error_kind {
    ERROR_NONE,
    ERROR_FAILED,    /* the machine or the store said no: exit status 1 */
    ERROR_INPUT,     /* what the user gave is wrong: exit status 2 */
    ERROR_MAP_FULL,  /* the LMDB map is full: table_grow() and try again; else as ERROR_FAILED */
    ERROR_CONFLICT,  /* somebody else changed the table meanwhile: exit status 1 */
    ERROR_TOO_LARGE, /* a change has grown too large for one transaction: change_again() and try again; else as
                        ERROR_FAILED */
};

enum { ERROR_MESSAGE_SIZE = 1024 };

struct error {
    enum error_kind kind;
    char message[ERROR_MESSAGE_SIZE]; /* one line, NUL-terminated, says what to do next where that is known */
};

/* Fills *error and returns false, so that a failing function can end with `return error_set(...)`. A longer message is
 * cut. Control bytes in the message are replaced by '?', so that a hostile file name cannot forge a line of a log. */
bool error_set(struct error *error, enum error_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As error_set(), with ": " and strerror(errnum) behind the message. */
bool error_set_errno(struct error *error, enum error_kind kind, int errnum, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The exit status a program ends with after this error: 1 or 2. */
int error_exit_status(const struct error *error);

#endif
