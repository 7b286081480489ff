#include "ssoferry/network.h"

#include <arpa/inet.h>

enum { V4_PREFIX_BITS = 96, V4_PREFIX_BYTES = 12 };

static const unsigned char v4_prefix[V4_PREFIX_BYTES] = {[10] = 0xff, [11] = 0xff};

struct ip ip_from_v4(const void *four_bytes)
{
    struct ip ip;
    memcpy(ip.bytes, v4_prefix, sizeof(v4_prefix));
    memcpy(ip.bytes + V4_PREFIX_BYTES, four_bytes, 4);
    return ip;
}

struct ip ip_from_v6(const void *sixteen_bytes)
{
    struct ip ip;
    memcpy(ip.bytes, sixteen_bytes, sizeof(ip.bytes));
    return ip;
}

bool ip_is_v4(const struct ip *ip)
{
    return memcmp(ip->bytes, v4_prefix, sizeof(v4_prefix)) == 0;
}

bool ip_parse(struct text text, struct ip *ip)
{
    char string[IP_TEXT_SIZE];
    unsigned char bytes[16];
    if (text.size == 0 || text.size >= sizeof(string) || memchr(text.at, '\0', text.size) != NULL)
        return false;
    memcpy(string, text.at, text.size);
    string[text.size] = '\0';
    if (inet_pton(AF_INET, string, bytes) == 1) {
        *ip = ip_from_v4(bytes);
        return true;
    }
    if (inet_pton(AF_INET6, string, bytes) != 1)
        return false;
    *ip = ip_from_v6(bytes);
    return true;
}

struct text ip_format(const struct ip *ip, char out[IP_TEXT_SIZE])
{
    bool v4 = ip_is_v4(ip);
    const unsigned char *bytes = v4 ? ip->bytes + V4_PREFIX_BYTES : ip->bytes;
    return text_of(inet_ntop(v4 ? AF_INET : AF_INET6, bytes, out, IP_TEXT_SIZE));
}

static bool same_prefix(const struct ip *a, const struct ip *b, unsigned bits)
{
    unsigned whole = bits / 8;
    unsigned char rest = (unsigned char)(0xff00U >> bits % 8);
    return memcmp(a->bytes, b->bytes, whole) == 0 && (rest == 0 || ((a->bytes[whole] ^ b->bytes[whole]) & rest) == 0);
}

static bool has_bits_behind(const struct network *network)
{
    struct ip ip = network->ip;
    for (unsigned bit = network->bits; bit < sizeof(ip.bytes) * 8; ++bit) {
        if ((ip.bytes[bit / 8] >> (7 - bit % 8) & 1) != 0)
            return true;
    }
    return false;
}

const char *network_parse(struct text text, struct network *network)
{
    static const char wrong[] = "is not a network such as 10.0.0.0/8, 2001:db8::/32 or 192.0.2.1";
    size_t slash = text_find(text, '/', 0);
    if (!ip_parse(text_slice(text.at, slash), &network->ip))
        return wrong;
    /* The prefix of an IPv4 address counts as written; ::ffff:10.0.0.0/104 is how IPv6 spells such a network. */
    bool v4 = text_find(text, ':', 0) == text.size;
    unsigned base = v4 ? V4_PREFIX_BITS : 0;
    uint64_t bits = 128 - base;
    if (slash < text.size && !text_to_number(text_from(text, slash + 1), bits, &bits))
        return wrong;
    network->bits = base + (unsigned)bits;
    return has_bits_behind(network) ? "has bits set behind its prefix; write the network's first address" : NULL;
}

bool network_any_holds(const struct network *networks, size_t count, const struct ip *ip)
{
    for (size_t i = 0; i < count; ++i) {
        if (same_prefix(&networks[i].ip, ip, networks[i].bits))
            return true;
    }
    return false;
}
