#include "ssoferry/shell_word.h"

#include "ssoferry/memory.h"

/* Moves *rest, a part of `whole`, past its first character. Whether that cannot be seen, as a blank at either end. */
static bool skip_hidden(struct text whole, struct text *rest)
{
    char escape[TEXT_ESCAPE_SIZE];
    const char *at = rest->at;
    const bool is_end_blank = *at == ' ' && (at == whole.at || rest->size == 1);
    return text_shown(rest, escape).at != at || is_end_blank;
}

static bool has_hidden(struct text name)
{
    bool found = false;
    for (struct text rest = name; rest.size > 0 && !found;)
        found = skip_hidden(name, &rest);
    return found;
}

static bool is_plain(struct text name)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@%+,";
    for (size_t i = 0; i < name.size; ++i) {
        if (memchr(plain, name.at[i], sizeof plain - 1) == NULL)
            return false;
    }
    return name.size > 0;
}

static char *write_bytes(char *out, const char *bytes, size_t size)
{
    memcpy(out, bytes, size);
    return out + size;
}

/* Within '...', a quote can only be written by ending that, and beginning it again behind. */
static char *write_quoted(char *out, struct text name)
{
    *out++ = '\'';
    for (size_t i = 0; i < name.size; ++i)
        out = name.at[i] == '\'' ? write_bytes(out, "'\\''", 4) : write_bytes(out, &name.at[i], 1);
    *out++ = '\'';
    return out;
}

static char *write_hexadecimal(char *out, unsigned char byte)
{
    static const char digits[] = "0123456789abcdef";
    const char spelled[] = {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
    return write_bytes(out, spelled, sizeof spelled);
}

static char *write_spelled(char *out, struct text name)
{
    out = write_bytes(out, "$'", 2);
    for (struct text rest = name; rest.size > 0;) {
        const char *at = rest.at;
        const bool hidden = skip_hidden(name, &rest);
        for (; at < rest.at; ++at) {
            if (!hidden && (*at == '\\' || *at == '\''))
                *out++ = '\\';
            out = hidden ? write_hexadecimal(out, (unsigned char)*at) : write_bytes(out, at, 1);
        }
    }
    *out++ = '\'';
    return out;
}

char *shell_word(struct text name)
{
    char *word = memory_allocate(4 * name.size + sizeof "$''");
    char *end = has_hidden(name) ? write_spelled(word, name)
                : is_plain(name) ? write_bytes(word, name.at, name.size)
                                 : write_quoted(word, name);
    *end = '\0';
    return word;
}
