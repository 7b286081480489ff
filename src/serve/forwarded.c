#include "ssoferry/forwarded.h"

/* Reads "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]" or "[2001:db8::1]:80". */
static bool read_entry(struct text entry, struct ip *ip)
{
    uint64_t port = 0;
    size_t end = entry.size;
    size_t colon = text_find(entry, ':', 0);
    bool bracketed = text_starts(entry, TEXT("["));
    if (bracketed)
        end = text_find(entry, ']', 0);
    else if (colon < entry.size && text_find(entry, ':', colon + 1) == entry.size)
        end = colon;
    if (bracketed && end == entry.size)
        return false;
    struct text address = bracketed ? text_slice(entry.at + 1, end - 1) : text_slice(entry.at, end);
    size_t behind = bracketed ? end + 1 : end;
    struct text rest = text_from(entry, behind);
    bool port_is_good = rest.size == 0 || (rest.at[0] == ':' && text_to_number(text_from(rest, 1), 65535, &port));
    return port_is_good && ip_parse(address, ip) && (!bracketed || text_find(address, ':', 0) < address.size);
}

/* Removes the list's last entry and returns it. */
static struct text last_entry(struct text *list)
{
    size_t start = list->size;
    while (start > 0 && list->at[start - 1] != ',')
        --start;
    struct text entry = text_trim(text_from(*list, start));
    list->size = start > 0 ? start - 1 : 0;
    return entry;
}

bool forwarded_read(struct forwarded *forwarded, struct text value)
{
    bool more = true;
    while (more) {
        struct ip ip;
        more = text_find(value, ',', 0) < value.size;
        if (!read_entry(last_entry(&value), &ip))
            return false;
        forwarded->client = ip;
        forwarded->found = true;
        if (!network_any_holds(forwarded->trusted, forwarded->trusted_count, &ip))
            return false;
    }
    return true;
}
