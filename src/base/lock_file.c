#include "ssoferry/lock_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ssoferry/memory.h"

enum { READER_SIZE = 64 }; /* bytes; LMDB gives each reader a cache line */

/* Whether the whole file can be written through memory; allocates its space if there still is any. For file systems
 * that never report reserved space and, once full, refuse to reserve it again. */
static bool can_be_written(int fd, off_t size)
{
    void *map = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        return false;
    bool can = madvise(map, (size_t)size, MADV_POPULATE_WRITE) == 0; /* always false before Linux 5.14 */
    munmap(map, (size_t)size);
    return can;
}

/* Allocates the file's space: LMDB would leave holes, which cannot be filled on a full disk. Returns 0 or an errno. */
static int reserve(int fd, unsigned max_readers)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return errno;
    const off_t whole = st.st_size > 0 ? st.st_size : (off_t)max_readers * READER_SIZE + sysconf(_SC_PAGESIZE);
    if (st.st_blocks * 512 >= whole || fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, whole) == 0)
        return 0;
    int code = errno;
    return st.st_size > 0 && can_be_written(fd, whole) ? 0 : code;
}

char *lock_file_name(const char *path)
{
    const size_t size = strlen(path) + sizeof "-lock";
    char *name = memory_allocate(size);
    snprintf(name, size, "%s-lock", path);
    return name;
}

int lock_file_open(const char *path, unsigned max_readers, int *fd)
{
    char *name = lock_file_name(path);
    *fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0660);
    int code = *fd >= 0 ? reserve(*fd, max_readers) : errno;
    free(name);
    if (*fd < 0)
        return code == ELOOP ? ELOOP : 0;
    if (code != ENOSPC && code != EDQUOT)
        return 0;
    close(*fd);
    *fd = -1;
    return code;
}
