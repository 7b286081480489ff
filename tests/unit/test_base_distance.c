#include "check.h"

#include "ssoferry/distance.h"

static const struct {
    const char *a, *b;
    unsigned limit, distance;
} cases[] = {
    {"", "", 2, 0},
    {"acme", "acme", 2, 0},
    {"acme", "ACME", 0, 0},
    {"acme", "acm", 2, 1},
    {"acme", "acmes", 2, 1},
    {"acme", "acne", 2, 1},
    {"acme", "amce", 2, 1},
    {"acme", "caem", 2, 2},
    {"acme", "globex", 2, 3},
    {"acme", "", 4, 4},
    {"acme", "", 3, 4},
    {"ab", "ba", 0, 1},
    {"ca", "abc", 3, 3}, /* 2 if a place could be edited twice */
    {"customer-production", "customer_prodution", 2, 2},
    {"\xc3\xa9", "e", 2, 2}, /* bytes, not letters */
};

static void distances_are_as_listed(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); ++i) {
        struct text a = text_of(cases[i].a), b = text_of(cases[i].b);
        unsigned there = text_distance(a, b, cases[i].limit), back = text_distance(b, a, cases[i].limit);
        if (there != cases[i].distance || back != cases[i].distance)
            fail_msg("\"%s\" and \"%s\" within %u: %u and %u", cases[i].a, cases[i].b, cases[i].limit, there, back);
    }
}

static void nothing_is_near_that_has_to_be_written_anew(void **state)
{
    static const struct {
        const char *wanted, *name;
        unsigned limit, edits;
        bool near;
    } names[] = {
        {"bdoy", "body", 1, 1, true}, {"bdyo", "body", 1, 2, false}, {"BODY", "body", 0, 0, true},
        {"ab", "cd", 2, 2, false},    {"ab", "cbx", 2, 2, true},     {"", "a", 1, 1, false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); ++i) {
        unsigned edits = 99;
        bool near = text_is_near(text_of(names[i].wanted), text_of(names[i].name), names[i].limit, &edits);
        if (near != names[i].near || edits != names[i].edits)
            fail_msg("\"%s\" and \"%s\": %d, %u", names[i].wanted, names[i].name, near, edits);
    }
}

static void a_longer_name_is_far(void **state)
{
    static char bytes[DISTANCE_SIZE_MAX + 1];
    (void)state;
    memset(bytes, 'x', sizeof(bytes));
    assert_int_equal(text_distance(text_slice(bytes, sizeof(bytes)), text_slice(bytes, sizeof(bytes)), 5), 6);
    assert_int_equal(text_distance(text_slice(bytes, sizeof(bytes) - 1), text_slice(bytes, sizeof(bytes) - 2), 5), 1);
    assert_int_equal(text_distance(text_slice(bytes, sizeof(bytes)), text_slice(bytes, sizeof(bytes) - 1), 5), 6);
    assert_int_equal(text_distance(text_slice(bytes, sizeof(bytes) - 1), text_slice(bytes, sizeof(bytes)), 5), 6);
}

enum { LONGEST = 12 };

/* The whole matrix, as the books have it. */
static unsigned plain_distance(struct text a, struct text b)
{
    unsigned matrix[LONGEST + 1][LONGEST + 1];
    for (size_t i = 0; i <= a.size; ++i) {
        for (size_t j = 0; j <= b.size; ++j) {
            if (i == 0 || j == 0) {
                matrix[i][j] = (unsigned)(i + j);
                continue;
            }
            unsigned edits = matrix[i - 1][j - 1] + (a.at[i - 1] == b.at[j - 1] ? 0 : 1);
            edits = matrix[i - 1][j] + 1 < edits ? matrix[i - 1][j] + 1 : edits;
            edits = matrix[i][j - 1] + 1 < edits ? matrix[i][j - 1] + 1 : edits;
            bool swap = i > 1 && j > 1 && a.at[i - 1] == b.at[j - 2] && a.at[i - 2] == b.at[j - 1];
            matrix[i][j] = swap && matrix[i - 2][j - 2] + 1 < edits ? matrix[i - 2][j - 2] + 1 : edits;
        }
    }
    return matrix[a.size][b.size];
}

static void the_band_gives_what_the_matrix_gives(void **state)
{
    uint64_t random = 88172645463325252u;
    (void)state;
    for (int i = 0; i < 200000; ++i) {
        char bytes[2][LONGEST];
        struct text names[2];
        for (int k = 0; k < 2; ++k) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            names[k] = text_slice(bytes[k], (size_t)(random >> 60) % (LONGEST + 1));
            for (size_t at = 0; at < names[k].size; ++at)
                bytes[k][at] = (char)('a' + (random >> (2 * at + 20)) % 3);
        }
        unsigned limit = (unsigned)(random >> 33) % 6;
        unsigned expected = plain_distance(names[0], names[1]);
        expected = expected > limit ? limit + 1 : expected;
        unsigned got = text_distance(names[0], names[1], limit);
        if (got != expected)
            fail_msg("\"%.*s\" and \"%.*s\" within %u: %u, not %u", TEXT_ARGS(names[0]), TEXT_ARGS(names[1]), limit,
                     got, expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances_are_as_listed),
        cmocka_unit_test(nothing_is_near_that_has_to_be_written_anew),
        cmocka_unit_test(a_longer_name_is_far),
        cmocka_unit_test(the_band_gives_what_the_matrix_gives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
