/* An LD_PRELOAD library that lets chosen calls of a program fail, so that tests see what it makes of it. The
 * environment, each name behind SSOFERRY_FAULT_, says which:
 *
 * CALLS: names, separated by commas. "malloc" stands for malloc(), calloc() and realloc() where the program itself
 * calls them, "malloc_elsewhere" for those that a library calls.
 *
 * PATH: part of the path of the file that a call is about; where it is not set, every file counts.
 *
 * AT: which of these calls fails, from 1 on; 0 is every one, "N+" the Nth and all after it.
 *
 * ERRNO: what it fails with.
 *
 * WHILE: a file; calls count only while it is there.
 *
 * LOG: a file that gets a line with the name of each call that failed.
 *
 * What libc calls by itself, such as write() behind fflush(), does not come here. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PATH_SIZE = 4096 };

static struct {
    const char *calls, *path, *condition;
    int log; /* opened at once: a sandbox may forbid it later */
    unsigned long at;
    bool all_after;
    bool own_memory, other_memory; /* whether "malloc", "malloc_elsewhere" are chosen: asked millions of times */
    int code;
    uintptr_t begin, end; /* of the program's own code */
    atomic_ulong count;
} faults;

static int on_object(struct dl_phdr_info *info, size_t size, void *context)
{
    (void)size;
    (void)context;
    for (int i = 0; i < info->dlpi_phnum; ++i) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type == PT_LOAD && (part->p_flags & PF_X) != 0) {
            faults.begin = info->dlpi_addr + part->p_vaddr;
            faults.end = faults.begin + part->p_memsz;
        }
    }
    return 1; /* the program comes first */
}

static bool is_chosen(const char *name)
{
    size_t size = strlen(name);
    for (const char *at = faults.calls; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, name, size) == 0 && (at[size] == ',' || at[size] == '\0'))
            return true;
    }
    return false;
}

__attribute__((constructor)) static void begin(void)
{
    const char *at = getenv("SSOFERRY_FAULT_AT"), *code = getenv("SSOFERRY_FAULT_ERRNO"),
               *log = getenv("SSOFERRY_FAULT_LOG");
    faults.path = getenv("SSOFERRY_FAULT_PATH");
    faults.condition = getenv("SSOFERRY_FAULT_WHILE");
    faults.log =
        log != NULL ? (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644) : -1;
    faults.at = at != NULL ? strtoul(at, NULL, 10) : 0;
    faults.all_after = faults.at == 0 || (at != NULL && strchr(at, '+') != NULL);
    faults.code = code != NULL ? atoi(code) : EIO;
    dl_iterate_phdr(on_object, NULL);
    faults.calls = getenv("SSOFERRY_FAULT_CALLS");
    faults.own_memory = is_chosen("malloc");
    faults.other_memory = is_chosen("malloc_elsewhere");
}

/* By a system call of our own: write() of libc's may be chosen itself. */
static void note(const char *name)
{
    char line[64];
    int size = snprintf(line, sizeof(line), "%s\n", name);
    if (faults.log >= 0)
        syscall(SYS_write, faults.log, line, (size_t)size);
}

/* Whether this one fails. errno is set then. */
static bool hits(const char *name)
{
    if (faults.condition != NULL && syscall(SYS_faccessat, AT_FDCWD, faults.condition, F_OK) != 0)
        return false;
    unsigned long number = atomic_fetch_add(&faults.count, 1) + 1;
    if (number != faults.at && !(faults.all_after && number > faults.at))
        return false;
    note(name);
    errno = faults.code;
    return true;
}

static bool fails_at_path(const char *name, const char *path)
{
    int before = errno;
    if (!is_chosen(name) || (faults.path != NULL && strstr(path, faults.path) == NULL))
        return false;
    if (hits(name))
        return true;
    errno = before;
    return false;
}

static bool fails_at_file(const char *name, int fd)
{
    char link[64], path[PATH_SIZE] = "";
    int before = errno;
    if (!is_chosen(name))
        return false;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    if (fd >= 0)
        (void)!syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof(path) - 1);
    errno = before;
    return fails_at_path(name, path);
}

/* Calls NAME of whoever comes next: a sanitizer, or libc. */
#define WRAP(type, failure, name, parameters, arguments, fails)                                                        \
    type name parameters;                                                                                              \
    type name parameters                                                                                               \
    {                                                                                                                  \
        static type(*next) parameters;                                                                                 \
        if (next == NULL)                                                                                              \
            *(void **)&next = dlsym(RTLD_NEXT, #name);                                                                 \
        return (fails) ? (failure) : next arguments;                                                                   \
    }

#define AT_FILE(name, parameters, arguments) WRAP(int, -1, name, parameters, arguments, fails_at_file(#name, fd))
#define AT_PATH(name, parameters, arguments) WRAP(int, -1, name, parameters, arguments, fails_at_path(#name, path))
#define WRITE(name, parameters, arguments)   WRAP(ssize_t, -1, name, parameters, arguments, fails_at_file(#name, fd))

WRITE(write, (int fd, const void *bytes, size_t size), (fd, bytes, size))
WRITE(pwrite, (int fd, const void *bytes, size_t size, off_t at), (fd, bytes, size, at))
WRITE(writev, (int fd, const struct iovec *parts, int count), (fd, parts, count))
WRITE(pread, (int fd, void *bytes, size_t size, off_t at), (fd, bytes, size, at))
AT_FILE(fsync, (int fd), (fd))
AT_FILE(fdatasync, (int fd), (fd))
AT_FILE(ftruncate, (int fd, off_t size), (fd, size))
AT_FILE(fchmod, (int fd, mode_t mode), (fd, mode))
AT_FILE(flock, (int fd, int operation), (fd, operation))
AT_FILE(fallocate, (int fd, int mode, off_t at, off_t size), (fd, mode, at, size))
AT_PATH(rename, (const char *from, const char *path), (from, path))
AT_PATH(renameat2, (int a, const char *from, int b, const char *path, unsigned flags), (a, from, b, path, flags))
AT_PATH(link, (const char *from, const char *path), (from, path))
AT_PATH(linkat, (int a, const char *from, int b, const char *path, int flags), (a, from, b, path, flags))
AT_PATH(unlink, (const char *path), (path))
WRAP(FILE *, NULL, fopen, (const char *path, const char *mode), (path, mode), fails_at_path("fopen", path))
WRAP(FILE *, NULL, open_memstream, (char **text, size_t *size), (text, size),
     is_chosen("open_memstream") && hits("open_memstream"))
WRAP(FILE *, NULL, fdopen, (int fd, const char *mode), (fd, mode), fails_at_file("fdopen", fd))
WRAP(void *, MAP_FAILED, mmap, (void *at, size_t size, int protection, int flags, int fd, off_t offset),
     (at, size, protection, flags, fd, offset), fd >= 0 && fails_at_file("mmap", fd))

#define WITH_ARGUMENT(last, type)                                                                                      \
    va_list rest;                                                                                                      \
    va_start(rest, last);                                                                                              \
    type argument = va_arg(rest, type); /* where there is none, nobody looks at it */                                  \
    va_end(rest)

int open(const char *path, int flags, ...)
{
    static int (*next)(const char *, int, ...);
    WITH_ARGUMENT(flags, mode_t);
    if (next == NULL)
        *(void **)&next = dlsym(RTLD_NEXT, "open");
    return fails_at_path("open", path) ? -1 : next(path, flags, argument);
}

int fcntl(int fd, int command, ...)
{
    static int (*next)(int, int, ...);
    WITH_ARGUMENT(command, void *);
    if (next == NULL)
        *(void **)&next = dlsym(RTLD_NEXT, "fcntl");
    return fails_at_file("fcntl", fd) ? -1 : next(fd, command, argument);
}

/* -- memory -- */

static bool fails_to_allocate(const void *caller)
{
    bool own = (uintptr_t)caller >= faults.begin && (uintptr_t)caller < faults.end;
    return (own ? faults.own_memory : faults.other_memory) && hits("malloc");
}

#define ALLOCATE(name, parameters, arguments)                                                                          \
    WRAP(void *, NULL, name, parameters, arguments, fails_to_allocate(__builtin_return_address(0)))

ALLOCATE(malloc, (size_t size), (size))
ALLOCATE(calloc, (size_t count, size_t size), (count, size))
ALLOCATE(realloc, (void *block, size_t size), (block, size))
