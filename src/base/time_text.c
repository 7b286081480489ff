#include "ssoferry/time_text.h"

#include <stdio.h>

/* The date of a day counted from 1970, in the proleptic Gregorian calendar. Years start on March 1, so that the leap
 * day comes last (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms"). */
static void date_of(int64_t day, int64_t *year, int64_t *month, int64_t *day_of_month)
{
    int64_t shifted = day + 719468; /* days since 0000-03-01 */
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    *day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    *month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    *year = year_of_era + era * 400 + (*month <= 2);
}

static char *put_digits(char *at, int64_t number, int digits, char behind)
{
    for (int i = digits; i-- > 0; number /= 10)
        at[i] = (char)('0' + number % 10);
    at[digits] = behind;
    return at + digits + 1;
}

/* Written by hand because strftime() takes longer than all the rest of a report's row. */
const char *time_text(int64_t microseconds, char *buffer)
{
    static const int64_t day_size = 86400, year_10000 = INT64_C(253402300800);
    int64_t seconds = microseconds / 1000000, year, month, day;
    if (seconds <= 0 || seconds >= year_10000) {
        snprintf(buffer, TIME_SIZE, "never");
        return buffer;
    }
    date_of(seconds / day_size, &year, &month, &day);
    char *at = put_digits(buffer, year, 4, '-');
    at = put_digits(at, month, 2, '-');
    at = put_digits(at, day, 2, 'T');
    at = put_digits(at, seconds % day_size / 3600, 2, ':');
    at = put_digits(at, seconds % 3600 / 60, 2, ':');
    at = put_digits(at, seconds % 60, 2, 'Z');
    *at = '\0';
    return buffer;
}
