/* What every unit test includes: cmocka with the headers it wants first, and a few words of our own. */
#ifndef SSOFERRY_TESTS_CHECK_H
#define SSOFERRY_TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ssoferry/text.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Fails with both texts shown. */
#define assert_text(actual, expected)                                                                                  \
    do {                                                                                                               \
        struct text text_a_ = (actual);                                                                                \
        struct text text_e_ = text_of(expected);                                                                       \
        if (!text_equal(text_a_, text_e_))                                                                             \
            fail_msg("got \"%.*s\", expected \"%.*s\"", TEXT_ARGS(text_a_), TEXT_ARGS(text_e_));                       \
    } while (0)

#endif
