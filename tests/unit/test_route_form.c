#include "check.h"

#include <stdio.h>

#include "ssoferry/form.h"

/* -- pairs -- */

static const struct {
    const char *source;
    const char *pairs; /* each as name|value or name (without '='), with spaces between */
} walks[] = {
    {"", ""},
    {"a=1", "a|1"},
    {"a=1&b=2", "a|1 b|2"},
    {"&&a=1&&b&&", "a|1 b"},
    {"a", "a"},
    {"a=", "a|"},
    {"=b", "|b"},
    {"=", "|"},
    {"a=b=c", "a|b=c"},
    {"a;b=c", "a;b|c"},
    {"a%26=%3D+", "a%26|%3D+"},
    {"a=1&a=2", "a|1 a|2"},
    {"?a=1", "?a|1"},
};

static void pairs_are_cut_at_ampersands(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(walks); i++) {
        char seen[256] = "";
        size_t size = 0, position = 0;
        struct form_pair pair;
        struct text source = text_of(walks[i].source);
        while (form_next(source, &position, &pair)) {
            size += (size_t)snprintf(seen + size, sizeof seen - size, "%s%.*s%s%.*s", size > 0 ? " " : "",
                                     TEXT_ARGS(pair.name), pair.has_value ? "|" : "", TEXT_ARGS(pair.value));
            assert_true(pair.start < pair.end && pair.end <= source.size);
            assert_ptr_equal(pair.name.at, source.at + pair.start);
            assert_ptr_equal(pair.value.at + pair.value.size, source.at + pair.end);
        }
        assert_false(form_next(source, &position, &pair));
        assert_string_equal(seen, walks[i].pairs);
    }
}

/* -- finding -- */

static const struct {
    const char *source, *name;
    enum form_find found;
    const char *value;
} finds[] = {
    {"", "a", FORM_ABSENT, NULL},
    {"a=1", "a", FORM_FOUND, "1"},
    {"b=2&a=1", "a", FORM_FOUND, "1"},
    {"a", "a", FORM_FOUND, ""},
    {"%61=1", "a", FORM_FOUND, "1"},
    {"RelayStat%65=x", "RelayState", FORM_FOUND, "x"},
    {"relaystate=x", "RelayState", FORM_ABSENT, NULL},
    {"RelayState2=x", "RelayState", FORM_ABSENT, NULL},
    {"RelayStat=x", "RelayState", FORM_ABSENT, NULL},
    {"a+b=1", "a b", FORM_FOUND, "1"},
    {"a%2Bb=1", "a+b", FORM_FOUND, "1"},
    {"a%2Bb=1", "a b", FORM_ABSENT, NULL},
    {"%zz=1", "%zz", FORM_FOUND, "1"},
    {"%=1", "%", FORM_FOUND, "1"},
    {"%2=1", "%2", FORM_FOUND, "1"},
    {"%2561=1", "a", FORM_ABSENT, NULL},
    {"a=1&b&a=2", "a", FORM_TWICE, "1"},
    {"a=1&%61", "a", FORM_TWICE, "1"},
    {"amp;a=1", "a", FORM_ABSENT, NULL},
    {"=1", "", FORM_FOUND, "1"},
};

static void names_are_compared_decoded(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(finds); i++) {
        struct form_pair pair;
        enum form_find found = form_find(text_of(finds[i].source), text_of(finds[i].name), &pair);
        if (found != finds[i].found)
            fail_msg("%s in %s: %d", finds[i].name, finds[i].source, (int)found);
        if (found != FORM_ABSENT)
            assert_text(pair.value, finds[i].value);
    }
    assert_true(form_name_is(TEXT("%41+"), TEXT("A ")));
    assert_false(form_name_is(TEXT("A"), TEXT("A ")));
}

/* -- decoding -- */

static const struct {
    const char *raw, *strict, *lenient; /* strict NULL: refused */
} decodings[] = {
    {"", "", ""},
    {"acme", "acme", "acme"},
    {"a+b%20c", "a b c", "a b c"},
    {"a%2Bb%2fc", "a+b/c", "a+b/c"},
    {"%252B", "%2B", "%2B"},
    {"100%", NULL, "100%"},
    {"%zz", NULL, "%zz"},
    {"%2", NULL, "%2"},
    {"%2x%41", NULL, "%2xA"},
    {"%%41", NULL, "%A"},
    {"%c3%A9", "é", "é"},
};

static void values_are_decoded_once(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    for (size_t i = 0; i < COUNT_OF(decodings); i++) {
        struct text decoded, raw = text_of(decodings[i].raw);
        bool good = form_decode(raw, false, arena_memory(arena), &decoded);
        if (good != (decodings[i].strict != NULL))
            fail_msg("%s: %s", decodings[i].raw, good ? "accepted" : "refused");
        if (good)
            assert_text(decoded, decodings[i].strict);
        assert_true(form_decode(raw, true, arena_memory(arena), &decoded));
        assert_text(decoded, decodings[i].lenient);
    }
    struct text plain = TEXT("plain"), decoded;
    assert_true(form_decode(plain, false, arena_memory(arena), &decoded));
    assert_ptr_equal(decoded.at, plain.at);
    arena_free(arena);
}

/* -- content type -- */

static void content_types_are_compared_without_parameters(void **state)
{
    (void)state;
    static const char *const forms[] = {
        "application/x-www-form-urlencoded",
        "Application/X-WWW-Form-UrlEncoded",
        "application/x-www-form-urlencoded; charset=UTF-8",
        " application/x-www-form-urlencoded ;charset=UTF-8",
    };
    static const char *const others[] = {
        "",
        "text/plain",
        "application/x-www-form-urlencoded2",
        "multipart/form-data; boundary=x",
        "application/json",
        ";application/x-www-form-urlencoded",
    };
    for (size_t i = 0; i < COUNT_OF(forms); i++)
        assert_true(form_content_type(text_of(forms[i])));
    for (size_t i = 0; i < COUNT_OF(others); i++)
        assert_false(form_content_type(text_of(others[i])));
}

/* -- taking out -- */

static const struct {
    const char *source, *name, *rest;
} removals[] = {
    {"a=1", "a", ""},        {"a=1&b=2", "a", "b=2"},
    {"b=2&a=1", "a", "b=2"}, {"b=2&a=1&c=%zz+", "a", "b=2&c=%zz+"},
    {"a", "a", ""},          {"&a=1", "a", ""},
    {"a=1&", "a", ""},       {"&&a=1&&b", "a", "&&&b"},
    {"b&&a=1", "a", "b&"},   {"x=%2F&%61=1&y", "a", "x=%2F&y"},
};

static void all_but_the_pair_stays_as_it_was(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    for (size_t i = 0; i < COUNT_OF(removals); i++) {
        struct form_pair pair;
        struct text source = text_of(removals[i].source);
        assert_int_equal(form_find(source, text_of(removals[i].name), &pair), FORM_FOUND);
        assert_text(form_without(source, &pair, arena_memory(arena)), removals[i].rest);
    }
    arena_free(arena);
}

/* Whatever the bytes: the pairs cover the source but for '&'s, and without one pair all the others are still there. */
static void random_sources_keep_their_other_pairs(void **state)
{
    (void)state;
    static const char alphabet[] = "&&&=a%+4";
    uint32_t seed = 99;
    for (int round = 0; round < 20000; round++) {
        char bytes[12];
        size_t size = 0;
        seed = seed * 1664525 + 1013904223;
        for (uint32_t bits = seed >> 4; size < sizeof bytes && bits > 2; bits /= 7)
            bytes[size++] = alphabet[bits % 8];
        struct text source = text_slice(bytes, size);
        struct form_pair pair, kept;
        size_t covered = 0, count = 0, position = 0;
        for (; form_next(source, &position, &pair); count++)
            covered += pair.end - pair.start;
        for (size_t i = 0; i < size; i++)
            covered += bytes[i] == '&';
        assert_int_equal(covered, size);
        struct arena *arena = arena_new();
        position = 0;
        for (size_t removed = 0; form_next(source, &position, &pair); removed++) {
            struct text rest = form_without(source, &pair, arena_memory(arena));
            size_t full = 0, short_position = 0;
            for (size_t i = 0; i < count; i++) {
                struct form_pair original;
                assert_true(form_next(source, &full, &original));
                if (i == removed)
                    continue;
                assert_true(form_next(rest, &short_position, &kept));
                assert_true(text_equal(original.name, kept.name) && text_equal(original.value, kept.value));
            }
            assert_false(form_next(rest, &short_position, &kept));
        }
        arena_free(arena);
    }
}

static void a_page_carries_what_comes_out_of_it_as_it_went_in(void **state)
{
    static const char *const good[] = {"",
                                       "&&",
                                       "a=b",
                                       "a",
                                       "a=%zz&b=%2",
                                       "SAMLResponse=PHNhbWw%2B&RelayState=%22+%0D%0A",
                                       "a=%C3%BC&a=\xc3\xbc",
                                       "_charset=x"};
    static const char *const bad[] = {"a=%ff", "a=%00", "=x", "_charset_=x", "_CharSet_=", "%ff=x", "a=b&%00"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(good) + COUNT_OF(bad); i++) {
        struct arena *arena = arena_new();
        const char *body = i < COUNT_OF(good) ? good[i] : bad[i - COUNT_OF(good)];
        struct form_fields fields;
        if (form_decode_all(text_of(body), arena_memory(arena), &fields) != (i < COUNT_OF(good)))
            fail_msg("%s", body);
        arena_free(arena);
    }
}

/* `count` times `pair`. */
static bool fits(const char *pair, size_t count)
{
    struct arena *arena = arena_new();
    struct form_fields fields;
    const size_t size = strlen(pair);
    char *body = arena_memory(arena).allocate(arena_memory(arena).context, count * size);
    for (size_t i = 0; i < count; i++)
        memcpy(body + i * size, pair, size);
    bool good = form_decode_all(text_slice(body, count * size), arena_memory(arena), &fields);
    arena_free(arena);
    return good;
}

static void a_page_is_not_much_larger_than_its_body(void **state)
{
    (void)state;
    assert_true(fits("a=b&", FORM_FIELDS_MAX));
    assert_false(fits("a=b&", FORM_FIELDS_MAX + 1));
    assert_false(fits("a&", 1 << 19));
    assert_true(fits("\"", 3000));
    assert_false(fits("\"", 1 << 20));
    assert_false(fits("%0d%0a", 1 << 16));
    assert_true(fits("PHNhbWw%2B", 1 << 16));
}

static void all_pairs_are_decoded(void **state)
{
    struct arena *arena = arena_new();
    struct form_fields fields;
    (void)state;
    assert_true(form_decode_all(TEXT("&SAMLResponse=a%2Bb+c&&%61=%zz&e"), arena_memory(arena), &fields));
    assert_int_equal(fields.count, 3);
    assert_text(fields.items[0].name, "SAMLResponse");
    assert_text(fields.items[0].value, "a+b c");
    assert_text(fields.items[1].name, "a");
    assert_text(fields.items[1].value, "%zz");
    assert_text(fields.items[2].name, "e");
    assert_text(fields.items[2].value, "");
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_are_cut_at_ampersands),
        cmocka_unit_test(names_are_compared_decoded),
        cmocka_unit_test(values_are_decoded_once),
        cmocka_unit_test(content_types_are_compared_without_parameters),
        cmocka_unit_test(all_but_the_pair_stays_as_it_was),
        cmocka_unit_test(random_sources_keep_their_other_pairs),
        cmocka_unit_test(a_page_is_not_much_larger_than_its_body),
        cmocka_unit_test(all_pairs_are_decoded),
        cmocka_unit_test(a_page_carries_what_comes_out_of_it_as_it_went_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
