#include "ssoferry/lock_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ssoferry/memory.h"

enum { READER_SIZE = 64 }; /* bytes; LMDB gives each a line of the processor's cache */

/* LMDB makes a file with holes, which a full disk cannot fill. Returns 0 or an errno. */
static int reserve(int fd, unsigned max_readers)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return errno;
    const off_t whole = st.st_size > 0 ? st.st_size : (off_t)max_readers * READER_SIZE + sysconf(_SC_PAGESIZE);
    return st.st_blocks * 512 < whole && fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, whole) != 0 ? errno : 0;
}

int lock_file_open(const char *path, unsigned max_readers, int *fd)
{
    const size_t size = strlen(path) + sizeof "-lock";
    char *name = memory_allocate(size);
    snprintf(name, size, "%s-lock", path);
    *fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0660);
    free(name);
    int code = *fd >= 0 ? reserve(*fd, max_readers) : 0;
    if (code != ENOSPC && code != EDQUOT)
        return 0;
    close(*fd);
    *fd = -1;
    return code;
}
