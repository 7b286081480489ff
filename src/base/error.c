#include "ssoferry/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ssoferry/text.h"

static void mask_control(char *message)
{
    for (char *at = message; *at != '\0'; ++at) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = '?';
    }
}

bool error_set(struct error *error, enum error_kind kind, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof(error->message), format, arguments);
    va_end(arguments);
    error->kind = kind;
    mask_control(error->message);
    return false;
}

bool error_set_errno(struct error *error, enum error_kind kind, int errnum, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof(error->message), format, arguments);
    va_end(arguments);
    error->kind = kind;

    size_t size = strlen(error->message);
    char reason[128];
    snprintf(error->message + size, sizeof(error->message) - size, ": %s", strerror_r(errnum, reason, sizeof(reason)));
    mask_control(error->message);
    return false;
}

int error_exit_status(const struct error *error)
{
    return error->kind == ERROR_INPUT ? 2 : 1;
}
