#include "check.h"

#include <stdio.h>
#include <stdlib.h>

#include "ssoferry/bytes.h"
#include "ssoferry/error.h"
#include "ssoferry/memory.h"

static const struct {
    const char *in;
    size_t size; /* of `in`; 0: strlen */
    enum text_plus plus;
    const char *out; /* NULL: refused */
    size_t out_size; /* 0: strlen */
} decodings[] = {
    {"acme", 0, TEXT_PLUS_IS_PLUS, "acme", 0}, {"", 0, TEXT_PLUS_IS_PLUS, "", 0},
    {"a%2Fb", 0, TEXT_PLUS_IS_PLUS, "a/b", 0}, {"a%2fb", 0, TEXT_PLUS_IS_PLUS, "a/b", 0},
    {"%252F", 0, TEXT_PLUS_IS_PLUS, "%2F", 0}, {"a+b", 0, TEXT_PLUS_IS_PLUS, "a+b", 0},
    {"a+b", 0, TEXT_PLUS_IS_SPACE, "a b", 0},  {"a%2Bb", 0, TEXT_PLUS_IS_SPACE, "a+b", 0},
    {"%00", 0, TEXT_PLUS_IS_PLUS, "\0", 1},    {"%c3%A9", 0, TEXT_PLUS_IS_PLUS, "\xc3\xa9", 0},
    {"%ff", 0, TEXT_PLUS_IS_PLUS, "\xff", 0},  {"..", 0, TEXT_PLUS_IS_PLUS, "..", 0},
    {"%zz", 0, TEXT_PLUS_IS_PLUS, NULL, 0},    {"%2", 0, TEXT_PLUS_IS_PLUS, NULL, 0},
    {"%", 0, TEXT_PLUS_IS_PLUS, NULL, 0},      {"abc%", 0, TEXT_PLUS_IS_PLUS, NULL, 0},
    {"%2g", 0, TEXT_PLUS_IS_PLUS, NULL, 0},    {"%g2", 0, TEXT_PLUS_IS_PLUS, NULL, 0},
    {"% 2", 0, TEXT_PLUS_IS_PLUS, NULL, 0},    {"%+2", 0, TEXT_PLUS_IS_SPACE, NULL, 0},
};

static void percent_decoding_is_done_once_and_strictly(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(decodings); ++i) {
        struct text in = text_of(decodings[i].in);
        char *out = memory_allocate(in.size);
        size_t size = 0;
        bool good = text_percent_decode(in, decodings[i].plus, out, &size);
        if (good != (decodings[i].out != NULL))
            fail_msg("%s: %s", decodings[i].in, good ? "accepted" : "refused");
        if (good) {
            size_t expected = decodings[i].out_size > 0 ? decodings[i].out_size : strlen(decodings[i].out);
            assert_int_equal(size, expected);
            assert_memory_equal(out, decodings[i].out, expected);
        }
        free(out);
    }
}

static void decoding_in_place_works(void **state)
{
    char buffer[] = "a%20b%2Fc";
    size_t size = 0;
    (void)state;
    assert_true(text_percent_decode(text_of(buffer), TEXT_PLUS_IS_PLUS, buffer, &size));
    assert_text(text_slice(buffer, size), "a b/c");
}

static void utf8_is_checked_as_rfc_3629_has_it(void **state)
{
    static const char *const good[] = {"",
                                       "abc",
                                       "\xc2\x80",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xef\xbf\xbf",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf",
                                       "Zürich",
                                       "企業"};
    static const char *const bad[] = {"\x80",
                                      "\xbf",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xc2",
                                      "\xc2\x20",
                                      "\xe0\x80\x80",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xed\xbf\xbf",
                                      "\xf0\x80\x80\x80",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "\xe4\xbc",
                                      "abc\xf0\x9f\x98"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); ++i)
        assert_true(text_is_utf8(text_of(good[i])));
    for (size_t i = 0; i < COUNT_OF(bad); ++i) {
        if (text_is_utf8(text_of(bad[i])))
            fail_msg("bad UTF-8 number %zu passed", i);
    }
}

static void a_bad_byte_is_seen_wherever_it_stands(void **state)
{
    char text[40];
    (void)state;
    for (size_t size = 1; size <= sizeof(text); ++size) {
        memset(text, 'a', size);
        assert_true(text_is_utf8(text_slice(text, size)));
        for (size_t i = 0; i < size; ++i) {
            text[i] = '\xff';
            assert_false(text_is_utf8(text_slice(text, size)));
            text[i] = 'a';
        }
    }
}

static void control_characters_are_seen(void **state)
{
    (void)state;
    assert_false(text_has_control(TEXT("plain ~ text")));
    assert_false(text_has_control(TEXT("\xc2\xa0\xc3\x9f")));
    assert_true(text_has_control(TEXT("a\nb")));
    assert_true(text_has_control(TEXT("\0")));
    assert_true(text_has_control(TEXT("\x7f")));
    assert_true(text_has_control(TEXT("\xc2\x80")));
    assert_true(text_has_control(TEXT("x\xc2\x9f")));
}

/* A name in a message is shown such that two that differ look different, and none controls a terminal. */
static void what_cannot_be_seen_is_spelled(void **state)
{
    static const char *const rows[][2] = {
        {"plain", "plain"},
        {"Gr\xc3\xb6\xc3\x9f"
         "e \xe4\xbd\xa0 \xf0\x9f\x99\x82",
         "Gr\xc3\xb6\xc3\x9f"
         "e \xe4\xbd\xa0 \xf0\x9f\x99\x82"},
        {"a\xe2\x80\x8b"
         "b",
         "a\\u200bb"},
        {"\xf3\xa0\x80\x81", "\\U000e0001"},
        {"a\n\x1b[31m", "a\\x0a\\x1b[31m"},
        {"\xc2\x9b"
         "1m",
         "\\xc2\\x9b1m"},
        {"\xff\xc3", "\\xff\\xc3"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        char shown[64] = "", escape[TEXT_ESCAPE_SIZE];
        for (struct text rest = text_of(rows[i][0]); rest.size > 0;) {
            const struct text next = text_shown(&rest, escape);
            strncat(shown, next.at, next.size);
        }
        assert_string_equal(shown, rows[i][1]);
    }
}

/* Looked at eight at a time, and then one by one: so each byte at each place of texts of all lengths around that. */
static void each_byte_is_seen_at_each_place(void **state)
{
    enum { LONGEST = 27 };
    char bytes[LONGEST];
    (void)state;
    for (size_t size = 1; size <= LONGEST; ++size) {
        for (size_t at = 0; at < size; ++at) {
            for (unsigned c = 0; c < 256; ++c) {
                memset(bytes, 'x', size);
                bytes[at] = (char)c;
                struct text t = text_slice(bytes, size);
                bool control = c < 0x20 || c == 0x7f;
                assert_int_equal(text_is_visible(t), !control && c != ' ');
                assert_int_equal(text_is_printable(t), !control && c < 0x80);
                if (c < 0x80)
                    assert_int_equal(text_has_control(t), control);
                bytes[size - 1 - at] = (char)0xc3; /* a byte over 0x7f beside it */
                assert_int_equal(text_is_visible(t), (!control && c != ' ') || size - 1 - at == at);
            }
        }
    }
    assert_true(text_is_visible(TEXT("")));
}

static void numbers_are_written_in_hexadecimal(void **state)
{
    static const uint32_t numbers[] = {0,          1,          9,          0xa,        0xf,       0x10,
                                       0x99999999, 0xaaaaaaaa, 0x12345678, 0x9abcdef0, 0xffffffff};
    char found[9] = "", expected[9];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(numbers); ++i) {
        bytes_put_hex(numbers[i], found);
        snprintf(expected, sizeof expected, "%08x", numbers[i]);
        assert_string_equal(found, expected);
        uint32_t read = ~numbers[i];
        assert_true(bytes_get_hex(bytes_load(found), &read));
        assert_int_equal(read, numbers[i]);
        assert_true(bytes_get_hex(bytes_load_halves(found, found + 4), &read));
        assert_int_equal(read, numbers[i]);
    }
    for (size_t at = 0; at < 8; ++at) {
        for (unsigned c = 0; c < 256; ++c) {
            uint32_t read;
            memcpy(found, "09afcdef", 8);
            found[at] = (char)c;
            assert_int_equal(bytes_get_hex(bytes_load(found), &read), (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'));
        }
    }
}

static void eight_bytes_are_written_in_hexadecimal(void **state)
{
    (void)state;
    for (unsigned at = 0; at < 8; ++at) {
        for (unsigned byte = 0; byte < 256; ++byte) {
            unsigned char bytes[8] = {0x01, 0x9a, 0xbc, 0xde, 0xf0, 0x23, 0x45, 0x67};
            char expected[17], found[17] = "";
            bytes[at] = (unsigned char)byte;
            for (size_t i = 0; i < sizeof(bytes); ++i)
                snprintf(expected + 2 * i, 3, "%02x", bytes[i]);
            bytes_put_hex_of(bytes, found);
            assert_string_equal(found, expected);
        }
    }
}

static void what_texts_share_is_counted(void **state)
{
    enum { LONGEST = 20 };
    char a[LONGEST], b[LONGEST];
    (void)state;
    for (size_t size = 0; size <= LONGEST; ++size) {
        for (size_t at = 0; at < LONGEST; ++at) {
            memset(a, 'x', LONGEST);
            memset(b, 'x', LONGEST);
            b[at] = (char)0xf8;
            assert_int_equal(text_shared(text_slice(a, size), text_slice(b, LONGEST)), at < size ? at : size);
        }
    }
}

static void a_few_bytes_are_copied_and_no_more(void **state)
{
    enum { LONGEST = 70 };
    char from[LONGEST];
    (void)state;
    for (size_t i = 0; i < LONGEST; ++i)
        from[i] = (char)('0' + i);
    for (size_t size = 0; size <= LONGEST; ++size) {
        char to[LONGEST + 2];
        memset(to, 'x', sizeof(to));
        char *end = bytes_put(to + 1, from, size);
        assert_ptr_equal(end, to + 1 + size);
        assert_memory_equal(to + 1, from, size);
        assert_true(to[0] == 'x' && to[size + 1] == 'x');
    }
}

static void bytes_are_found_in_a_block(void **state)
{
    char block[BYTES_BLOCK];
    (void)state;
    for (unsigned at = 0; at < BYTES_BLOCK; ++at) {
        for (unsigned other = 0; other < 256; ++other) {
            memset(block, (int)other, sizeof(block));
            block[at] = '\n';
            block[BYTES_BLOCK - 1 - at] = '\n';
            uint64_t all = other == '\n' ? UINT64_MAX : UINT64_C(1) << at | UINT64_C(1) << (BYTES_BLOCK - 1 - at);
            assert_true(bytes_where(block, '\n') == all && bytes_where_portable(block, '\n') == all);
        }
    }
}

static void bytes_that_are_not_printable_are_found_in_a_block(void **state)
{
    char block[BYTES_BLOCK];
    (void)state;
    for (unsigned at = 0; at < BYTES_BLOCK; ++at) {
        for (unsigned byte = 0; byte < 256; ++byte) {
            memset(block, '~', sizeof(block));
            block[BYTES_BLOCK - 1 - at] = ' ';
            block[at] = (char)byte;
            uint64_t all = (uint64_t)(byte < 0x20 || byte > 0x7e) << at;
            assert_true(bytes_where_odd(block) == all && bytes_where_odd_portable(block) == all);
        }
    }
}

static void the_start_of_a_word_is_measured(void **state)
{
    char bytes[BYTES_SPAN];
    (void)state;
    for (unsigned at = 0; at < BYTES_SPAN; ++at) {
        for (unsigned byte = 0; byte < 256; ++byte) {
            memset(bytes, (int)byte, sizeof(bytes));
            memset(bytes, 'z', at);
            bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
            bool word = letter || (byte >= '0' && byte <= '9') || byte == '-';
            bool visible = byte > 0x20 && byte < 0x7f;
            assert_int_equal(bytes_is_word((char)byte), word);
            assert_int_equal(bytes_span_word(bytes), word ? BYTES_SPAN : at);
            assert_int_equal(bytes_span_word_portable(bytes), word ? BYTES_SPAN : at);
            assert_int_equal(bytes_span_visible(bytes), visible ? BYTES_SPAN : at);
            assert_int_equal(bytes_span_visible_portable(bytes), visible ? BYTES_SPAN : at);
        }
    }
}

static void eight_bytes_compare_but_for_case(void **state)
{
    static const char name[] = "c-l09z.:";
    (void)state;
    for (unsigned at = 0; at < 8; ++at) {
        for (unsigned byte = 0; byte < 256; ++byte) {
            char bytes[8];
            memcpy(bytes, name, sizeof(bytes));
            bytes[at] = (char)byte;
            bool letter = name[at] >= 'a' && name[at] <= 'z';
            bool same = bytes[at] == name[at] || (letter && text_lower(bytes[at]) == name[at]);
            assert_int_equal(bytes_same_fold(bytes, name), same);
        }
    }
}

static void numbers_are_bounded(void **state)
{
    uint64_t number = 0;
    (void)state;
    assert_true(text_to_number(TEXT("0"), 0, &number));
    assert_true(text_to_number(TEXT("65535"), 65535, &number));
    assert_int_equal(number, 65535);
    assert_false(text_to_number(TEXT("65536"), 65535, &number));
    assert_true(text_to_number(TEXT("18446744073709551615"), UINT64_MAX, &number));
    assert_true(number == UINT64_MAX);
    assert_false(text_to_number(TEXT("18446744073709551616"), UINT64_MAX, &number));
    assert_false(text_to_number(TEXT("99999999999999999999999"), UINT64_MAX, &number));
    assert_false(text_to_number(TEXT("7"), 5, &number));
    assert_false(text_to_number(TEXT(""), 5, &number));
    assert_false(text_to_number(TEXT("-1"), 5, &number));
    assert_false(text_to_number(TEXT("1 "), 5, &number));
}

static void texts_are_cut_between_characters(void **state)
{
    (void)state;
    assert_text(text_cut(TEXT("abc"), 3), "abc");
    assert_text(text_cut(TEXT("abc"), 2), "ab");
    assert_text(text_cut(TEXT("a\xf0\x9f\x9a\xa2z"), 5), "a\xf0\x9f\x9a\xa2");
    for (size_t size = 1; size < 5; ++size)
        assert_text(text_cut(TEXT("a\xf0\x9f\x9a\xa2z"), size), "a");
    assert_text(text_cut(TEXT("\xc3\xa9"), 1), "");
}

static void texts_compare_by_bytes(void **state)
{
    (void)state;
    assert_true(text_compare(TEXT("a"), TEXT("b")) < 0);
    assert_true(text_compare(TEXT("a"), TEXT("aa")) < 0);
    assert_true(text_compare(TEXT("\xff"), TEXT("a")) > 0);
    assert_int_equal(text_compare(TEXT(""), (struct text){0}), 0);
    assert_true(text_equal_fold(TEXT("ACME-x"), TEXT("acme-X")));
    assert_false(text_equal_fold(TEXT("\xc3\x84"), TEXT("\xc3\xa4")));
    assert_text(text_trim(TEXT(" \t a b \t")), "a b");
    assert_text(text_trim(TEXT("   ")), "");
    assert_true(text_ends(TEXT("x.example"), TEXT(".example")));
    assert_false(text_ends(TEXT("ple"), TEXT(".example")));
}

static void a_message_is_one_line(void **state)
{
    struct error error;
    (void)state;
    assert_false(error_set(&error, ERROR_INPUT, "file %s", "a\nb\x1b[31m"));
    assert_string_equal(error.message, "file a\\x0ab\\x1b[31m");
    assert_int_equal(error_exit_status(&error), 2);
    assert_false(error_set_errno(&error, ERROR_FAILED, 2, "cannot open %s", "x"));
    assert_string_equal(error.message, "cannot open x: No such file or directory");
    assert_int_equal(error_exit_status(&error), 1);
}

static void an_arena_gives_aligned_memory(void **state)
{
    struct arena *arena = arena_new();
    struct memory memory = arena_memory(arena);
    (void)state;
    for (size_t size = 0; size < 40000; size = size * 2 + 1) {
        char *at = memory.allocate(memory.context, size);
        assert_int_equal((uintptr_t)at % _Alignof(max_align_t), 0);
        memset(at, 0x5a, size);
    }
    arena_free(arena);
    arena_free(NULL);
}

/* The vectors of FNV's authors. */
static void fingerprints(void **state)
{
    (void)state;
    assert_true(text_fingerprint(TEXT(""), TEXT_FINGERPRINT_START) == UINT64_C(0xcbf29ce484222325));
    assert_true(text_fingerprint(TEXT("a"), TEXT_FINGERPRINT_START) == UINT64_C(0xaf63dc4c8601ec8c));
    uint64_t foo = text_fingerprint(TEXT("foo"), TEXT_FINGERPRINT_START);
    assert_true(text_fingerprint(TEXT("bar"), foo) == UINT64_C(0x85944171f73967e8));
    assert_true(text_fingerprint(TEXT("\xff"), foo) != text_fingerprint(TEXT("\x7f"), foo));
}

static void texts_are_joined(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const struct text parts[] = {TEXT("sso"), (struct text){0}, TEXT("-"), TEXT("ferry")};
    assert_text(text_join(parts, 4, arena_memory(arena)), "sso-ferry");
    assert_int_equal(text_join(parts, 0, arena_memory(arena)).size, 0);
    arena_free(arena);
}

static void hidden_characters(void **state)
{
    static const char *const hidden[] = {"\xc2\xa0",     "\xc2\xad",         "\xd8\x9c",         "\xe2\x80\x8b",
                                         "\xe2\x80\xae", "\xe2\x81\xa0",     "\xe3\x85\xa4",     "\xef\xbb\xbf",
                                         "\xef\xbf\xbf", "\xf3\xa0\x81\xbf", "\xe1\x9a\x80",     "\xe2\xa0\x80",
                                         "\xe3\x80\x80", "\xef\xb8\x8f",     "\xf3\xa0\x84\x80", "\xf3\xa0\x87\xaf"};
    static const char *const seen[] = {"",
                                       " acme ",
                                       "\xc3\xa9",
                                       "\xe2\x80\x90",
                                       "\xe2\x82\xac",
                                       "\xe6\x97\xa5\xe6\x9c\xac",
                                       "\xef\xbb\xbc",
                                       "\xf0\x9f\x9a\xa2",
                                       "\xf3\xa0\x82\x80",
                                       "\xe2\xa0\x81",
                                       "\xe3\x80\x81",
                                       "\xef\xb8\x90",
                                       "\xf3\xa0\x87\xb0",
                                       "\xc2\xa1"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(hidden); i++) {
        char text[16];
        assert_true(text_has_hidden(text_of(hidden[i])));
        snprintf(text, sizeof text, "ab%sc", hidden[i]);
        assert_true(text_has_hidden(text_of(text)));
    }
    for (size_t i = 0; i < COUNT_OF(seen); i++)
        assert_false(text_has_hidden(text_of(seen[i])));
    char *cut = malloc(2); /* so that a sanitizer sees what is read behind it */
    assert_non_null(cut);
    memcpy(cut, "a\xf3", 2);
    (void)text_has_hidden(text_slice(cut, 2));
    free(cut);
    size_t at = 1;
    assert_int_equal(text_character(TEXT("a\xf0\x9f\x9a\xa2z"), &at), 0x1f6a2);
    assert_int_equal(at, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percent_decoding_is_done_once_and_strictly),
        cmocka_unit_test(decoding_in_place_works),
        cmocka_unit_test(utf8_is_checked_as_rfc_3629_has_it),
        cmocka_unit_test(a_bad_byte_is_seen_wherever_it_stands),
        cmocka_unit_test(control_characters_are_seen),
        cmocka_unit_test(what_cannot_be_seen_is_spelled),
        cmocka_unit_test(each_byte_is_seen_at_each_place),
        cmocka_unit_test(numbers_are_written_in_hexadecimal),
        cmocka_unit_test(eight_bytes_are_written_in_hexadecimal),
        cmocka_unit_test(what_texts_share_is_counted),
        cmocka_unit_test(a_few_bytes_are_copied_and_no_more),
        cmocka_unit_test(bytes_are_found_in_a_block),
        cmocka_unit_test(bytes_that_are_not_printable_are_found_in_a_block),
        cmocka_unit_test(the_start_of_a_word_is_measured),
        cmocka_unit_test(eight_bytes_compare_but_for_case),
        cmocka_unit_test(numbers_are_bounded),
        cmocka_unit_test(texts_are_cut_between_characters),
        cmocka_unit_test(texts_compare_by_bytes),
        cmocka_unit_test(texts_are_joined),
        cmocka_unit_test(hidden_characters),
        cmocka_unit_test(fingerprints),
        cmocka_unit_test(a_message_is_one_line),
        cmocka_unit_test(an_arena_gives_aligned_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
