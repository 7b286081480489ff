#include "saml_message.h"

#include <stdlib.h>

/* -- base64 -- */

enum { BAD = 64, SKIP, PAD };

/* The meaning of each byte of a form value: RFC 4648 section 4 and, for '-' and '_', section 5. Line breaks and spaces
 * are skipped (RFC 2045 6.8), and an unencoded '+' is a space. */
/* clang-format off */
static const unsigned char sextets[256] = {
#define BAD4 BAD, BAD, BAD, BAD
#define BAD16 BAD4, BAD4, BAD4, BAD4
    BAD4, BAD4, BAD, SKIP, SKIP, BAD, BAD, SKIP, BAD, BAD,     /* TAB, LF, CR */
    BAD16,                                                     /**/
    SKIP, BAD, BAD, BAD, BAD4, BAD, BAD, BAD, SKIP,            /* space, '+' */
    BAD, 62, BAD, 63,                                          /* '-', '/' */
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, BAD, BAD,          /* '0' to '9' */
    BAD, PAD, BAD, BAD,                                        /* '=' */
    BAD, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,     /* 'A' */
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,                /* to 'Z' */
    BAD, BAD, BAD, BAD, 63,                                    /* '_' */
    BAD, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, /* 'a' */
    41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51,                /* to 'z' */
    BAD, BAD, BAD, BAD, BAD,                                   /**/
    BAD16, BAD16, BAD16, BAD16, BAD16, BAD16, BAD16, BAD16,
#undef BAD16
#undef BAD4
};
/* clang-format on */

/* The next character's value; the character may be percent-encoded. */
static unsigned next_sextet(struct base64 *base64)
{
    const char *at = base64->raw.at + base64->at;
    if (*at != '%') {
        base64->at++;
        return sextets[(unsigned char)*at];
    }
    if (base64->raw.size - base64->at < 3)
        return BAD;
    int high = text_hex_digit(at[1]), low = text_hex_digit(at[2]);
    if (high < 0 || low < 0)
        return BAD;
    base64->at += 3;
    int byte = high * 16 + low;
    return byte == '+' ? 62 : sextets[byte];
}

/* Decodes groups of four unencoded characters while there are any and room for them. */
static size_t decode_groups(struct base64 *base64, char *out, size_t room)
{
    const unsigned char *in = (const unsigned char *)base64->raw.at;
    size_t at = base64->at, size = 0;
    while (base64->raw.size - at >= 4 && room - size >= 3) {
        unsigned a = sextets[in[at]], b = sextets[in[at + 1]], c = sextets[in[at + 2]], d = sextets[in[at + 3]];
        if ((a | b | c | d) >= BAD)
            break;
        out[size] = (char)(a << 2 | b >> 4);
        out[size + 1] = (char)(b << 4 | c >> 2);
        out[size + 2] = (char)(c << 6 | d);
        size += 3;
        at += 4;
    }
    base64->at = at;
    return size;
}

/* Decodes the last one or two bytes, if the padding is correct or missing. */
static bool finish(struct base64 *base64, char *out, size_t *size)
{
    unsigned held = base64->held;
    if (held == 1 || (base64->padding > 0 && (held == 0 || held + base64->padding != 4)))
        return false;
    if (held >= 2)
        out[(*size)++] = (char)(base64->bits >> (held == 2 ? 4 : 10));
    if (held == 3)
        out[(*size)++] = (char)(base64->bits >> 2);
    base64->ended = true;
    return true;
}

/* Decodes until fewer than three of the `room` bytes are free, or to the end. False if it is not base64. */
static bool base64_read(struct base64 *base64, char *out, size_t room, size_t *size)
{
    *size = 0;
    while (room - *size >= 3) {
        if (base64->held == 0 && base64->padding == 0)
            *size += decode_groups(base64, out + *size, room - *size);
        if (room - *size < 3)
            break;
        if (base64->at == base64->raw.size)
            return finish(base64, out, size);
        unsigned value = next_sextet(base64);
        if (value == SKIP)
            continue;
        if (value == BAD || (value != PAD && base64->padding > 0))
            return false;
        if (value == PAD) {
            base64->padding++;
            continue;
        }
        base64->bits = base64->bits << 6 | value;
        if (++base64->held < 4)
            continue;
        for (int shift = 16; shift >= 0; shift -= 8)
            out[(*size)++] = (char)(base64->bits >> shift);
        base64->held = 0;
    }
    return true;
}

/* -- the message -- */

void saml_message_open(struct saml_message *message, struct text raw, bool deflated)
{
    *message = (struct saml_message){.base64 = {.raw = raw}, .deflated = deflated};
}

void saml_message_close(struct saml_message *message)
{
    if (message->inflating)
        inflateEnd(&message->zip);
    free(message->bytes);
}

static void reserve(struct saml_message *message, size_t capacity)
{
    if (message->capacity >= capacity)
        return;
    message->bytes = memory_resize(message->bytes, capacity);
    message->capacity = capacity;
}

static enum saml_issuer_result read_plain(struct saml_message *message)
{
    size_t size;
    if (!base64_read(&message->base64, message->bytes + message->size, message->capacity - message->size, &size))
        return SAML_ISSUER_BAD_BASE64;
    message->size += size;
    message->ended = message->base64.ended;
    return SAML_ISSUER_FOUND;
}

/* Inflates raw DEFLATE (RFC 1951), as saml-bindings 3.4.4.1 specifies. */
static enum saml_issuer_result read_deflated(struct saml_message *message)
{
    z_stream *zip = &message->zip;
    if (!message->inflating && inflateInit2(zip, -MAX_WBITS) != Z_OK)
        return SAML_ISSUER_BAD_DEFLATE;
    message->inflating = true;
    if (zip->avail_in == 0 && !message->base64.ended) {
        size_t size;
        if (!base64_read(&message->base64, message->packed, sizeof message->packed, &size))
            return SAML_ISSUER_BAD_BASE64;
        zip->next_in = (Bytef *)message->packed;
        zip->avail_in = (uInt)size;
    }
    uInt room = (uInt)(message->capacity - message->size);
    zip->next_out = (Bytef *)message->bytes + message->size;
    zip->avail_out = room;
    int result = inflate(zip, Z_NO_FLUSH);
    message->size += room - zip->avail_out;
    if (message->size > SAML_INFLATED_SIZE_MAX || message->size > SAML_INFLATED_TIMES_MAX * message->base64.raw.size)
        return SAML_ISSUER_TOO_LARGE;
    message->ended = result == Z_STREAM_END;
    bool stuck = result == Z_BUF_ERROR || (result == Z_OK && zip->avail_out > 0);
    if (stuck && message->base64.ended && zip->avail_in == 0)
        return SAML_ISSUER_BAD_DEFLATE; /* truncated */
    return result == Z_OK || result == Z_BUF_ERROR || result == Z_STREAM_END ? SAML_ISSUER_FOUND
                                                                             : SAML_ISSUER_BAD_DEFLATE;
}

enum saml_issuer_result saml_message_read(struct saml_message *message, size_t size)
{
    size_t most =
        message->deflated ? SAML_INFLATED_SIZE_MAX + 1 : message->base64.raw.size + 1; /* more than there can be */
    if (size > most)
        size = most;
    reserve(message, size + 3);
    while (!message->ended && message->size < size) {
        enum saml_issuer_result result = message->deflated ? read_deflated(message) : read_plain(message);
        if (result != SAML_ISSUER_FOUND)
            return result;
    }
    return SAML_ISSUER_FOUND;
}
