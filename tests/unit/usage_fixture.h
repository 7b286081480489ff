/* Short words for what every test of usage does. */
#ifndef SSOFERRY_TESTS_USAGE_FIXTURE_H
#define SSOFERRY_TESTS_USAGE_FIXTURE_H

#include "scratch.h"
#include "ssoferry/usage.h"

#define SECOND INT64_C(1000000)
#define DAY    (INT64_C(86400) * SECOND)
#define NOON   (INT64_C(20000) * DAY + DAY / 2) /* of a day in 2024 */

#ifndef assert_done /* the table's fixture has it, too */
/* Fails with the error's message. */
#define assert_done(call)                                                                                              \
    do {                                                                                                               \
        if (!(call))                                                                                                   \
            fail_msg("%s: %s", #call, error.message);                                                                  \
    } while (0)
#endif

static inline struct usage *open_usage(const char *store, size_t lanes, int64_t now)
{
    struct usage *usage = NULL;
    struct error error = {0};
    assert_done(usage_open(&usage, store, lanes, now, -1, &error));
    return usage;
}

static inline struct usage_reader *open_reader(const char *store, int64_t now)
{
    struct usage_reader *reader = NULL;
    struct error error = {0};
    assert_done(usage_reader_open(&reader, store, now, &error));
    assert_non_null(reader);
    return reader;
}

static inline void count(struct usage *usage, const char *identifier, enum usage_outcome outcome, int64_t now)
{
    usage_count(usage_lane(usage, 0), TEXT("default"), text_of(identifier), outcome, now);
}

static inline void count_unknown(struct usage *usage, const char *identifier, int64_t now)
{
    usage_count_unknown(usage_lane(usage, 0), TEXT("default"), text_of(identifier), now);
}

/* The identifier of a key whose source is `default`. */
static inline struct text name_of(struct text key)
{
    struct text source = {0}, identifier = {0};
    assert_true(connection_key_split(key, &source, &identifier));
    assert_text(source, "default");
    return identifier;
}

/* The row of an identifier; false where there is none. */
static inline bool find_usage(struct usage_reader *reader, const char *identifier, struct usage_row *row)
{
    char bytes[CONNECTION_KEY_SIZE_MAX];
    struct error error = {0};
    struct text key = text_slice(bytes, connection_key(TEXT("default"), text_of(identifier), bytes));
    enum lookup_result result = usage_reader_find(reader, key, row, &error);
    assert_int_not_equal(result, LOOKUP_FAILED);
    return result == LOOKUP_FOUND;
}

static inline const struct usage_unknown *find_unknown(struct usage_reader *reader, const char *identifier)
{
    const struct usage_unknown *unknown = NULL;
    size_t amount = 0;
    struct error error = {0};
    assert_done(usage_reader_unknown(reader, &unknown, &amount, &error));
    for (size_t i = 0; i < amount; ++i) {
        if (text_equal(name_of(unknown[i].key), text_of(identifier)))
            return &unknown[i];
    }
    return NULL;
}

static inline uint64_t sum_of(const uint64_t hits[USAGE_OUTCOMES])
{
    uint64_t sum = 0;
    for (int i = 0; i < USAGE_OUTCOMES; ++i)
        sum += hits[i];
    return sum;
}

/* Hits of all rows together, which with those not kept by name are the totals. */
static inline uint64_t assert_totals_agree(struct usage_reader *reader)
{
    struct usage_row row;
    struct error error = {0};
    uint64_t sum = 0;
    enum lookup_result result = LOOKUP_ABSENT;
    usage_reader_seek(reader, (struct text){0});
    while ((result = usage_reader_next(reader, &row, &error)) == LOOKUP_FOUND)
        sum += sum_of(row.hits);
    assert_int_equal(result, LOOKUP_ABSENT);
    const struct usage_totals *totals = usage_reader_totals(reader);
    assert_int_equal(sum + totals->unnamed, sum_of(totals->hits));
    return sum;
}

/* Numbers that are the same in every run: xorshift64 (Marsaglia). */
static inline uint32_t random_below(uint64_t *state, uint32_t bound)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)(*state >> 32) % bound;
}

#endif
