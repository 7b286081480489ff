/* A directory of a test's own, gone when the test is done. */
#ifndef SSOFERRY_TESTS_SCRATCH_H
#define SSOFERRY_TESTS_SCRATCH_H

#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

struct scratch {
    char *directory;
    char paths[8][160]; /* that scratch_path() gave last */
    unsigned next;
};

static inline int scratch_setup(void **state)
{
    struct scratch *scratch = calloc(1, sizeof *scratch);
    if (scratch == NULL)
        return -1;
    *state = scratch;
    scratch->directory = strdup("/tmp/ssoferry-test-XXXXXX");
    return scratch->directory == NULL || mkdtemp(scratch->directory) == NULL;
}

static inline int scratch_remove(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st;
    (void)type;
    (void)walk;
    return remove(path);
}

static inline int scratch_teardown(void **state)
{
    struct scratch *scratch = *state;
    int failed = nftw(scratch->directory, scratch_remove, 16, FTW_DEPTH | FTW_PHYS);
    free(scratch->directory);
    free(scratch);
    return failed;
}

/* The path of a file in it; good for the next seven calls. */
static inline const char *scratch_path(struct scratch *scratch, const char *name)
{
    char *path = scratch->paths[scratch->next++ % 8];
    snprintf(path, sizeof scratch->paths[0], "%s/%s", scratch->directory, name);
    return path;
}

static inline void scratch_write(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* A whole file, NUL behind it; to be freed. */
static inline char *scratch_read(const char *path, size_t *size)
{
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    bytes[*size] = '\0';
    fclose(file);
    return bytes;
}

/* How many files there are whose names begin with `path`, and go on as the pattern says. */
static inline size_t scratch_count(const char *path, const char *pattern)
{
    char whole[256];
    glob_t found;
    snprintf(whole, sizeof whole, "%s%s", path, pattern);
    int result = glob(whole, GLOB_NOSORT, NULL, &found);
    size_t count = result == 0 ? found.gl_pathc : 0;
    assert_true(result == 0 || result == GLOB_NOMATCH);
    globfree(&found);
    return count;
}

/* Whether a file shows how much room the disk keeps for it: there are file systems that keep none, or that compress. */
static inline bool scratch_shows_room(struct scratch *scratch)
{
    struct stat status;
    const off_t size = 65536;
    const char *path = scratch_path(scratch, "room");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    bool shown = fallocate(fd, 0, 0, size) == 0 && fstat(fd, &status) == 0 && status.st_blocks * 512 >= size;
    close(fd);
    assert_int_equal(unlink(path), 0);
    return shown;
}

#define scratch_test(function) cmocka_unit_test_setup_teardown(function, scratch_setup, scratch_teardown)

#endif
