/* Ids of connections and organizations. */
#include "connection_id.h"

#include "ssoferry/bytes.h"

/* `text` has UUID_TEXT_SIZE bytes. */
static bool uuid_parse(const char *text, unsigned char *uuid)
{
    const uint64_t digits[] = {bytes_load(text), bytes_load_halves(text + 9, text + 14),
                               bytes_load_halves(text + 19, text + 24), bytes_load(text + 28)};
    bool good = text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-';
    for (size_t i = 0; i < sizeof digits / sizeof digits[0]; i++) {
        uint32_t four;
        good = bytes_get_hex(digits[i], &four) && good;
        four = htobe32(four);
        memcpy(uuid + i * sizeof four, &four, sizeof four);
    }
    return good;
}

/* -- prefixes -- */

enum { PREFIX_SIZE_MIN = 21 };

/* Indexed by `prefix` of struct short_id. */
static const struct text connection_prefixes[SHORT_ID_PREFIXES] = {
    {"saml-connection-live-", 21}, {"saml-connection-test-", 21},     {"oidc-connection-live-", 21},
    {"oidc-connection-test-", 21}, {"external-connection-live-", 25}, {"external-connection-test-", 25},
};

static const struct text organization_prefixes[] = {{"organization-live-", 18}, {"organization-test-", 18}};

/* For prefixes of 16 to 32 bytes. Compares words, since this runs for every row of a load and for every request. */
static inline bool starts_with(struct text id, struct text prefix)
{
    size_t last = prefix.size - 16;
    return id.size >= prefix.size && bytes_load(id.at) == bytes_load(prefix.at) &&
           bytes_load(id.at + 8) == bytes_load(prefix.at + 8) &&
           bytes_load(id.at + last) == bytes_load(prefix.at + last) &&
           bytes_load(id.at + last + 8) == bytes_load(prefix.at + last + 8);
}

/* Index of the prefix that `id` starts with, or `count`. */
static unsigned prefix_of(struct text id, const struct text *prefixes, unsigned count)
{
    unsigned i = 0;
    while (i < count && !starts_with(id, prefixes[i]))
        i++;
    return i;
}

static bool is_tail_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

static const char *tail_problem(struct text id, size_t from)
{
    unsigned char uuid[UUID_SIZE];
    if (id.size - from == UUID_TEXT_SIZE && uuid_parse(id.at + from, uuid))
        return NULL;
    bool good = id.size > from;
    for (size_t i = from; i < id.size; i++)
        good = is_tail_byte(id.at[i]) && good;
    return good ? NULL : "may only hold lower-case letters, digits and '-', and at least one after its prefix";
}

const char *connection_id_problem(struct text id)
{
    if (id.size == 0)
        return "is empty";
    if (id.size > CONNECTION_ID_SIZE_MAX)
        return "is longer than 128 bytes";
    unsigned prefix = prefix_of(id, connection_prefixes, SHORT_ID_PREFIXES);
    if (prefix == SHORT_ID_PREFIXES)
        return "must start with {saml|oidc|external}-connection-{live|test}-";
    return tail_problem(id, connection_prefixes[prefix].size);
}

const char *organization_id_problem(struct text id)
{
    if (id.size == 0)
        return "is empty";
    if (id.size > ORGANIZATION_ID_SIZE_MAX)
        return "is longer than 128 bytes";
    unsigned prefix = prefix_of(id, organization_prefixes, 2);
    if (prefix == 2)
        return "must start with organization-{live|test}-";
    return tail_problem(id, organization_prefixes[prefix].size);
}

bool connection_id_is_test(struct text id)
{
    return prefix_of(id, connection_prefixes, SHORT_ID_PREFIXES) % 2 == 1;
}

/* -- ids with a whole UUID -- */

bool short_id_parse(struct text id, struct short_id *parsed)
{
    parsed->prefix = prefix_of(id, connection_prefixes, SHORT_ID_PREFIXES);
    if (parsed->prefix == SHORT_ID_PREFIXES || id.size != connection_prefixes[parsed->prefix].size + UUID_TEXT_SIZE)
        return false;
    return uuid_parse(id.at + id.size - UUID_TEXT_SIZE, parsed->uuid);
}

bool connection_id_has_uuid(struct text id)
{
    struct short_id parsed;
    return short_id_parse(id, &parsed);
}

char *short_id_write(const struct short_id *id, char *at)
{
    char digits[2 * UUID_SIZE];
    struct text prefix = connection_prefixes[id->prefix];
    memcpy(at, prefix.at, PREFIX_SIZE_MIN); /* constant sizes need no call */
    memcpy(at + prefix.size - PREFIX_SIZE_MIN, prefix.at + prefix.size - PREFIX_SIZE_MIN, PREFIX_SIZE_MIN);
    at += prefix.size;
    for (unsigned i = 0; i < UUID_SIZE; i += sizeof(uint64_t))
        bytes_put_hex_of(id->uuid + i, digits + 2 * i);
    memcpy(at, digits, 8);
    memcpy(at + 9, digits + 8, 4);
    memcpy(at + 14, digits + 12, 4);
    memcpy(at + 19, digits + 16, 4);
    memcpy(at + 24, digits + 20, 12);
    at[8] = at[13] = at[18] = at[23] = '-';
    return at + UUID_TEXT_SIZE;
}
