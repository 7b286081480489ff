/* The rows that a lookup remembers, against what was offered: it may forget, and must never tell wrongly. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>

#include "ssoferry/row_cache.h"

enum { KEY_MAX = 300, RECORD_MAX = 300, ROWS = 3000, MEGABYTE = 1 << 20 };

/* A row by number: sizes and bytes follow from it, and from the generation of its record. */
struct row {
    char key_bytes[KEY_MAX], record_bytes[RECORD_MAX];
    struct text key, record;
};

static void make_row(struct row *row, unsigned number, unsigned generation, size_t key_size, size_t record_size)
{
    memset(row->key_bytes, 'k', sizeof row->key_bytes);
    memset(row->record_bytes, 'a' + (int)(number % 26), sizeof row->record_bytes);
    memcpy(row->key_bytes, &number, sizeof number);
    memcpy(row->record_bytes, &number, sizeof number);
    memcpy(row->record_bytes + sizeof number, &generation, sizeof generation);
    row->key = text_slice(row->key_bytes, key_size);
    row->record = text_slice(row->record_bytes, record_size);
}

/* Rows of all sizes, most of them short. */
static void make_any_row(struct row *row, unsigned number, unsigned generation)
{
    static const size_t key_sizes[] = {12, 20, 30, 47, 48, 49, 100, 111, 112, 113, 120, 200, 239, 240, 241, 290};
    make_row(row, number, generation, key_sizes[number % COUNT_OF(key_sizes)], 8 + number % 7 * (number % 3));
}

static void ask_and_offer(struct row_cache *cache, const struct row *row, uint64_t transaction, unsigned *found)
{
    struct text record = row_cache_find(cache, row_cache_expect(cache, row->key), row->key, transaction);
    if (record.size == 0) {
        row_cache_offer(cache, row->key, row->record, transaction);
        return;
    }
    ++*found;
    assert_int_equal(record.size, row->record.size);
    assert_memory_equal(record.at, row->record.at, record.size);
}

/* Which generation a row is of changes with the transaction, so that a row from before would be told wrongly. */
static void what_is_told_is_what_was_offered_last(void **state)
{
    static const size_t sizes[] = {0, ROW_CACHE_SIZE_MIN, MEGABYTE};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); ++i) {
        struct row_cache *cache = row_cache_new(sizes[i]);
        struct row row;
        unsigned found = 0;
        srand(4711);
        for (unsigned turn = 0; turn < 400000; ++turn) {
            unsigned transaction = turn / 20000;
            make_any_row(&row, (unsigned)rand() % (turn % 2 ? 40 : ROWS), transaction);
            ask_and_offer(cache, &row, transaction, &found);
        }
        assert_true(found > 100000);
        assert_true(row_cache_size(cache) <= (sizes[i] > ROW_CACHE_SIZE_MIN ? sizes[i] : ROW_CACHE_SIZE_MIN));
        row_cache_free(cache);
    }
}

static unsigned found_in_a_round(struct row_cache *cache, unsigned rows, size_t key_size)
{
    struct row row;
    unsigned found = 0;
    for (unsigned number = 0; number < rows; ++number) {
        make_row(&row, number, 1, key_size, 19);
        ask_and_offer(cache, &row, 1, &found);
    }
    return found;
}

/* It grows until they have room, and no further. */
static void rows_that_come_again_are_all_remembered(void **state)
{
    static const struct {
        size_t key_size, size_max;
    } kinds[] = {{20, MEGABYTE}, {60, 2 * MEGABYTE}, {200, 8 * MEGABYTE}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(kinds); ++i) {
        struct row_cache *cache = row_cache_new(16 * MEGABYTE);
        unsigned found = 0;
        for (unsigned round = 0; round < 200; ++round)
            found = found_in_a_round(cache, ROWS, kinds[i].key_size);
        assert_true(found > ROWS - ROWS / 8);
        assert_true(row_cache_size(cache) <= kinds[i].size_max);
        row_cache_free(cache);
    }
}

/* Four lines for three rows: though some places have more rows than others, hardly any is left out. */
static void rows_for_which_there_is_room_have_it(void **state)
{
    (void)state;
    enum { SIZE = 16 * ROW_CACHE_SIZE_MIN, LINE_SIZE = 64, COUNT = SIZE / LINE_SIZE * 3 / 4 };
    struct row_cache *cache = row_cache_new(SIZE);
    unsigned found = 0;
    for (unsigned round = 0; round < 20; ++round)
        found = found_in_a_round(cache, COUNT, 20);
    assert_in_range(found, COUNT - COUNT / 200, COUNT);
    row_cache_free(cache);
}

/* Each growth empties it, so it must be worth that. */
static void it_grows_by_doubling_alone(void **state)
{
    (void)state;
    for (size_t size_max = ROW_CACHE_SIZE_MIN; size_max < 6 * ROW_CACHE_SIZE_MIN;
         size_max += ROW_CACHE_SIZE_MIN * 2 / 3) {
        struct row_cache *cache = row_cache_new(size_max);
        size_t size = row_cache_size(cache);
        for (unsigned round = 0; round < 6; ++round) {
            (void)found_in_a_round(cache, 10240, 20);
            assert_int_equal(row_cache_size(cache) % size, 0);
            size = row_cache_size(cache);
        }
        assert_in_range(size, size_max - size_max / 50, size_max);
        row_cache_free(cache);
    }
}

/* Ten times as many rows as there is room for: those that are in stay in. */
static void it_is_of_use_where_not_all_have_room(void **state)
{
    (void)state;
    struct row_cache *cache = row_cache_new(ROW_CACHE_SIZE_MIN);
    unsigned found = 0;
    for (unsigned round = 0; round < 10; ++round)
        found = found_in_a_round(cache, 10240, 20);
    assert_in_range(found, 700, 1024);
    assert_int_equal(row_cache_size(cache), ROW_CACHE_SIZE_MIN);
    row_cache_free(cache);
}

/* A long row goes over the heads of lines that short ones began with before, and the other way round. */
static void long_rows_and_short_ones_take_each_others_place(void **state)
{
    (void)state;
    struct row_cache *cache = row_cache_new(ROW_CACHE_SIZE_MIN);
    struct row row;
    for (unsigned turn = 0; turn < 200000; ++turn) {
        unsigned number = (unsigned)rand() % 2000;
        unsigned found = 0;
        make_any_row(&row, number, 1);
        for (unsigned again = 0; again < 3; ++again) /* it is offered twice, and let in */
            ask_and_offer(cache, &row, 1, &found);
        assert_true(found > 0 || row.key.size + row.record.size > ROW_CACHE_ROW_MAX);
    }
    row_cache_free(cache);
}

/* One that had to make room is gone, though it be in the way with its last line alone. */
static void none_is_told_in_part(void **state)
{
    static const size_t record_sizes[] = {8, 9, 40, 90, 200};
    (void)state;
    struct row_cache *cache = row_cache_new(ROW_CACHE_SIZE_MIN);
    struct row row;
    unsigned found = 0;
    srand(815);
    for (unsigned turn = 0; turn < 300000; ++turn) {
        unsigned number = (unsigned)rand() % 3000;
        make_row(&row, number, 1, 20, record_sizes[number % COUNT_OF(record_sizes)]);
        for (unsigned again = 0; again < 1 + turn % 2; ++again)
            ask_and_offer(cache, &row, 1, &found);
    }
    assert_true(found > 10000);
    row_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_told_is_what_was_offered_last),
        cmocka_unit_test(rows_that_come_again_are_all_remembered),
        cmocka_unit_test(rows_for_which_there_is_room_have_it),
        cmocka_unit_test(it_grows_by_doubling_alone),
        cmocka_unit_test(it_is_of_use_where_not_all_have_room),
        cmocka_unit_test(long_rows_and_short_ones_take_each_others_place),
        cmocka_unit_test(none_is_told_in_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
