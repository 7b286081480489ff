#include "encoded.h"

/* The decoded byte at raw.at[*at]; moves *at past it. False at the end, or at a bad escape. */
static bool byte_forward(struct text raw, enum encoded_rule rule, size_t *at, char *byte)
{
    if (*at >= raw.size)
        return false;
    char c = raw.at[*at];
    if (c == '%') {
        int high = raw.size - *at > 2 ? text_hex_digit(raw.at[*at + 1]) : -1;
        int low = high >= 0 ? text_hex_digit(raw.at[*at + 2]) : -1;
        if (low >= 0) {
            *byte = (char)(high * 16 + low);
            *at += 3;
            return true;
        }
        if (rule != ENCODED_FORM)
            return false;
    }
    *byte = c == '+' && rule == ENCODED_FORM ? ' ' : c;
    *at += 1;
    return true;
}

/* The decoded byte that ends before raw.at[*end]. Every '%' starts an escape, so reading backwards finds the same. */
static bool byte_backward(struct text raw, enum encoded_rule rule, size_t *end, char *byte)
{
    if (*end == 0)
        return false;
    if (*end >= 3 && raw.at[*end - 3] == '%') {
        size_t at = *end - 3;
        if (byte_forward(raw, rule, &at, byte) && at == *end) {
            *end -= 3;
            return true;
        }
    }
    char c = raw.at[*end - 1];
    if (c == '%' && rule != ENCODED_FORM)
        return false;
    *byte = c == '+' && rule == ENCODED_FORM ? ' ' : c;
    *end -= 1;
    return true;
}

static bool is_byte(char byte, enum encoded_rule rule, char plain)
{
    return byte == plain || (rule == ENCODED_FOLDED_PATH && text_lower(byte) == plain);
}

bool encoded_equal(struct text raw, enum encoded_rule rule, struct text plain)
{
    size_t size;
    return raw.size >= plain.size && encoded_starts(raw, rule, plain, &size) && size == raw.size;
}

bool encoded_starts(struct text raw, enum encoded_rule rule, struct text plain, size_t *size)
{
    size_t same = 0; /* leading bytes that stand for themselves: usually all of them */
    while (same < plain.size && same < raw.size && raw.at[same] == plain.at[same] && raw.at[same] != '%' &&
           raw.at[same] != '+')
        same++;
    *size = same;
    for (size_t i = same; i < plain.size; i++) {
        char byte;
        if (!byte_forward(raw, rule, size, &byte) || !is_byte(byte, rule, plain.at[i]))
            return false;
    }
    return true;
}

bool encoded_ends(struct text raw, enum encoded_rule rule, struct text plain, size_t *size)
{
    size_t end = raw.size;
    for (size_t i = plain.size; i > 0; i--) {
        char byte;
        if (!byte_backward(raw, rule, &end, &byte) || !is_byte(byte, rule, plain.at[i - 1]))
            return false;
    }
    *size = raw.size - end;
    return true;
}
