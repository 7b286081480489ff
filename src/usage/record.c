#include "record.h"

#include "lane.h"
#include "ssoferry/clock.h"
#include "ssoferry/leb128.h"

enum { RECORD_VERSION = 1 };

/* -- numbers -- */

/* Reads a number from `rest`, and moves on. If there is none, returns 0 and sets *bad. */
static uint64_t get(struct text *rest, bool *bad)
{
    uint64_t number = 0;
    if (leb128_take(rest, &number))
        return number;
    *bad = true;
    return 0;
}

static char *put_times(char *at, int64_t first, int64_t last)
{
    at = leb128_put(at, first > 0 ? (uint64_t)first : 0);
    return leb128_put(at, last > first ? (uint64_t)(last - (first > 0 ? first : 0)) : 0);
}

static void get_times(struct text *rest, int64_t *first, int64_t *last, bool *bad)
{
    uint64_t begin = get(rest, bad), length = get(rest, bad);
    *bad = *bad || begin > INT64_MAX || length > INT64_MAX - begin;
    *first = *bad ? 0 : (int64_t)begin;
    *last = *bad ? 0 : (int64_t)(begin + length);
}

static bool begins_well(struct text *rest)
{
    if (rest->size == 0 || *rest->at != RECORD_VERSION)
        return false;
    *rest = text_from(*rest, 1);
    return true;
}

/* -- hits of a row -- */

size_t usage_record_encode(const struct usage_record *record, char *out)
{
    char *at = out;
    *at++ = RECORD_VERSION;
    for (int i = 0; i < USAGE_OUTCOMES; ++i)
        at = leb128_put(at, record->hits[i]);
    at = put_times(at, record->first, record->last);
    at = leb128_put(at, record->newest);
    uint32_t gap = 0;
    for (size_t i = USAGE_DAYS; i-- > 0; ++gap) {
        if (record->days[i] == 0)
            continue;
        at = leb128_put(at, gap);
        at = leb128_put(at, record->days[i]);
        gap = 0;
    }
    return (size_t)(at - out);
}

bool usage_record_decode(struct text bytes, struct usage_record *record)
{
    bool bad = false;
    *record = (struct usage_record){0};
    if (!begins_well(&bytes))
        return false;
    for (int i = 0; i < USAGE_OUTCOMES; ++i)
        record->hits[i] = get(&bytes, &bad);
    get_times(&bytes, &record->first, &record->last, &bad);
    uint64_t newest = get(&bytes, &bad), day = 0;
    record->newest = (uint32_t)newest;
    bad = bad || newest > UINT32_MAX;
    while (bytes.size > 0 && !bad) {
        uint64_t gap = get(&bytes, &bad), hits = get(&bytes, &bad);
        bad = bad || gap >= USAGE_DAYS || day + gap >= USAGE_DAYS || hits > UINT32_MAX;
        if (!bad)
            record->days[USAGE_DAYS - 1 - (day += gap)] = (uint32_t)hits;
    }
    return !bad;
}

void days_ending_with(const uint32_t days[USAGE_DAYS], uint32_t newest, uint32_t day, uint32_t moved[USAGE_DAYS])
{
    uint32_t gap = day > newest ? day - newest : newest - day;
    size_t kept = gap < USAGE_DAYS ? USAGE_DAYS - gap : 0;
    size_t from = day > newest ? USAGE_DAYS - kept : 0, to = day > newest ? 0 : USAGE_DAYS - kept;
    memset(moved, 0, USAGE_DAYS * sizeof(moved[0]));
    memcpy(moved + to, days + from, kept * sizeof(moved[0]));
}

/* Makes `day` the newest. */
static void shift_days(struct usage_record *record, uint32_t day)
{
    uint32_t before[USAGE_DAYS];
    memcpy(before, record->days, sizeof(before));
    days_ending_with(before, record->newest, day, record->days);
    record->newest = day;
}

int64_t usage_time_believed(int64_t time, int64_t clock)
{
    return clock > 0 && time - clock > CLOCK_AHEAD_MAX ? clock : time;
}

void usage_record_pull_back(struct usage_record *record, int64_t clock)
{
    record->first = usage_time_believed(record->first, clock);
    record->last = usage_time_believed(record->last, clock);
    if (clock > 0 && record->newest > day_of(clock + CLOCK_AHEAD_MAX))
        shift_days(record, day_of(clock));
}

void usage_record_add(struct usage_record *record, uint32_t day, const uint32_t hits[USAGE_OUTCOMES], int64_t first,
                      int64_t last)
{
    uint64_t sum = 0;
    bool is_new = record->last == 0 && record->first == 0;
    for (int i = 0; i < USAGE_OUTCOMES; ++i) {
        record->hits[i] += hits[i];
        sum += hits[i];
    }
    record->first = is_new || first < record->first ? first : record->first;
    record->last = is_new || last > record->last ? last : record->last;
    if (day > record->newest)
        shift_days(record, day);
    if (record->newest - day < USAGE_DAYS) {
        uint32_t *at = &record->days[USAGE_DAYS - 1 - (record->newest - day)];
        *at = sum > UINT32_MAX - *at ? UINT32_MAX : *at + (uint32_t)sum;
    }
}

/* -- the other records -- */

size_t unknown_record_encode(const struct unknown_record *record, char *out)
{
    char *at = out;
    *at++ = RECORD_VERSION;
    at = leb128_put(at, record->hits);
    at = leb128_put(at, record->error);
    at = put_times(at, record->first, record->last);
    return (size_t)(at - out);
}

bool unknown_record_decode(struct text bytes, struct unknown_record *record)
{
    bool bad = false;
    if (!begins_well(&bytes))
        return false;
    record->hits = get(&bytes, &bad);
    record->error = get(&bytes, &bad);
    get_times(&bytes, &record->first, &record->last, &bad);
    return !bad && bytes.size == 0;
}

size_t totals_encode(const struct usage_totals *totals, char *out)
{
    char *at = out;
    *at++ = RECORD_VERSION;
    for (int i = 0; i < USAGE_OUTCOMES; ++i)
        at = leb128_put(at, totals->hits[i]);
    at = leb128_put(at, totals->unnamed);
    at = leb128_put(at, totals->unknown_hits);
    at = leb128_put(at, totals->since > 0 ? (uint64_t)totals->since : 0);
    return (size_t)(at - out);
}

bool totals_decode(struct text bytes, struct usage_totals *totals)
{
    bool bad = false;
    *totals = (struct usage_totals){0};
    if (!begins_well(&bytes))
        return false;
    for (int i = 0; i < USAGE_OUTCOMES; ++i)
        totals->hits[i] = get(&bytes, &bad);
    totals->unnamed = get(&bytes, &bad);
    totals->unknown_hits = get(&bytes, &bad);
    uint64_t since = get(&bytes, &bad);
    bad = bad || since > INT64_MAX;
    totals->since = (int64_t)since;
    return !bad && bytes.size == 0;
}
