#include "ssoferry/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

enum { LINE_SIZE = 2048 };

__attribute__((format(printf, 2, 0))) static void write_line(const char *prefix, const char *format, va_list arguments)
{
    char line[LINE_SIZE];
    int used = snprintf(line, sizeof(line), "%s: %s", program_invocation_short_name, prefix);
    int wanted = vsnprintf(line + used, sizeof(line) - (size_t)used - 1, format, arguments);
    size_t size = (size_t)used + (wanted < 0 ? 0 : (size_t)wanted);
    if (size > sizeof(line) - 2)
        size = sizeof(line) - 2;
    for (size_t i = 0; i < size; ++i) {
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    }
    line[size++] = '\n';
    /* Nobody is left to tell if stderr is gone. */
    ssize_t ignored = write(STDERR_FILENO, line, size);
    (void)ignored;
}

void log_error(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_line("error: ", format, arguments);
    va_end(arguments);
}

void log_warning(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_line("warning: ", format, arguments);
    va_end(arguments);
}

void log_info(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_line("", format, arguments);
    va_end(arguments);
}
