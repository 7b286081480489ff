#include "verdict.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "ssoferry/time_text.h"

struct sentence {
    char *out;
    size_t size, used;
};

static void say(struct sentence *sentence, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct sentence *sentence, const char *format, ...)
{
    va_list arguments;
    size_t left = sentence->size - sentence->used;
    va_start(arguments, format);
    int wanted = vsnprintf(sentence->out + sentence->used, left, format, arguments);
    va_end(arguments);
    if (wanted > 0)
        sentence->used += (size_t)wanted < left ? (size_t)wanted : left - 1;
}

static const char *is_or_are(uint64_t count)
{
    return count == 1 ? "is" : "are";
}

static const char *has_or_have(uint64_t count)
{
    return count == 1 ? "has" : "have";
}

/* "30 days", "36 hours": in the largest unit that is exact or, if it need not be exact, near enough. */
static void say_duration(struct sentence *sentence, int64_t duration, bool exact)
{
    static const struct {
        int64_t size;
        const char *name;
    } units[] = {{REPORT_DAY, "day"}, {REPORT_DAY / 24, "hour"}, {REPORT_DAY / 1440, "minute"}, {1000000, "second"}};
    size_t i = 0;
    while (i < 3 && (duration < units[i].size || (exact && duration % units[i].size != 0)))
        ++i;
    int64_t count = duration > 0 ? duration / units[i].size : 0;
    say(sentence, "%" PRId64 " %s%s", count, units[i].name, count == 1 ? "" : "s");
}

static void say_seen(struct sentence *sentence, uint64_t done, uint64_t seen, int64_t idle)
{
    if (done == 1)
        say(sentence, seen == 1 ? " and was seen in the last " : " but was not seen in the last ");
    else if (seen == 0 || seen == done)
        say(sentence, ", %s of them seen in the last ", seen == 0 ? "none" : "all");
    else
        say(sentence, ", %" PRIu64 " of them seen in the last ", seen);
    say_duration(sentence, idle, true);
}

static void say_rehearsal(struct sentence *sentence, const struct report_options *options)
{
    if (options->rehearsing > 0)
        say(sentence, "Rehearsal%s (observe): every sign-in%s goes to the old system. Without it, ",
            options->rehearsing < options->routes ? " on some routes" : "",
            options->rehearsing < options->routes ? " by them" : "");
}

static void say_cut_over(struct sentence *sentence, const struct report_totals *totals, uint64_t all,
                         const struct report_options *options)
{
    uint64_t done = totals->rows[CONNECTION_STYTCH];
    const char *are = all == 1 ? "is" : is_or_are(done);
    say(sentence, "%" PRIu64 " of %" PRIu64 " connection%s %s cut over", done, all, all == 1 ? "" : "s",
        options->rehearsing == 0 ? are : "would be");
    if (done > 0 && totals->counted_since > 0)
        say_seen(sentence, done, totals->seen[CONNECTION_STYTCH], options->idle);
    if (totals->rows[CONNECTION_LEGACY] > 0)
        say(sentence, "; %" PRIu64 " %s still legacy", totals->rows[CONNECTION_LEGACY],
            is_or_are(totals->rows[CONNECTION_LEGACY]));
    if (totals->rows[CONNECTION_DISABLED] > 0)
        say(sentence, "; %" PRIu64 " %s disabled", totals->rows[CONNECTION_DISABLED],
            is_or_are(totals->rows[CONNECTION_DISABLED]));
    say(sentence, ".");
}

static void say_failed(struct sentence *sentence, uint64_t failed)
{
    if (failed > 0)
        say(sentence, " Requests for %" PRIu64 " connection%s have failed since counting began.", failed,
            failed == 1 ? "" : "s");
}

static void say_silent(struct sentence *sentence, const struct report_totals *totals, int64_t idle)
{
    char since[TIME_SIZE];
    if (totals->idle > 0)
        say(sentence, " %" PRIu64 " %s been silent for ", totals->idle, has_or_have(totals->idle));
    else
        say(sentence, " None has been silent for ");
    say_duration(sentence, idle, true);
    if (totals->idle > 0 && totals->additions_known_since != 0)
        say(sentence, ", or %s newer than that if added before %s", is_or_are(totals->idle),
            time_text(totals->additions_known_since, since));
    else if (totals->idle_never > 0 && totals->idle_never == totals->idle)
        say(sentence, ", ever since counting began");
    else if (totals->idle_never > 0)
        say(sentence, ", %" PRIu64 " of them ever since counting began", totals->idle_never);
    say(sentence, ".");
}

/* Silence is reported only as far back as counting goes, and as that is known. */
static void say_silence(struct sentence *sentence, const struct report_totals *totals,
                        const struct report_options *options, enum report_doubt doubt)
{
    switch (doubt) {
    case REPORT_COUNTING_IS_OFF:
        say(sentence, " Counting is off (usage: false), so it is not known who still uses the old addresses.");
        return;
    case REPORT_COUNTING_FAILS:
        say(sentence, " Counts cannot be written, so it is not known who still uses the old addresses.");
        return;
    case REPORT_NOTHING_COUNTED:
        say(sentence, " Nothing has been counted yet, so nothing is known of who still uses the old addresses.");
        return;
    case REPORT_IDLE_TOO_LONG:
        say(sentence, " Whether anything was counted is known of the last %d days only, so who has been silent for ",
            USAGE_DAYS);
        say_duration(sentence, options->idle, true);
        say(sentence, " is not known.");
        return;
    case REPORT_COUNTING_IS_NEW:
        say(sentence, " Counting began only ");
        say_duration(sentence, options->now - totals->counted_since, false);
        say(sentence, " ago; %" PRIu64 " %s not been seen since.", totals->never, has_or_have(totals->never));
        return;
    case REPORT_DAYS_MISSED:
        say(sentence, " Nothing was counted on %u of the last %u days, so who has been silent is not known.",
            totals->uncounted_days, totals->idle_days);
        return;
    case REPORT_ROWS_MAY_BE_NEW:
    case REPORT_CERTAIN:
    case REPORT_REHEARSING:
        say_silent(sentence, totals, options->idle);
    }
}

void verdict_write(const struct report_totals *totals, const struct report_options *options, enum report_doubt doubt,
                   char *out, size_t size)
{
    struct sentence sentence = {out, size, 0};
    uint64_t all = 0;
    for (int i = 0; i < CONNECTION_STATES; ++i)
        all += totals->rows[i];
    if (size == 0)
        return;
    out[0] = '\0';
    if (all == 0) {
        say(&sentence, options->source.size > 0 ? "The source has no connections." : "The table has no connections.");
        return;
    }
    say_rehearsal(&sentence, options);
    say_cut_over(&sentence, totals, all, options);
    say_failed(&sentence, totals->failed);
    say_silence(&sentence, totals, options, doubt);
}
