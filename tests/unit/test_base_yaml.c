#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "ssoferry/memory.h"
#include "ssoferry/yaml.h"

/* The nodes of a file as one line of words: `{` and `[` open, `}` closes both, scalars are themselves, in quotes where
 * they were quoted. */
static void append_node(char *out, size_t room, const struct yaml_node *node, bool places)
{
    static const char *const marks[] = {[YAML_MAPPING] = "{", [YAML_SEQUENCE] = "[", [YAML_CLOSE] = "}"};
    size_t used = strlen(out);
    if (node->kind == YAML_SCALAR)
        snprintf(out + used, room - used, node->plain ? "%.*s" : "\"%.*s\"", TEXT_ARGS(node->value));
    else if (node->kind != YAML_END)
        snprintf(out + used, room - used, "%s", marks[node->kind]);
    used = strlen(out);
    if (places && node->kind != YAML_END)
        snprintf(out + used, room - used, "@%u:%u+%u", node->line, node->column, node->length);
    used = strlen(out);
    snprintf(out + used, room - used, node->kind == YAML_END ? "" : " ");
}

struct reading {
    char nodes[4096];
    char faults[8192];
    bool broken;
    char sha256[65];
};

static void read_all(const char *path, bool places, struct reading *reading)
{
    struct error error = {0};
    struct yaml *yaml = NULL;
    struct yaml_node node;
    struct faults *faults = faults_new();
    memset(reading, 0, sizeof *reading);
    if (!yaml_open(&yaml, path, faults, &error))
        fail_msg("%s", error.message);
    do {
        yaml_next(yaml, &node);
        append_node(reading->nodes, sizeof reading->nodes, &node, places);
    } while (node.kind != YAML_END);
    yaml_next(yaml, &node);
    assert_int_equal(node.kind, YAML_END); /* from then on */
    reading->broken = yaml_broken(yaml);
    assert_true(yaml_sha256(yaml, reading->sha256, &error));
    yaml_close(yaml);
    FILE *out = fmemopen(reading->faults, sizeof reading->faults, "w");
    assert_non_null(out);
    faults_write(faults, out);
    fclose(out);
    faults_free(faults);
}

static const struct {
    const char *yaml, *nodes;
} good[] = {
    {"", ""},
    {"# only a word\n", ""},
    {"---\n", " "},
    {"a: b\n", "{ a b } "},
    {"a: b", "{ a b } "},
    {"a:\n", "{ a  } "},
    {"a: 'b'\nc: \"d\\u00e9\"\n", "{ a \"b\" c \"d\xc3\xa9\" } "},
    {"0123: yes\n~: null\n1e3: \"\"\n", "{ 0123 yes ~ null 1e3 \"\" } "},
    {"a: {b: c, d: [e, f]}\n", "{ a { b c d [ e f } } } "},
    {"a:\n- b\n-   - c\n", "{ a [ b [ c } } } "},
    {"? a\n: b\n", "{ a b } "},
    {"a: |\n  x\n  y\n", "{ a \"x\ny\n\" } "},
    {"a: b\n...\n", "{ a b } "},
    {"%YAML 1.1\n---\na: b\n", "{ a b } "},
    {"\xef\xbb\xbf"
     "a: b\n",
     "{ a b } "},
    {"a: b\r\nc: d\r\n", "{ a b c d } "},
    {"'<<': x\n", "{ \"<<\" x } "},
};

static void nodes(void **state)
{
    const char *path = scratch_path(*state, "y");
    struct reading reading;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        scratch_write(path, good[i].yaml, strlen(good[i].yaml));
        read_all(path, false, &reading);
        assert_string_equal(reading.nodes, good[i].nodes);
        assert_string_equal(reading.faults, "");
        assert_false(reading.broken);
    }
}

static void places(void **state)
{
    const char *path = scratch_path(*state, "y");
    struct reading reading;
    const char text[] =
        "version: 1\n\xc3\xa9l\xc3\xa8ve: \"\xf0\x9f\x98\x80\" # x\n  \nm:\n  - ab\n  - {c: d}\n  - \"e\n    f\"\n";
    scratch_write(path, text, sizeof text - 1);
    read_all(path, true, &reading);
    assert_string_equal(
        reading.nodes,
        "{@1:1+1 version@1:1+7 1@1:10+1 \xc3\xa9l\xc3\xa8ve@2:1+5 \"\xf0\x9f\x98\x80\"@2:8+3 m@4:1+1 [@5:3+1 "
        "ab@5:5+2 {@6:5+1 c@6:6+1 d@6:9+1 }@6:10+1 \"e f\"@7:5+1 }@9:1+1 }@9:1+1 ");
}

#define HIDDEN(number)                                                                                                 \
    "this is a line break that most editors do not show (U+" number "): leave it out, or write it as an escape in "    \
    "double quotes"

/* What is wrong, each alone in a file; `faults` is what is shown, "F" standing for the path. */
static const struct {
    const char *yaml;
    const char *nodes;
    bool broken;
    const char *faults;
} bad[] = {
    {"a: b\n c: d\n", "{ a b c ", true,
     "F:2:3: error: a ': ' cannot be here: check the indentation, or put the value in quotes\n     c: d\n      "
     "^\n"},
    {"a: b: c\n", "{ a b ", true,
     "F:1:5: error: a ': ' cannot be here: check the indentation, or put the value in quotes\n    a: b: c\n        "
     "^\n"},
    {"a:\n\tb: c\n", "{ a ", true, "F:2:1: error: a tab cannot indent: use spaces\n     b: c\n    ^\n"},
    {"a: @b\n", "{ a ", true,
     "F:1:4: error: a value cannot start with this character: put the value in quotes\n    a: @b\n       ^\n"},
    {"a: `b`\n", "{ a ", true,
     "F:1:4: error: a value cannot start with this character: put the value in quotes\n    a: `b`\n       ^\n"},
    {"a: b\nfoo\nc: d\n", "{ a b ", true,
     "F:2:1: error: this is not a key: a ':' and a space must follow it on the same line\n    foo\n    ^\n"},
    {"a: \"b\n", "{ a ", true, "F:1:4: error: the quotes that open here are never closed\n    a: \"b\n       ^\n"},
    {"a: 'b\n---\n", "{ a ", true,
     "F:1:4: error: the quotes that open here are not closed before the next '---' or '...'\n    a: 'b\n       ^\n"},
    {"a: \"\\q\"\n", "{ a ", true,
     "F:1:5: error: there is no such escape: write '\\\\' for a backslash, or use single quotes\n    a: \"\\q\"\n      "
     "  ^\n"},
    {"a: \"\\u12\"\n", "{ a ", true,
     "F:1:7: error: this escape needs hexadecimal digits: 2 after \\x, 4 after \\u, 8 after \\U\n    a: \"\\u12\"\n "
     "         ^\n"},
    {"a: \"\\ud800\"\n", "{ a ", true,
     "F:1:7: error: this escape stands for no character\n    a: \"\\ud800\"\n          ^\n"},
    {"a: [b, c\n", "{ a [ b c ", true, "F:2:1: error: a ',' or ']' is missing here\n    \n    ^\n"},
    {"a: {b: c\n", "{ a { b c ", true, "F:2:1: error: a ',' or '}' is missing here\n    \n    ^\n"},
    {"a: {b: /c/{d}, e: f}\n", "{ a { b /c/ ", true,
     "F:1:11: error: a value with braces or brackets in it has to stand in quotes here\n    a: {b: /c/{d}, e: f}\n"
     "              ^\n"},
    {"a: [/b[c]]\n", "{ a [ /b ", true,
     "F:1:7: error: a value with braces or brackets in it has to stand in quotes here\n    a: [/b[c]]\n          ^\n"},
    {"a: {b: {c: d} {e}}\n", "{ a { b { c d } ", true,
     "F:1:15: error: a ',' or '}' is missing here\n    a: {b: {c: d} {e}}\n                  ^\n"},
    {"a: \"b\" c\n", "{ a \"b\" ", true,
     "F:1:8: error: a key was expected here, indented like the keys before it\n    a: \"b\" c\n           ^\n"},
    {"  a: b\n c: d\n", "{ a b } ", true,
     "F:2:2: error: the file is one mapping, and this is not part of it: check the indentation\n     c: d\n     ^\n"},
    {"a: - b\n", "{ a ", true, "F:1:4: error: a '- ' cannot be here: check the indentation\n    a: - b\n       ^\n"},
    {"- a\nb: c\n", "[ a ", true,
     "F:2:1: error: a '- ' is missing here, or the indentation is wrong\n    b: c\n    ^\n"},
    {"a: b\n]\n", "{ a b ", true,
     "F:2:1: error: a key was expected here, indented like the keys before it\n    ]\n    ^\n"},
    {"[a]\nb\n", "[ a } ", true,
     "F:2:1: error: the file is one mapping, and this is not part of it: check the indentation\n    b\n    ^\n"},
    {"a: b\n--- \nc: d\n", "{ a b } ", false,
     "F:2:1: error: a second document starts here: a file holds one\n    --- \n    ^~~\n"},
    {"a: b\n---\n", "{ a b } ", false,
     "F:2:1: error: a second document starts here: a file holds one\n    ---\n    ^~~\n"},
    {"%YAML 3.0\n---\na: b\n", "", true,
     "F:1:1: error: YAML 1.1 and 1.2 are read, no other version\n    %YAML 3.0\n    ^\n"},
    {"a: &x b\nc: *x\n", "{ a b c \"\" } ", false,
     "F:1:4: error: anchors are not supported: write the value out where it is used\n    a: &x b\n       ^~~~\n"
     "F:2:4: error: aliases are not supported: write the value out\n    c: *x\n       ^~\n"},
    {"a: !!str b\nc: !x {}\nd: !!seq []\n", "{ a b c { } d [ } } ", false,
     "F:1:4: error: tags are not supported: leave it out\n    a: !!str b\n       ^~~~~~~\n"
     "F:2:4: error: tags are not supported: leave it out\n    c: !x {}\n       ^~~~\n"
     "F:3:4: error: tags are not supported: leave it out\n    d: !!seq []\n       ^~~~~~~\n"},
    {"a: !q!x b\n", "{ a ", true, "F:1:4: error: tags are not supported: leave it out\n    a: !q!x b\n       ^\n"},
    {"a: &x {}\n*x : b\n", "{ a { } \"\" b } ", false,
     "F:1:4: error: anchors are not supported: write the value out where it is used\n    a: &x {}\n       ^~~~\n"
     "F:2:1: error: aliases are not supported: write the value out\n    *x : b\n    ^~\n"},
    {"a: b\nc: \xff\n", "", true, "F:2:4: error: this is not UTF-8: save the file as UTF-8\n    c: ?\n       ^\n"},
    {"\xc3\xa9: \xc3\n", "", true,
     "F:1:4: error: this is not UTF-8: save the file as UTF-8\n    \xc3\xa9: ?\n       ^\n"},
    {"a: \xf0\x9f\x98x\n", "", true, "F:1:4: error: this is not UTF-8: save the file as UTF-8\n    a: ?x\n       ^\n"},
    {"a: b\xe2\x80", "", true, "F:1:5: error: this is not UTF-8: save the file as UTF-8\n    a: b?\n        ^\n"},
    {"a: \xed\xa0\x80\n", "", true, "F:1:4: error: this is not UTF-8: save the file as UTF-8\n    a: ?\n       ^\n"},
    {"a: \x01\n", "", true,
     "F:1:4: error: a control character is not allowed here: write it as an escape in double quotes\n    a: ?\n   "
     "    ^\n"},
    {"a:\r\n b\n\r\n\rc: \x01\n", "", true,
     "F:5:4: error: a control character is not allowed here: write it as an escape in double quotes\n    c: ?\n   "
     "    ^\n"},
    {"\xef\xbb\xbf"
     "a: \x01\n",
     "", true,
     "F:1:4: error: a control character is not allowed here: write it as an escape in double quotes\n    a: ?\n   "
     "    ^\n"},
    {"a: b # c\xc2\x85"
     "d: e\n",
     "", true, "F:1:9: error: " HIDDEN("0085") "\n    a: b # c?d: e\n            ^\n"},
    {"a: b\n# \xc3\xa8\xe2\x80\xa8"
     "c: d\n# \xe2\x80\xa9\n",
     "", true, "F:2:4: error: " HIDDEN("2028") "\n    # \xc3\xa8?c: d\n       ^\n"},
    {"a: 'b\xe2\x80\xa9'\n", "", true, "F:1:6: error: " HIDDEN("2029") "\n    a: 'b?'\n         ^\n"},
    {"\xff\xfe"
     "a",
     "", true, "F:1:1: error: this is UTF-16: save the file as UTF-8\n    ??a\n    ^\n"},
};

static void what_is_wrong(void **state)
{
    const char *path = scratch_path(*state, "F");
    struct reading reading;
    char home[128];
    /* so that the path is "F" */
    assert_non_null(getcwd(home, sizeof home));
    assert_int_equal(chdir(((struct scratch *)*state)->directory), 0);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        scratch_write(path, bad[i].yaml, strlen(bad[i].yaml));
        read_all("F", false, &reading);
        if (strcmp(reading.nodes, bad[i].nodes) != 0 || strcmp(reading.faults, bad[i].faults) != 0 ||
            reading.broken != bad[i].broken)
            fail_msg("%s: got:\n%s\n%s(%s) expected:\n%s\n%s", bad[i].yaml, reading.nodes, reading.faults,
                     reading.broken ? "broken" : "whole", bad[i].nodes, bad[i].faults);
    }
    assert_int_equal(chdir(home), 0);
}

/* libyaml reads 16 KiB at a time; wherever such a line break lies, it is found. */
static void hidden_line_breaks_are_found_at_every_place(void **state)
{
    enum { AROUND = 16384, SIZE = AROUND + 64 };
    static const char *const breaks[] = {"\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9"};
    const char *path = scratch_path(*state, "y");
    char text[SIZE];
    struct reading reading;
    for (size_t at = AROUND - 4; at < AROUND + 4; at++) {
        for (size_t i = 0; i < COUNT_OF(breaks); i++) {
            memset(text, 'x', sizeof text);
            memcpy(text, "a: b\n# ", 7);
            memcpy(text + at, breaks[i], strlen(breaks[i]));
            scratch_write(path, text, sizeof text);
            read_all(path, false, &reading);
            if (!reading.broken || strstr(reading.faults, "most editors do not show") == NULL)
                fail_msg("not found at %zu: %zu", at, i);
        }
    }
    memset(text, 'x', sizeof text); /* what is alike is no line break */
    memcpy(text, "a: b\n# \xe2\x80\xa7\xc3\x85\xe2\x81\xa8\xc2\xa8", 17);
    scratch_write(path, text, sizeof text);
    read_all(path, false, &reading);
    assert_false(reading.broken);
}

static void alias_is_marked(void **state)
{
    const char *path = scratch_path(*state, "y");
    struct error error = {0};
    struct yaml *yaml = NULL;
    struct yaml_node node;
    struct faults *faults = faults_new();
    scratch_write(path, "a: *x\n", 6);
    assert_true(yaml_open(&yaml, path, faults, &error));
    for (unsigned i = 0; i < 3; i++) {
        yaml_next(yaml, &node);
        assert_int_equal(node.refused, i == 2);
    }
    assert_int_equal(node.value.size, 0);
    assert_int_equal(faults_errors(faults), 1);
    yaml_fault(yaml, &node, "what an alias stands for is not known, so nothing else is wrong with it");
    yaml_warning(yaml, &node, "nor doubtful");
    assert_int_equal(faults_errors(faults), 1);
    assert_int_equal(faults_warnings(faults), 0);
    yaml_close(yaml);
    faults_free(faults);
}

static void skips(void **state)
{
    const char *path = scratch_path(*state, "y");
    struct error error = {0};
    struct yaml *yaml = NULL;
    struct yaml_node node;
    struct faults *faults = faults_new();
    const char text[] = "a: {b: [c, {d: e}], f: g}\nh: i\n";
    scratch_write(path, text, sizeof text - 1);
    assert_true(yaml_open(&yaml, path, faults, &error));
    for (unsigned i = 0; i < 3; i++)
        yaml_next(yaml, &node); /* {, a, { */
    yaml_skip(yaml, &node);
    yaml_next(yaml, &node);
    assert_text(node.value, "h");
    yaml_skip(yaml, &node); /* nothing to skip behind a scalar */
    yaml_next(yaml, &node);
    assert_text(node.value, "i");
    yaml_fault(yaml, &node, "not %s", "this");
    yaml_warning(yaml, &node, "hm");
    assert_int_equal(faults_errors(faults), 1);
    assert_int_equal(faults_warnings(faults), 1);
    assert_int_equal(yaml_file(yaml), 0);
    assert_string_equal(yaml_path(yaml), path);
    yaml_close(yaml);
    yaml_close(NULL);
    /* one that breaks off in the middle */
    scratch_write(path, "a: [b, {c: d\n", 13);
    assert_true(yaml_open(&yaml, path, faults, &error));
    yaml_next(yaml, &node);
    yaml_skip(yaml, &node);
    yaml_next(yaml, &node);
    assert_int_equal(node.kind, YAML_END);
    assert_true(yaml_broken(yaml));
    yaml_close(yaml);
    faults_free(faults);
}

/* Writes so many opening brackets, then as many closing ones where the file is to be whole, and reads it. */
static void read_brackets(const char *path, size_t count, bool closed, struct reading *reading)
{
    char *text = memory_allocate(2 * count);
    memset(text, '[', count);
    memset(text + count, ']', count);
    scratch_write(path, text, closed ? 2 * count : count);
    free(text);
    read_all(path, false, reading);
}

/* libyaml's time grows with the square of the depth: a MiB of brackets took a quarter of an hour. */
static void depth_is_bounded(void **state)
{
    const char *path = scratch_path(*state, "y");
    static const char fault[] =
        ":1:65: error: this is inside 64 other mappings and lists: is a bracket never closed?\n";
    struct reading reading;
    read_brackets(path, 64, true, &reading);
    assert_string_equal(reading.faults, "");
    assert_false(reading.broken);
    read_brackets(path, 65, true, &reading);
    assert_non_null(strstr(reading.faults, fault));
    assert_true(reading.broken);
    read_brackets(path, 100000, false, &reading);
    assert_non_null(strstr(reading.faults, fault));
    assert_true(reading.broken);
}

static void read_directives(const char *path, unsigned count, const char *line_break, struct reading *reading)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    for (unsigned i = 0; i < count; ++i)
        fprintf(file, "%%TAG !a%u! x%s", i, line_break);
    fprintf(file, "---%sa: b%%%s", line_break, line_break);
    fclose(file);
    read_all(path, false, reading);
}

/* libyaml's time grows with the square of their number, too: 40,000 of them took six seconds. */
static void directives_are_bounded(void **state)
{
    const char *path = scratch_path(*state, "y");
    static const char *const breaks[] = {"\n", "\r\n", "\r"};
    struct reading reading;
    for (size_t i = 0; i < COUNT_OF(breaks); ++i) {
        read_directives(path, 100, breaks[i], &reading);
        assert_string_equal(reading.faults, "");
        read_directives(path, 101, breaks[i], &reading);
        assert_non_null(strstr(reading.faults, "y: error: more than 100 lines begin with '%', as directives do"));
        assert_true(reading.broken);
        read_directives(path, 5000, breaks[i], &reading); /* more than is read at a time */
        assert_non_null(strstr(reading.faults, "begin with '%'"));
    }
}

/* Elsewhere it is a character like others. */
static void percent_signs_are_not_bounded(void **state)
{
    const char *path = scratch_path(*state, "y");
    struct reading reading;
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fprintf(file, "a: '");
    for (unsigned i = 0; i < 4 << 20; ++i) /* more than a hundred times what is read at a time */
        putc('%', file);
    fprintf(file, "'\n");
    fclose(file);
    read_all(path, false, &reading);
    assert_string_equal(reading.faults, "");
    assert_false(reading.broken);
}

/* -- bytes -- */

static void digests(void **state)
{
    const char *path = scratch_path(*state, "y");
    struct reading reading;
    scratch_write(path, "", 0);
    read_all(path, false, &reading);
    assert_string_equal(reading.sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    scratch_write(path, "abc", 3);
    read_all(path, false, &reading);
    assert_string_equal(reading.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    /* also of what a fault left unread */
    static char million[1000000];
    memset(million, 'a', sizeof million);
    million[0] = '@';
    scratch_write(path, million, sizeof million);
    read_all(path, false, &reading);
    assert_true(reading.broken);
    assert_string_equal(reading.sha256, "48a06ffa02fa4c850729e7ac49b3c16e53cb0e10651811372301e94c4e20cfe8");
}

static void progress(void **state)
{
    const char *path = scratch_path(*state, "y");
    struct error error = {0};
    struct yaml *yaml = NULL;
    struct yaml_node node;
    struct faults *faults = faults_new();
    uint64_t read_so_far = 9, total = 9;
    scratch_write(path, "a: b\n", 5);
    assert_true(yaml_open(&yaml, path, faults, &error));
    yaml_progress(yaml, &read_so_far, &total);
    assert_int_equal(read_so_far, 0);
    assert_int_equal(total, 5);
    do
        yaml_next(yaml, &node);
    while (node.kind != YAML_END);
    yaml_progress(yaml, &read_so_far, NULL);
    yaml_progress(yaml, NULL, NULL);
    assert_int_equal(read_so_far, 5);
    yaml_close(yaml);
    faults_free(faults);
}

static void not_to_be_opened(void **state)
{
    struct scratch *scratch = *state;
    struct error error = {0};
    struct yaml *yaml = NULL;
    struct faults *faults = faults_new();
    const char *missing = scratch_path(scratch, "missing");
    assert_false(yaml_open(&yaml, missing, faults, &error));
    assert_int_equal(error.kind, ERROR_INPUT);
    assert_non_null(strstr(error.message, "missing: cannot be read: No such file or directory"));
    assert_false(yaml_open(&yaml, scratch->directory, faults, &error));
    assert_non_null(strstr(error.message, "it is a directory: name a file"));
    faults_free(faults);
}

/* Standard input and pipes cannot be read twice, and yet their lines are shown. */
static void from_a_pipe(void **state)
{
    (void)state;
    const char text[] = "a: b\n c: d\n";
    struct reading reading;
    int pipes[2], kept = dup(STDIN_FILENO);
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(write(pipes[1], text, sizeof text - 1), sizeof text - 1);
    close(pipes[1]);
    assert_int_equal(dup2(pipes[0], STDIN_FILENO), STDIN_FILENO);
    close(pipes[0]);
    read_all("-", false, &reading);
    assert_string_equal(reading.faults, "<stdin>:2:3: error: a ': ' cannot be here: check the indentation, or put "
                                        "the value in quotes\n     c: d\n      ^\n");
    dup2(kept, STDIN_FILENO);
    close(kept);
}

static void temporary_directory_is_missing(void **state)
{
    struct error error = {0};
    struct yaml *yaml = NULL;
    struct faults *faults = faults_new();
    const char *missing = scratch_path(*state, "missing");
    int pipes[2], kept = dup(STDIN_FILENO);
    assert_int_equal(pipe(pipes), 0);
    close(pipes[1]);
    assert_int_equal(dup2(pipes[0], STDIN_FILENO), STDIN_FILENO);
    close(pipes[0]);
    setenv("TMPDIR", missing, 1);
    assert_false(yaml_open(&yaml, "-", faults, &error));
    assert_int_equal(error.kind, ERROR_FAILED);
    assert_non_null(strstr(error.message, missing));
    assert_non_null(strstr(error.message, "set TMPDIR"));
    unsetenv("TMPDIR");
    dup2(kept, STDIN_FILENO);
    close(kept);
    faults_free(faults);
}

/* However many descriptors are left, a file that cannot be opened for want of them says so. */
static void too_few_descriptors(void **state)
{
    (void)state;
    struct rlimit before;
    int pipes[2], kept = dup(STDIN_FILENO);
    unsigned failures = 0;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(pipe(pipes), 0);
    close(pipes[1]);
    assert_int_equal(dup2(pipes[0], STDIN_FILENO), STDIN_FILENO);
    int next = pipes[0]; /* the lowest that is free from here on */
    close(pipes[0]);
    for (bool opened = false; !opened; next++) {
        struct error error = {0};
        struct yaml *yaml = NULL;
        struct faults *faults = faults_new();
        struct rlimit limit = {.rlim_cur = (rlim_t)next, .rlim_max = before.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
        opened = yaml_open(&yaml, "-", faults, &error);
        setrlimit(RLIMIT_NOFILE, &before);
        if (opened)
            yaml_close(yaml);
        else
            assert_non_null(strstr(error.message, strerror(EMFILE)));
        failures += !opened;
        faults_free(faults);
    }
    assert_int_equal(failures, 2); /* of the copy, and of what reads it */
    dup2(kept, STDIN_FILENO);
    close(kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(nodes),
        scratch_test(places),
        scratch_test(what_is_wrong),
        scratch_test(hidden_line_breaks_are_found_at_every_place),
        scratch_test(alias_is_marked),
        scratch_test(skips),
        scratch_test(depth_is_bounded),
        scratch_test(directives_are_bounded),
        scratch_test(percent_signs_are_not_bounded),
        scratch_test(digests),
        scratch_test(progress),
        scratch_test(not_to_be_opened),
        cmocka_unit_test(from_a_pipe),
        scratch_test(temporary_directory_is_missing),
        cmocka_unit_test(too_few_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
