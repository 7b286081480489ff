#include "saml_charset.h"

/* Finds the declared encoding's name; empty if there is none. */
static struct text declared_encoding(struct text start)
{
    static const char white[] = " \t\r\n";
    const struct text none = {NULL, 0}, key = TEXT("encoding");
    if (start.size < 6 || !text_starts(start, TEXT("<?xml")) || strchr(white, start.at[5]) == NULL)
        return none;
    struct text declaration = text_slice(start.at, text_find(start, '>', 0));
    const char *found = memmem(declaration.at, declaration.size, key.at, key.size);
    if (found == NULL)
        return none;
    size_t at = (size_t)(found - declaration.at) + key.size;
    while (at < declaration.size && (declaration.at[at] == '=' || strchr(white, declaration.at[at]) != NULL))
        at++;
    if (at == declaration.size || (declaration.at[at] != '"' && declaration.at[at] != '\''))
        return none;
    size_t end = text_find(declaration, declaration.at[at], at + 1);
    return end == declaration.size ? none : text_slice(declaration.at + at + 1, end - at - 1);
}

/* Whether it is `prefix` followed by at least one and at most `digits_max` digits. */
static bool is_numbered(struct text name, struct text prefix, size_t digits_max)
{
    if (name.size <= prefix.size || name.size > prefix.size + digits_max ||
        !text_equal_fold(text_slice(name.at, prefix.size), prefix))
        return false;
    for (size_t i = prefix.size; i < name.size; i++)
        if (name.at[i] < '0' || name.at[i] > '9')
            return false;
    return true;
}

enum saml_charset saml_charset_of(struct text start)
{
    struct text name = declared_encoding(start);
    if (text_equal_fold(name, TEXT("ISO-8859-1")))
        return SAML_CHARSET_LATIN1;
    return is_numbered(name, TEXT("ISO-8859-"), 2) || is_numbered(name, TEXT("windows-125"), 1)
               ? SAML_CHARSET_SINGLE_BYTE
               : SAML_CHARSET_UTF8;
}

size_t saml_latin1_to_utf8(struct text t, char *out)
{
    size_t size = 0;
    for (size_t i = 0; i < t.size; i++) {
        unsigned char c = (unsigned char)t.at[i];
        if (c >= 0x80)
            out[size++] = (char)(0xc0 | c >> 6);
        out[size++] = (char)(c >= 0x80 ? 0x80 | (c & 0x3f) : c);
    }
    return size;
}
