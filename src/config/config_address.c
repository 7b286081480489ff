/* Parses addresses to listen on, and says what they reach. */
#include <arpa/inet.h>

#include "ssoferry/config.h"

bool address_is_local(const struct address *address)
{
    static const unsigned char ipv6_loopback[16] = {[15] = 1};
    switch (address->family) {
    case ADDRESS_IPV4:
        return address->ip[0] == 127;
    case ADDRESS_IPV6:
        return memcmp(address->ip, ipv6_loopback, sizeof(ipv6_loopback)) == 0;
    case ADDRESS_UNIX:
        return true;
    }
    return false;
}

const char *address_parse(const char *text, struct address *address)
{
    *address = (struct address){.text = text};
    if (strncmp(text, "unix:", 5) == 0) {
        address->family = ADDRESS_UNIX;
        address->path = text + 5;
        size_t size = strlen(address->path);
        return size == 0 || size > 107 || text[5] != '/' ? "is not unix: and an absolute path of at most 107 bytes"
                                                         : NULL;
    }
    const char *colon = strrchr(text, ':');
    uint64_t port = 0;
    if (colon == NULL || !text_to_number(text_of(colon + 1), 65535, &port) || port == 0)
        return "has no port from 1 to 65535 after it, as in 127.0.0.1:8080";
    address->port = (uint16_t)port;

    char host[64];
    struct text name = text_slice(text, (size_t)(colon - text));
    bool bracketed = name.size >= 2 && name.at[0] == '[' && name.at[name.size - 1] == ']';
    if (bracketed)
        name = text_slice(name.at + 1, name.size - 2);
    if (text_equal(name, TEXT("localhost")))
        name = TEXT("127.0.0.1");
    address->family = bracketed ? ADDRESS_IPV6 : ADDRESS_IPV4;
    if (name.size >= sizeof(host))
        return "is not an IP address and port, as in 127.0.0.1:8080 or [::1]:8080";
    memcpy(host, name.at, name.size);
    host[name.size] = '\0';
    if (inet_pton(bracketed ? AF_INET6 : AF_INET, host, address->ip) != 1)
        return "is not an IP address and port, as in 127.0.0.1:8080 or [::1]:8080";
    /* Our IPv6 listeners take no IPv4, and the system then refuses such an address. */
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (bracketed && memcmp(address->ip, mapped, sizeof(mapped)) == 0)
        return "is an IPv4 address in the form of an IPv6 one: write it as in 127.0.0.1:8080";
    return NULL;
}
