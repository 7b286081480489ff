#include "ssoferry/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ssoferry/text.h"

static void set_message(struct error *error, const char *message)
{
    error->message[text_show(text_of(message), error->message, sizeof(error->message) - 1)] = '\0';
}

bool error_set(struct error *error, enum error_kind kind, const char *format, ...)
{
    char message[ERROR_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    error->kind = kind;
    set_message(error, message);
    return false;
}

bool error_set_errno(struct error *error, enum error_kind kind, int errnum, const char *format, ...)
{
    char message[ERROR_MESSAGE_SIZE], reason[128];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    error->kind = kind;

    size_t size = strlen(message);
    snprintf(message + size, sizeof(message) - size, ": %s", strerror_r(errnum, reason, sizeof(reason)));
    set_message(error, message);
    return false;
}

int error_exit_status(const struct error *error)
{
    return error->kind == ERROR_INPUT ? 2 : 1;
}
