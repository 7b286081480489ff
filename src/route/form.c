#include "ssoferry/form.h"

#include "encoded.h"

enum { ESCAPE_SIZE_MAX = 5, ESCAPES_FREE = 16 * 1024 };

bool form_next(struct text source, size_t *position, struct form_pair *pair)
{
    size_t at = *position;
    while (at < source.size && source.at[at] == '&')
        at++;
    if (at >= source.size) {
        *position = source.size;
        return false;
    }
    size_t end = text_find(source, '&', at);
    struct text whole = text_slice(source.at + at, end - at);
    size_t equals = text_find(whole, '=', 0);

    pair->has_value = equals < whole.size;
    pair->name = text_slice(whole.at, equals);
    size_t value = pair->has_value ? equals + 1 : whole.size;
    pair->value = text_from(whole, value);
    pair->start = at;
    pair->end = end;
    *position = end;
    return true;
}

bool form_name_is(struct text raw, struct text name)
{
    return encoded_equal(raw, ENCODED_FORM, name);
}

enum form_find form_find(struct text source, struct text name, struct form_pair *pair)
{
    enum form_find found = FORM_ABSENT;
    struct form_pair each;
    for (size_t position = 0; form_next(source, &position, &each);) {
        if (!form_name_is(each.name, name))
            continue;
        if (found == FORM_FOUND)
            return FORM_TWICE;
        *pair = each;
        found = FORM_FOUND;
    }
    return found;
}

/* Like text_percent_decode(), but an invalid escape stands for itself. */
static size_t decode_leniently(struct text raw, char *out)
{
    size_t size = 0;
    for (size_t i = 0; i < raw.size; i++) {
        char c = raw.at[i];
        int high = c == '%' && raw.size - i > 2 ? text_hex_digit(raw.at[i + 1]) : -1;
        int low = high >= 0 ? text_hex_digit(raw.at[i + 2]) : -1;
        if (low >= 0) {
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        out[size++] = c;
    }
    return size;
}

bool form_decode(struct text raw, bool lenient, struct memory memory, struct text *decoded)
{
    *decoded = raw;
    if (text_find(raw, '%', 0) == raw.size && text_find(raw, '+', 0) == raw.size)
        return true;
    char *out = memory.allocate(memory.context, raw.size);
    size_t size;
    if (lenient)
        size = decode_leniently(raw, out);
    else if (!text_percent_decode(raw, TEXT_PLUS_IS_SPACE, out, &size))
        return false;
    *decoded = text_slice(out, size);
    return true;
}

static bool is_page_text(struct text raw, struct memory memory, struct text *decoded)
{
    return form_decode(raw, true, memory, decoded) && text_is_utf8(*decoded) &&
           text_find(*decoded, '\0', 0) == decoded->size;
}

static size_t count_pairs(struct text body)
{
    size_t count = 0;
    struct form_pair pair;
    for (size_t position = 0; form_next(body, &position, &pair);)
        count++;
    return count;
}

/* Most bytes that HTML's escapes can add. */
static size_t escapes_size(struct text t)
{
    static const unsigned char added[256] = {
        ['&'] = ESCAPE_SIZE_MAX, ['"'] = ESCAPE_SIZE_MAX,  ['<'] = ESCAPE_SIZE_MAX,
        ['>'] = ESCAPE_SIZE_MAX, ['\r'] = ESCAPE_SIZE_MAX, ['\n'] = ESCAPE_SIZE_MAX};
    size_t size = 0;
    for (size_t i = 0; i < t.size; i++)
        size += added[(unsigned char)t.at[i]];
    return size;
}

bool form_decode_all(struct text body, struct memory memory, struct form_fields *fields)
{
    struct form_pair pair;
    size_t escapes = 0;
    const size_t count = count_pairs(body);
    *fields = (struct form_fields){0};
    if (count > FORM_FIELDS_MAX)
        return false;
    struct form_field *field = memory.allocate(memory.context, count * sizeof(*field));
    *fields = (struct form_fields){field, count};
    for (size_t position = 0; form_next(body, &position, &pair); field++) {
        if (!is_page_text(pair.name, memory, &field->name) || !is_page_text(pair.value, memory, &field->value) ||
            field->name.size == 0 || text_equal_fold(field->name, TEXT("_charset_")))
            return false;
        escapes += escapes_size(field->name) + escapes_size(field->value);
        if (escapes > body.size + ESCAPES_FREE)
            return false;
    }
    return true;
}

bool form_content_type(struct text content_type)
{
    struct text type = text_slice(content_type.at, text_find(content_type, ';', 0));
    return text_equal_fold(text_trim(type), TEXT("application/x-www-form-urlencoded"));
}

struct text form_without(struct text source, const struct form_pair *pair, struct memory memory)
{
    size_t start = pair->start, end = pair->end;
    if (end < source.size)
        end++;
    else if (start > 0)
        start--;
    if (start == 0)
        return text_from(source, end);
    if (end == source.size)
        return text_slice(source.at, start);
    size_t rest = source.size - end;
    char *out = memory.allocate(memory.context, start + rest);
    memcpy(out, source.at, start);
    memcpy(out + start, source.at + end, rest);
    return text_slice(out, start + rest);
}
