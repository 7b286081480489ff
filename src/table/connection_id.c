/* Ids of connections and organizations. */
#include "connection_id.h"

#include "ssoferry/bytes.h"

/* What a byte of an id may be: a hexadecimal digit, whose value is in the low bits, or at least one of its letters. */
enum { VALUE = 15, HEX = 16, ID = 32 };
#define DIGIT(value) (ID | HEX | (value))
static const unsigned char classes[256] = {
    ['-'] = ID,        ['0'] = DIGIT(0),  ['1'] = DIGIT(1),  ['2'] = DIGIT(2),  ['3'] = DIGIT(3),  ['4'] = DIGIT(4),
    ['5'] = DIGIT(5),  ['6'] = DIGIT(6),  ['7'] = DIGIT(7),  ['8'] = DIGIT(8),  ['9'] = DIGIT(9),  ['a'] = DIGIT(10),
    ['b'] = DIGIT(11), ['c'] = DIGIT(12), ['d'] = DIGIT(13), ['e'] = DIGIT(14), ['f'] = DIGIT(15), ['g'] = ID,
    ['h'] = ID,        ['i'] = ID,        ['j'] = ID,        ['k'] = ID,        ['l'] = ID,        ['m'] = ID,
    ['n'] = ID,        ['o'] = ID,        ['p'] = ID,        ['q'] = ID,        ['r'] = ID,        ['s'] = ID,
    ['t'] = ID,        ['u'] = ID,        ['v'] = ID,        ['w'] = ID,        ['x'] = ID,        ['y'] = ID,
    ['z'] = ID,
};

static unsigned class_of(char c)
{
    return classes[(unsigned char)c];
}

/* -- prefixes -- */

enum { PREFIX_SIZE_MIN = 21 };

/* In the order of struct short_id's `prefix`. */
static const struct text connection_prefixes[SHORT_ID_PREFIXES] = {
    {"saml-connection-live-", 21}, {"saml-connection-test-", 21},     {"oidc-connection-live-", 21},
    {"oidc-connection-test-", 21}, {"external-connection-live-", 25}, {"external-connection-test-", 25},
};

static const struct text organization_prefixes[] = {{"organization-live-", 18}, {"organization-test-", 18}};

/* Of prefixes of 16 to 32 bytes, by words, since this runs for every row of a load and for every request. */
static inline bool starts_with(struct text id, struct text prefix)
{
    size_t last = prefix.size - 16;
    return id.size >= prefix.size && bytes_load(id.at) == bytes_load(prefix.at) &&
           bytes_load(id.at + 8) == bytes_load(prefix.at + 8) &&
           bytes_load(id.at + last) == bytes_load(prefix.at + last) &&
           bytes_load(id.at + last + 8) == bytes_load(prefix.at + last + 8);
}

/* The index of the prefix that `id` starts with, or `count`. */
static unsigned prefix_of(struct text id, const struct text *prefixes, unsigned count)
{
    unsigned i = 0;
    while (i < count && !starts_with(id, prefixes[i]))
        i++;
    return i;
}

static const char *tail_problem(struct text id, size_t from)
{
    unsigned all = ID;
    for (size_t i = from; i < id.size; i++)
        all &= class_of(id.at[i]);
    return all != 0 && id.size > from
               ? NULL
               : "may only hold lower-case letters, digits and '-', and some of them behind its prefix";
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
    static const unsigned char places[UUID_SIZE] = {0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34};
    parsed->prefix = prefix_of(id, connection_prefixes, SHORT_ID_PREFIXES);
    if (parsed->prefix == SHORT_ID_PREFIXES || id.size != connection_prefixes[parsed->prefix].size + UUID_TEXT_SIZE)
        return false;
    const char *text = id.at + id.size - UUID_TEXT_SIZE;
    if (text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-')
        return false;
    unsigned all = HEX;
    for (unsigned i = 0; i < UUID_SIZE; i++) {
        unsigned high = class_of(text[places[i]]), low = class_of(text[places[i] + 1]);
        all &= high & low;
        parsed->uuid[i] = (unsigned char)((high & VALUE) << 4 | (low & VALUE));
    }
    return all != 0;
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
    memcpy(at, prefix.at, PREFIX_SIZE_MIN); /* sizes that are constants take no call */
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
