#include <stdlib.h>

#include "check.h"
#include "ssoferry/shell_word.h"

static void assert_word(struct text name, const char *wanted)
{
    char *word = shell_word(name);
    assert_string_equal(word, wanted);
    free(word);
}

static void words(void **state)
{
    (void)state;
    assert_word(TEXT("acme"), "acme");
    assert_word(TEXT("/var/lib/ssoferry/connections.mdb"), "/var/lib/ssoferry/connections.mdb");
    assert_word(TEXT(""), "''");
    assert_word(TEXT("Acme Inc"), "'Acme Inc'");
    assert_word(TEXT("z\xc3\xbcrich"), "'z\xc3\xbcrich'");
    assert_word(TEXT("it's"), "'it'\\''s'");
    assert_word(TEXT("'"), "''\\'''");
    assert_word(TEXT("a\\x20"), "'a\\x20'");
    assert_word(TEXT("$(x)`y`!*?~#"), "'$(x)`y`!*?~#'");
    assert_word(TEXT("=a"), "'=a'"); /* a command's place to zsh */
}

static void what_cannot_be_seen(void **state)
{
    (void)state;
    assert_word(TEXT(" "), "$'\\x20'");
    assert_word(TEXT(" a b "), "$'\\x20a b\\x20'");
    assert_word(TEXT("a\xe2\x80\x8b'\\"), "$'a\\xe2\\x80\\x8b\\'\\\\'");
    assert_word(TEXT("a\n\x7f"), "$'a\\x0a\\x7f'");
    assert_word(TEXT("a\xff\xc3"), "$'a\\xff\\xc3'"); /* not UTF-8, as a path may be */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words),
        cmocka_unit_test(what_cannot_be_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
