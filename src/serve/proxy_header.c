#include "ssoferry/proxy_header.h"

#define LINE_START TEXT("PROXY ")
#define SIGNATURE  TEXT("\r\n\r\n\0\r\nQUIT\n")

enum {
    HEAD_SIZE = 16, /* signature, version and command, family, length */
    V4_SIZE = 12,   /* two addresses and two ports; the sizes below likewise */
    V6_SIZE = 36,
    UNIX_SIZE = 216,
};

/* -- version 1 -- */

/* Takes the next word and the space after it. The last word ends with the line. */
static struct text next_word(struct text *rest)
{
    size_t end = text_find(*rest, ' ', 0);
    struct text word = text_slice(rest->at, end);
    size_t taken = end < rest->size ? end + 1 : end;
    *rest = text_from(*rest, taken);
    return word;
}

static bool read_port(struct text word, uint16_t *port)
{
    uint64_t number = 0;
    if (!text_to_number(word, UINT16_MAX, &number) || (word.size > 1 && word.at[0] == '0'))
        return false;
    *port = (uint16_t)number;
    return true;
}

static bool read_ip(struct text word, bool v4, struct ip *ip)
{
    return ip_parse(word, ip) && (text_find(word, ':', 0) == word.size) == v4;
}

/* Reads "TCP4 192.0.2.1 198.51.100.1 50000 443". */
static enum proxy_header read_words(struct text line, struct proxied *proxied)
{
    struct ip to;
    uint16_t to_port = 0;
    struct text protocol = next_word(&line);
    bool v4 = text_equal(protocol, TEXT("TCP4"));
    if (text_equal(protocol, TEXT("UNKNOWN")))
        return PROXY_HEADER_LOCAL;
    if (!v4 && !text_equal(protocol, TEXT("TCP6")))
        return PROXY_HEADER_BAD;
    bool good = read_ip(next_word(&line), v4, &proxied->ip) && read_ip(next_word(&line), v4, &to) &&
                read_port(next_word(&line), &proxied->port) && read_port(line, &to_port);
    return good ? PROXY_HEADER_ADDRESS : PROXY_HEADER_BAD;
}

static enum proxy_header read_line(struct text input, struct proxied *proxied)
{
    struct text seen = text_slice(input.at, input.size < PROXY_LINE_SIZE_MAX ? input.size : PROXY_LINE_SIZE_MAX);
    size_t end = text_find(seen, '\n', 0);
    if (end == seen.size)
        return seen.size < PROXY_LINE_SIZE_MAX ? PROXY_HEADER_MORE : PROXY_HEADER_BAD;
    if (seen.at[end - 1] != '\r')
        return PROXY_HEADER_BAD;
    proxied->size = end + 1;
    return read_words(text_slice(seen.at + LINE_START.size, end - 1 - LINE_START.size), proxied);
}

/* -- version 2 -- */

static uint16_t number_at(const char *at)
{
    return (uint16_t)((unsigned char)at[0] << 8 | (unsigned char)at[1]);
}

/* Accepts stream transports only. `at` holds `size` bytes of addresses. */
static enum proxy_header read_addresses(unsigned char family, const char *at, size_t size, struct proxied *proxied)
{
    switch (family) {
    case 0x00: /* unspecified */
        return PROXY_HEADER_LOCAL;
    case 0x11: /* TCP over IPv4 */
        if (size < V4_SIZE)
            return PROXY_HEADER_BAD;
        proxied->ip = ip_from_v4(at);
        proxied->port = number_at(at + 8);
        return PROXY_HEADER_ADDRESS;
    case 0x21: /* TCP over IPv6 */
        if (size < V6_SIZE)
            return PROXY_HEADER_BAD;
        proxied->ip = ip_from_v6(at);
        proxied->port = number_at(at + 32);
        return PROXY_HEADER_ADDRESS;
    case 0x31: /* a unix stream, which has no IP address */
        return size < UNIX_SIZE ? PROXY_HEADER_BAD : PROXY_HEADER_LOCAL;
    default: /* datagrams cannot arrive on a stream; other values are unassigned */
        return PROXY_HEADER_BAD;
    }
}

static enum proxy_header read_binary(struct text input, struct proxied *proxied)
{
    if (input.size < HEAD_SIZE)
        return PROXY_HEADER_MORE;
    unsigned char version = (unsigned char)input.at[12] >> 4;
    unsigned char command = input.at[12] & 0x0f;
    size_t size = number_at(input.at + 14);
    if (version != 2 || command > 1 || HEAD_SIZE + size > PROXY_HEADER_SIZE_MAX)
        return PROXY_HEADER_BAD;
    if (input.size < HEAD_SIZE + size)
        return PROXY_HEADER_MORE;
    proxied->size = HEAD_SIZE + size;
    if (command == 0)
        return PROXY_HEADER_LOCAL;
    return read_addresses((unsigned char)input.at[13], input.at + HEAD_SIZE, size, proxied);
}

static bool may_become(struct text input, struct text start)
{
    size_t size = input.size < start.size ? input.size : start.size;
    return text_equal(text_slice(input.at, size), text_slice(start.at, size));
}

enum proxy_header proxy_header_read(struct text input, struct proxied *proxied)
{
    if (text_starts(input, LINE_START))
        return read_line(input, proxied);
    if (text_starts(input, SIGNATURE))
        return read_binary(input, proxied);
    return may_become(input, LINE_START) || may_become(input, SIGNATURE) ? PROXY_HEADER_MORE : PROXY_HEADER_BAD;
}
