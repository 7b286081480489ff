/* A usage file is read from end to end before it is used: damage that no call of LMDB's stumbles over is found, too. */
#include "usage_fixture.h"

/* Of LMDB's file format. */
enum {
    PAGE = 4096,
    FLAGS_AT = 10, /* of a page; behind them the end of the list of its nodes, which begins at NODES_AT */
    LEAF = 2,
    NODES_AT = 16,
    NODE_HEAD = 8,   /* the size of a node's value, flags, the size of its key; then come key and value */
    ENTRIES_AT = 32, /* of a database, in the value that stands under its name */
};

static size_t number_at(const char *at, size_t size)
{
    size_t number = 0;
    memcpy(&number, at, size);
    return number;
}

static void put_number(char *at, size_t number, size_t size)
{
    memcpy(at, &number, size);
}

/* Calls `spoil` for each node with this key, old ones too. An empty key: for those of the list of free pages. */
static size_t spoil_nodes(char *bytes, size_t size, struct text key, void (*spoil)(char *node, char *value))
{
    size_t spoilt = 0;
    for (char *page = bytes + 2 * PAGE; page + PAGE <= bytes + size; page += PAGE) {
        size_t end = number_at(page + FLAGS_AT + 2, 2);
        if (number_at(page + FLAGS_AT, 2) != LEAF || end > PAGE)
            continue;
        for (size_t at = NODES_AT; at < end; at += 2) {
            char *node = page + number_at(page + at, 2), *found = node + NODE_HEAD;
            size_t key_size = number_at(node + 6, 2);
            if (key.size > 0 ? !text_equal(text_slice(found, key_size), key) : key_size != sizeof(size_t))
                continue;
            spoil(node, found + key_size);
            ++spoilt;
        }
    }
    return spoilt;
}

static void end_in_a_number_that_goes_on(char *node, char *value)
{
    value[number_at(node, 2) - 1] |= '\x80';
}

/* Hits in ten bytes, of which the last has room for a single bit; then a record of the same size as before. */
static void count_more_than_64_bits(char *node, char *value)
{
    static const char record[] = "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02\0\0\0\0\0\5\0\1";
    assert_int_equal(number_at(node, 2), sizeof record);
    memcpy(value + 1, record, sizeof record - 1);
}

static void be_of_no_source(char *node, char *value)
{
    (void)value;
    node[NODE_HEAD + 7] = 'x';
}

static void stand_behind_the_next(char *node, char *value)
{
    (void)value;
    node[NODE_HEAD + 8] = 'z';
}

static void be_a_totem(char *node, char *value)
{
    (void)value;
    memcpy(node + NODE_HEAD, "totems", 6);
}

static void tell_of_one_more(char *node, char *value)
{
    (void)node;
    put_number(value + ENTRIES_AT, number_at(value + ENTRIES_AT, 8) + 1, 8);
}

static void tell_of_one_less(char *node, char *value)
{
    (void)node;
    put_number(value + ENTRIES_AT, number_at(value + ENTRIES_AT, 8) - 1, 8);
}

static void free_more_than_are_named(char *node, char *value)
{
    (void)value;
    put_number(node, number_at(node, 2) - 8, 2);
}

static void free_the_first_page_of_all(char *node, char *value)
{
    put_number(value + number_at(node, 2) - 8, 1, 8);
}

static void free_a_page_twice(char *node, char *value)
{
    if (number_at(value, 8) >= 2)
        put_number(value + 16, number_at(value + 8, 8), 8);
    (void)node;
}

static void be_cut(char *node, char *value)
{
    put_number(value, number_at(value, 8) - 1, 8);
    put_number(node, number_at(node, 2) - 1, 2);
}

/* The value moves by a byte, too. */
static void be_of_no_transaction(char *node, char *value)
{
    memmove(value - 1, value, number_at(node, 2));
    put_number(node + 6, 7, 2);
}

static void be_empty(char *node, char *value)
{
    (void)value;
    put_number(node, 0, 2);
}

static bool opens(const char *store, struct error *error)
{
    struct usage *usage = NULL;
    bool good = usage_open(&usage, store, 1, NOON, -1, error);
    usage_close(usage);
    return good;
}

static void what_reads_well_and_is_wrong_is_damage(void **state)
{
    const struct {
        struct text key;
        void (*spoil)(char *node, char *value);
    } damages[] = {
        {TEXT("default\0acme"), end_in_a_number_that_goes_on},
        {TEXT("default\0beta"), count_more_than_64_bits},
        {TEXT("default\0beta"), be_of_no_source},
        {TEXT("default\0acme"), stand_behind_the_next},
        {TEXT("default\0nobody"), end_in_a_number_that_goes_on},
        {TEXT("default\0nobody"), be_of_no_source},
        {TEXT("totals"), end_in_a_number_that_goes_on},
        {TEXT("totals"), be_a_totem},
        {TEXT("hits"), tell_of_one_more},
        {TEXT("hits"), tell_of_one_less},
        {TEXT(""), free_more_than_are_named},
        {TEXT(""), free_the_first_page_of_all},
        {TEXT(""), free_a_page_twice},
        {TEXT(""), be_cut},
        {TEXT(""), be_empty},
        {TEXT(""), be_of_no_transaction},
    };
    const char *store = scratch_path(*state, "store"), *path = scratch_path(*state, "store.usage");
    for (int i = 0; i < 3; ++i) { /* so that there are free pages */
        struct usage *usage = open_usage(store, 1, NOON);
        count(usage, "acme", USAGE_STYTCH, NOON);
        count(usage, "beta", USAGE_STYTCH, NOON);
        count_unknown(usage, "nobody", NOON);
        usage_close(usage);
    }
    size_t size = 0;
    char *good = scratch_read(path, &size), *bytes = malloc(size);
    assert_non_null(bytes);
    for (size_t i = 0; i < COUNT_OF(damages); ++i) {
        struct error error = {0};
        memcpy(bytes, good, size);
        assert_true(spoil_nodes(bytes, size, damages[i].key, damages[i].spoil) > 0);
        scratch_write(path, bytes, size);
        if (opens(store, &error) || strstr(error.message, "damaged") == NULL)
            fail_msg("damage %zu: \"%s\"", i, error.message);
    }
    scratch_write(path, good, size);
    struct error error = {0};
    assert_done(opens(store, &error));
    free(good);
    free(bytes);
}

static void be_of_a_later_version(char *node, char *value)
{
    (void)node;
    value[0] = 2;
}

/* Only what differs: the file is in use. */
static void write_into(const char *path, const char *before, const char *after, size_t size)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    for (size_t i = 0; i < size; ++i)
        assert_true(before[i] == after[i] || pwrite(fd, after + i, 1, (off_t)i) == 1);
    close(fd);
}

/* Once written into the open file, it is an error for each who asks, not only for the first. */
static void unknown_identifiers_that_cannot_be_read(void **state)
{
    const char *store = scratch_path(*state, "store"), *path = scratch_path(*state, "store.usage");
    struct error error = {0};
    struct usage_reader *reader = NULL;
    const struct usage_unknown *unknown = NULL;
    size_t size = 0, amount = 0;
    struct usage *usage = open_usage(store, 1, NOON);
    count_unknown(usage, "nobody", NOON);
    usage_close(usage);
    usage = open_usage(store, 1, NOON);
    char *good = scratch_read(path, &size), *bytes = malloc(size);
    assert_non_null(bytes);
    memcpy(bytes, good, size);
    assert_true(spoil_nodes(bytes, size, TEXT("default\0nobody"), be_of_a_later_version) > 0);
    write_into(path, good, bytes, size);
    assert_done(usage_reader_open_live(&reader, usage, NOON, &error));
    for (int i = 0; i < 2; ++i) {
        assert_false(usage_reader_unknown(reader, &unknown, &amount, &error));
        assert_non_null(strstr(error.message, "the file is damaged"));
    }
    usage_reader_close(reader);
    usage_close(usage);
    free(good);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(what_reads_well_and_is_wrong_is_damage),
        scratch_test(unknown_identifiers_that_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
