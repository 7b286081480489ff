/* For targets that read a file: provides the input as a file, and the target's own store. */
#ifndef SSOFERRY_TESTS_FUZZ_FILE_H
#define SSOFERRY_TESTS_FUZZ_FILE_H

#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "ssoferry/faults.h"
#include "ssoferry/table.h"

/* Puts `bytes` into a file in memory and returns its path, which is valid until the descriptor is closed. */
static inline int memory_file(struct text bytes, char path[64])
{
    int fd = memfd_create("input", MFD_CLOEXEC);
    MUST(fd >= 0 && write(fd, bytes.at, bytes.size) == (ssize_t)bytes.size);
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

/* Prints faults as the programs do, but discards the output. */
static inline void show_faults(struct faults *faults)
{
    char *shown = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&shown, &size);
    MUST(out != NULL);
    faults_write(faults, out);
    fclose(out);
    MUST((size > 0) == (faults_errors(faults) + faults_warnings(faults) > 0));
    MUST(strlen(shown) == size);
    free(shown);
}

/* Opens an empty table, whose files are unlinked as soon as it is open. */
static inline struct table *nameless_table(void)
{
    char directory[] = "/tmp/ssoferry-fuzz-XXXXXX", path[64], lock[64];
    struct error error;
    struct table *table = NULL;
    const struct table_options options = {.mode = TABLE_WRITE, .map_size = 64 << 20};
    MUST(mkdtemp(directory) != NULL);
    snprintf(path, sizeof path, "%s/table", directory);
    snprintf(lock, sizeof lock, "%s/table-lock", directory);
    MUST(table_open(&table, path, &options, &error));
    MUST(unlink(path) == 0 && unlink(lock) == 0 && rmdir(directory) == 0);
    return table;
}

#endif
