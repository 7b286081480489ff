#include "ssoferry/text.h"

#include <stdio.h>

#include "ssoferry/bytes.h"

int text_compare(struct text a, struct text b)
{
    size_t shared = a.size < b.size ? a.size : b.size;
    int order = shared > 0 ? memcmp(a.at, b.at, shared) : 0;
    if (order != 0)
        return order;
    return (a.size > b.size) - (a.size < b.size);
}

size_t text_shared(struct text a, struct text b)
{
    return bytes_shared(a.at, b.at, a.size < b.size ? a.size : b.size);
}

bool text_same_fold(const char *a, const char *b, size_t size)
{
    for (size_t i = 0; i < size; ++i) {
        if (a[i] != b[i] && text_lower(a[i]) != text_lower(b[i])) /* usually the bytes are equal as they stand */
            return false;
    }
    return true;
}

bool text_ends(struct text t, struct text suffix)
{
    return t.size >= suffix.size &&
           (suffix.size == 0 || memcmp(t.at + t.size - suffix.size, suffix.at, suffix.size) == 0);
}

uint64_t text_fingerprint(struct text t, uint64_t before)
{
    for (size_t i = 0; i < t.size; ++i)
        before = (before ^ (unsigned char)t.at[i]) * UINT64_C(0x100000001b3);
    return before;
}

struct text text_directory(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return TEXT(".");
    return text_slice(path, slash == path ? 1 : (size_t)(slash - path));
}

struct text text_cut(struct text t, size_t size)
{
    if (t.size <= size)
        return t;
    while (size > 0 && ((unsigned char)t.at[size] & 0xc0) == 0x80)
        --size;
    return text_slice(t.at, size);
}

void text_fold(struct text t, char *out)
{
    for (size_t i = 0; i < t.size; ++i)
        out[i] = text_lower(t.at[i]);
}

/* Length of the UTF-8 sequence at `at`, or 0 if there is none; *code gets its code point. RFC 3629, section 4. */
static size_t utf8_sequence(const unsigned char *at, size_t size, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = at[0];
    size_t length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    if (length == 0 || length > size)
        return 0;
    *code = length == 1 ? first : first & (0xffU >> (length + 1));
    for (size_t i = 1; i < length; ++i) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (at[i] & 0x3fU);
    }
    bool surrogate = *code >= 0xd800 && *code <= 0xdfff;
    return *code < least[length] || surrogate || *code > 0x10ffff ? 0 : length;
}

bool text_is_utf8(struct text t)
{
    const unsigned char *bytes = (const unsigned char *)t.at;
    for (size_t i = 0; i < t.size;) {
        if (t.size - i >= sizeof(uint64_t) && !bytes_any_high(bytes_load(t.at + i))) {
            i += sizeof(uint64_t);
            continue;
        }
        if (bytes[i] < 0x80) {
            ++i;
            continue;
        }
        uint32_t code = 0;
        size_t length = utf8_sequence(bytes + i, t.size - i, &code);
        if (length == 0)
            return false;
        i += length;
    }
    return true;
}

/* Whether every byte is ASCII from `first` to '~'. Some of the last eight may be checked twice. */
static inline bool is_from(struct text t, unsigned char first)
{
    const size_t word = sizeof(uint64_t);
    size_t i = 0;
    for (; t.size - i >= word; i += word) {
        if (!bytes_all_from(bytes_load(t.at + i), first))
            return false;
    }
    if (i > 0 && i < t.size)
        return bytes_all_from(bytes_load(t.at + t.size - word), first);
    if (i == 0 && t.size >= word / 2)
        return bytes_all_from(bytes_load_some(t.at, t.size), first);
    while (i < t.size && (unsigned char)t.at[i] >= first && (unsigned char)t.at[i] < 0x7f)
        ++i;
    return i == t.size;
}

static bool is_visible(char c)
{
    return (unsigned char)c > ' ' && c != 0x7f;
}

bool text_is_visible(struct text t)
{
    if (is_from(t, ' ' + 1))
        return true;
    size_t i = 0;
    while (i < t.size && is_visible(t.at[i]))
        ++i;
    return i == t.size;
}

bool text_is_printable(struct text t)
{
    return is_from(t, ' ');
}

bool text_has_control(struct text t)
{
    size_t start = 0;
    while (t.size - start >= sizeof(uint64_t) && bytes_all_from(bytes_load(t.at + start), ' '))
        start += sizeof(uint64_t);
    for (size_t i = start; i < t.size; ++i) {
        unsigned char byte = (unsigned char)t.at[i];
        if (byte < 0x20 || byte == 0x7f)
            return true;
        /* U+0080 to U+009F are 0xC2 and a continuation byte of the same value. */
        if (byte == 0xc2 && i + 1 < t.size && (unsigned char)t.at[i + 1] < 0xa0)
            return true;
    }
    return false;
}

uint32_t text_character(struct text t, size_t *at)
{
    unsigned char lead = (unsigned char)t.at[(*at)++];
    unsigned more = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    uint32_t character = more == 0 ? lead : lead & (0x3fu >> more);
    for (; more > 0 && *at < t.size; more--)
        character = character << 6 | ((unsigned char)t.at[(*at)++] & 0x3f);
    return character;
}

size_t text_put_character(char *out, uint32_t character)
{
    static const uint32_t firsts[] = {0x80, 0x800, 0x10000};
    static const unsigned char leads[] = {0, 0xc0, 0xe0, 0xf0};
    size_t more = 0;
    while (more < sizeof firsts / sizeof firsts[0] && character >= firsts[more])
        more++;
    out[0] = (char)(leads[more] | character >> 6 * more);
    for (size_t i = 1; i <= more; i++)
        out[i] = (char)(0x80 | (character >> 6 * (more - i) & 0x3f));
    return more + 1;
}

bool text_hides(uint32_t character)
{
    static const uint32_t ranges[][2] = {
        {0xa0, 0xa0},       {0xad, 0xad},       {0x34f, 0x34f},   {0x61c, 0x61c},   {0x115f, 0x1160},
        {0x1680, 0x1680},   {0x17b4, 0x17b5},   {0x180b, 0x180f}, {0x2000, 0x200f}, {0x2028, 0x202f},
        {0x205f, 0x206f},   {0x2800, 0x2800},   {0x3000, 0x3000}, {0x3164, 0x3164}, {0xfe00, 0xfe0f},
        {0xfeff, 0xfeff},   {0xffa0, 0xffa0},   {0xfff9, 0xfffb}, {0xfffe, 0xffff}, {0x1d173, 0x1d17a},
        {0xe0000, 0xe007f}, {0xe0100, 0xe01ef},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0] && character >= ranges[i][0]; i++) {
        if (character <= ranges[i][1])
            return true;
    }
    return false;
}

bool text_has_hidden(struct text t)
{
    if (text_is_printable(t))
        return false;
    for (size_t at = 0; at < t.size;) {
        if ((unsigned char)t.at[at] < 0x80)
            at++;
        else if (text_hides(text_character(t, &at)))
            return true;
    }
    return false;
}

struct text text_shown(struct text *rest, char escape[TEXT_ESCAPE_SIZE])
{
    const unsigned char first = (unsigned char)rest->at[0];
    const size_t size = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    const struct text character = text_slice(rest->at, size);
    if (size > rest->size || !text_is_utf8(character) || text_has_control(character)) {
        *rest = text_from(*rest, 1);
        return text_slice(escape, (size_t)snprintf(escape, TEXT_ESCAPE_SIZE, "\\x%02x", first));
    }
    size_t at = 0;
    const uint32_t number = text_character(*rest, &at);
    *rest = text_from(*rest, size);
    if (!text_hides(number))
        return character;
    return text_slice(escape,
                      (size_t)snprintf(escape, TEXT_ESCAPE_SIZE, number < 0x10000 ? "\\u%04x" : "\\U%08x", number));
}

size_t text_show(struct text t, char *out, size_t size)
{
    char escape[TEXT_ESCAPE_SIZE];
    size_t written = 0;
    while (t.size > 0) {
        const struct text shown = text_shown(&t, escape);
        if (shown.size > size - written)
            break;
        memcpy(out + written, shown.at, shown.size);
        written += shown.size;
    }
    return written;
}

bool text_percent_decode(struct text in, enum text_plus plus, char *out, size_t *size)
{
    size_t written = 0;
    for (size_t i = 0; i < in.size; ++i) {
        char c = in.at[i];
        if (c == '%') {
            int high = in.size - i > 2 ? text_hex_digit(in.at[i + 1]) : -1;
            int low = in.size - i > 2 ? text_hex_digit(in.at[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus == TEXT_PLUS_IS_SPACE) {
            c = ' ';
        }
        out[written++] = c;
    }
    *size = written;
    return true;
}

bool text_to_number(struct text t, uint64_t max, uint64_t *number)
{
    uint64_t value = 0;
    for (size_t i = 0; i < t.size; ++i) {
        unsigned digit = (unsigned char)t.at[i] - (unsigned)'0';
        if (digit > 9 || __builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, digit, &value))
            return false;
    }
    if (t.size == 0 || value > max)
        return false;
    *number = value;
    return true;
}
