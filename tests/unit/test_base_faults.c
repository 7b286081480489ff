#include "scratch.h"

#include "ssoferry/faults.h"

/* What faults_write() prints; to be freed. */
static char *written(struct faults *faults)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    faults_write(faults, out);
    fclose(out);
    return text;
}

static void expect_written(struct faults *faults, const char *expected)
{
    char *text = written(faults);
    if (strcmp(text, expected) != 0)
        fail_msg("got:\n%sexpected:\n%s", text, expected);
    free(text);
    faults_free(faults);
}

static FILE *stream_of(const char *bytes, size_t size)
{
    FILE *stream = tmpfile();
    assert_non_null(stream);
    assert_int_equal(fwrite(bytes, 1, size, stream), size);
    return stream;
}

static void nothing(void **state)
{
    (void)state;
    struct faults *faults = faults_new();
    assert_int_equal(faults_errors(faults), 0);
    assert_int_equal(faults_warnings(faults), 0);
    faults_file(faults, "a", NULL);
    expect_written(faults, "");
    faults_free(NULL);
}

static void in_order(void **state)
{
    struct scratch *scratch = *state;
    const char *path = scratch_path(scratch, "b");
    char expected[512];
    scratch_write(path, "only line", 9);
    struct faults *faults = faults_new();
    const char text[] = "first\nsecond line\nthird\n";
    unsigned a = faults_file(faults, "a", stream_of(text, sizeof text - 1)), b = faults_file(faults, path, NULL);
    faults_add(faults, FAULT_ERROR, b, 1, 6, 4, "in %s", "b");
    faults_add(faults, FAULT_ERROR, a, 3, 1, 99, "third");
    faults_add(faults, FAULT_WARNING, a, 2, 8, 4, "second");
    faults_add(faults, FAULT_ERROR, a, 2, 1, 6, "before it");
    faults_add(faults, FAULT_ERROR, a, 2, 1, 1, "at the same place, later");
    faults_add(faults, FAULT_ERROR, a, 0, 0, 0, "the whole file");
    assert_int_equal(faults_errors(faults), 5);
    assert_int_equal(faults_warnings(faults), 1);
    snprintf(expected, sizeof expected,
             "a: error: the whole file\n"
             "a:2:1: error: before it\n    second line\n    ^~~~~~\n"
             "a:2:1: error: at the same place, later\n    second line\n    ^\n"
             "a:2:8: warning: second\n    second line\n           ^~~~\n"
             "a:3:1: error: third\n    third\n    ^~~~~\n"
             "%s:1:6: error: in b\n    only line\n         ^~~~\n",
             path);
    expect_written(faults, expected);
}

static const struct {
    const char *text;
    unsigned line, column, length;
    const char *expected; /* behind the message */
} places[] = {
    {"abc", 1, 1, 1, "    abc\n    ^\n"},
    {"abc", 1, 3, 9, "    abc\n      ^\n"},
    {"abc", 1, 4, 1, "    abc\n       ^\n"}, /* behind the end */
    {"abc\n", 2, 1, 1, "    \n    ^\n"},     /* the line behind the last break */
    {"abc\n", 3, 1, 1, ""},                  /* no such line */
    {"", 1, 1, 1, "    \n    ^\n"},
    {"a\tb", 1, 3, 1, "    a b\n      ^\n"},
    {"a\x1b[0mb", 1, 6, 1, "    a?[0mb\n         ^\n"},
    {"a\x7f\x01"
     "b",
     1, 4, 1, "    a??b\n       ^\n"},
    {"\xc3\xa9=\xf0\x9f\x98\x80.", 1, 4, 1, "    \xc3\xa9=\xf0\x9f\x98\x80.\n       ^\n"},
    {"\xc2\x9b"
     "x",
     1, 2, 1, "    ?x\n     ^\n"}, /* a control character of two bytes */
    {"\xe2\x80\xae"
     "x\xe2\x81\xa6",
     1, 2, 1, "    ?x?\n     ^\n"}, /* what turns the line around */
    {"\xff\xc3x\xe2\x80", 1, 3, 1, "    ??x?\n      ^\n"},
    {"\xed\xa0\x80x", 1, 2, 1, "    ?x\n     ^\n"},
    {"\xef\xbb\xbf"
     "ab\nc",
     1, 2, 1, "    ab\n     ^\n"}, /* a byte order mark is no character of the line */
    {"a\r\nb\rc\nd", 4, 1, 1, "    d\n    ^\n"},
    {"a\r\nb\rc\nd", 3, 1, 1, "    c\n    ^\n"},
    {"a\r\nb\rc\nd", 2, 1, 1, "    b\n    ^\n"},
    {"a\xc2\x85"
     "b\xe2\x80\xa8"
     "c\xe2\x80\xa9"
     "d\n",
     1, 6, 2, "    a?b?c?d\n         ^~\n"}, /* line breaks that most editors do not show */
    {"\n\n\nx", 4, 1, 1, "    x\n    ^\n"},
};

static void lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        char expected[256];
        struct faults *faults = faults_new();
        unsigned file = faults_file(faults, "f", stream_of(places[i].text, strlen(places[i].text)));
        faults_add(faults, FAULT_ERROR, file, places[i].line, places[i].column, places[i].length, "x");
        snprintf(expected, sizeof expected, "f:%u:%u: error: x\n%s", places[i].line, places[i].column,
                 places[i].expected);
        expect_written(faults, expected);
    }
}

/* A stream that counts the bytes read from it. */
struct counted {
    char bytes[200000];
    size_t at, read;
};

static ssize_t on_read(void *cookie, char *to, size_t size)
{
    struct counted *counted = cookie;
    const size_t left = sizeof counted->bytes - counted->at;
    size = size < left ? size : left;
    memcpy(to, counted->bytes + counted->at, size);
    counted->at += size;
    counted->read += size;
    return (ssize_t)size;
}

static int on_seek(void *cookie, off64_t *offset, int whence)
{
    struct counted *counted = cookie;
    assert_int_not_equal(whence, SEEK_END);
    counted->at = (size_t)*offset + (whence == SEEK_CUR ? counted->at : 0);
    *offset = (off64_t)counted->at;
    return 0;
}

/* How many bytes are read to show a hundred faults at the end of a file whose lines have `width` bytes. */
static size_t bytes_read_for_last(unsigned width)
{
    struct counted *counted = test_malloc(sizeof *counted);
    *counted = (struct counted){.read = 0};
    for (size_t i = 0; i < sizeof counted->bytes; i++)
        counted->bytes[i] = (i + 1) % width == 0 ? '\n' : 'x';
    FILE *stream = fopencookie(counted, "r", (cookie_io_functions_t){.read = on_read, .seek = on_seek});
    assert_non_null(stream);
    struct faults *faults = faults_new();
    const unsigned file = faults_file(faults, "f", stream), all = sizeof counted->bytes;
    for (unsigned i = FAULTS_MAX; i > 0; i--)
        faults_add(faults, FAULT_ERROR, file, (all - i) / width + 1, (all - i) % width + 1, 1, "x");
    char *text = written(faults);
    assert_non_null(strstr(text, "x\n"));
    free(text);
    faults_free(faults);
    const size_t read = counted->read;
    test_free(counted);
    return read;
}

/* Otherwise a load that fails far down in a large file would take minutes to say so. */
static void reads_a_file_once(void **state)
{
    (void)state;
    const size_t file = sizeof((struct counted *)0)->bytes, around_each = 8192;
    assert_in_range(bytes_read_for_last(20), file - 20, file + FAULTS_MAX * around_each);
    assert_in_range(bytes_read_for_last(200000), file - 200, file + FAULTS_MAX * around_each);
}

static void long_lines(void **state)
{
    (void)state;
    char line[1001], expected[1024];
    for (unsigned i = 0; i < 1000; i++)
        line[i] = (char)('0' + i % 10);
    line[1000] = '\0';
    struct faults *faults = faults_new();
    unsigned file = faults_file(faults, "f", stream_of(line, 1000));
    faults_add(faults, FAULT_ERROR, file, 1, 1, 3, "start");
    faults_add(faults, FAULT_ERROR, file, 1, 500, 3, "middle");
    faults_add(faults, FAULT_ERROR, file, 1, 999, 3, "end");
    snprintf(expected, sizeof expected,
             "f:1:1: error: start\n    %.120s...\n    ^~~\n"
             "f:1:500: error: middle\n    ...%.120s...\n       %60s^~~\n"
             "f:1:999: error: end\n    ...%s\n       %60s^~\n",
             line, line + 439, "", line + 938, "");
    expect_written(faults, expected);
}

static void gone_file(void **state)
{
    const char *path = scratch_path(*state, "gone");
    char expected[256];
    struct faults *faults = faults_new();
    unsigned file = faults_file(faults, path, NULL);
    faults_add(faults, FAULT_ERROR, file, 7, 8, 1, "x");
    snprintf(expected, sizeof expected, "%s:7:8: error: x\n", path);
    expect_written(faults, expected);
}

static void messages(void **state)
{
    (void)state;
    struct faults *faults = faults_new();
    unsigned file = faults_file(faults, "f", NULL);
    faults_add(faults, FAULT_ERROR, file, 0, 0, 0, "a\nb\x1b[1m\x7f \xc3\xa9");
    faults_add(faults, FAULT_ERROR, file, 0, 0, 0,
               "\xc2\x9b"
               "1m\xe2\x80\xae \xc3\xa9\xff\xf0\x9f\x9a");
    expect_written(faults, "f: error: a?b?[1m? \xc3\xa9\nf: error: ?1m? \xc3\xa9??\n");
}

/* A file's name may hold anything; it must not pass for a line of its own. */
static void names_of_files(void **state)
{
    (void)state;
    struct faults *faults = faults_new();
    unsigned file = faults_file(faults, "a\nssoferry: error: b\x1b[1m\xc3\xa9", NULL);
    faults_add(faults, FAULT_ERROR, file, 1, 1, 1, "m");
    expect_written(faults, "a?ssoferry: error: b?[1m\xc3\xa9:1:1: error: m\n");
}

static void too_many(void **state)
{
    (void)state;
    struct faults *faults = faults_new();
    unsigned file = faults_file(faults, "f", NULL);
    for (unsigned i = 1; i <= FAULTS_MAX + 3; i++) {
        faults_add(faults, FAULT_ERROR, file, 0, 0, 0, "e%u", i);
        faults_add(faults, FAULT_WARNING, file, 0, 0, 0, "w%u", i);
    }
    faults_add(faults, FAULT_WARNING, file, 0, 0, 0, "w");
    assert_int_equal(faults_errors(faults), FAULTS_MAX + 3);
    assert_int_equal(faults_warnings(faults), FAULTS_MAX + 4);
    char *text = written(faults);
    assert_non_null(strstr(text, "f: error: e100\n"));
    assert_null(strstr(text, "e101"));
    assert_non_null(strstr(text, "f: warning: w100\n"));
    assert_non_null(strstr(text, "3 more errors are not shown\n4 more warnings are not shown\n"));
    free(text);
    faults_free(faults);

    faults = faults_new();
    file = faults_file(faults, "f", NULL);
    for (unsigned i = 1; i <= FAULTS_MAX + 1; i++)
        faults_add(faults, FAULT_ERROR, file, 0, 0, 0, "e%u", i);
    text = written(faults);
    assert_non_null(strstr(text, "1 more error is not shown\n"));
    free(text);
    faults_free(faults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing),
        scratch_test(in_order),
        cmocka_unit_test(lines),
        cmocka_unit_test(long_lines),
        cmocka_unit_test(reads_a_file_once),
        scratch_test(gone_file),
        cmocka_unit_test(messages),
        cmocka_unit_test(names_of_files),
        cmocka_unit_test(too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
