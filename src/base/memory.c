#include "ssoferry/memory.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ssoferry/log.h"

enum { ARENA_BLOCK_SIZE = 16 * 1024, HUGE_PAGE_SIZE = 2 * 1024 * 1024 };

struct arena_block {
    struct arena_block *next;
    max_align_t data[];
};

struct arena {
    struct arena_block *blocks;
    char *free_at;
    size_t free_size;
};

void memory_exhausted(void)
{
    log_error("out of memory: free some, or raise the limit (ulimit -d, ulimit -v, MemoryMax=)");
    _exit(EXIT_FAILURE);
}

static void *checked(void *block)
{
    if (block == NULL)
        memory_exhausted();
    return block;
}

/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the sanitizer's own name */
void __lsan_ignore_object(const void *object) __attribute__((weak)); /* only LeakSanitizer has it */

void memory_abandon(const void *block)
{
    if (__lsan_ignore_object != NULL)
        __lsan_ignore_object(block);
}

void *memory_allocate(size_t size)
{
    return checked(malloc(size > 0 ? size : 1));
}

void *memory_zeroed(size_t count, size_t size)
{
    return checked(calloc(count > 0 ? count : 1, size > 0 ? size : 1));
}

void *memory_resize(void *block, size_t size)
{
    return checked(realloc(block, size > 0 ? size : 1));
}

void *memory_lines(size_t count, size_t size)
{
    void *block = count > SIZE_MAX / size ? NULL : aligned_alloc(MEMORY_LINE, count * size);
    return memset(checked(block), 0, count * size);
}

/* Rounds a large size up to whole huge pages: only then does the kernel align the mapping to them. */
static size_t mapped_size(size_t size)
{
    return size < HUGE_PAGE_SIZE ? size : (size + HUGE_PAGE_SIZE - 1) / HUGE_PAGE_SIZE * HUGE_PAGE_SIZE;
}

void *memory_pages(size_t size)
{
    void *pages = mmap(NULL, mapped_size(size), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return pages == MAP_FAILED ? NULL : pages;
}

void *memory_large(size_t size)
{
    return checked(memory_pages(size));
}

void memory_pages_widen(void *pages, size_t size)
{
    if (size >= HUGE_PAGE_SIZE)
        (void)madvise(pages, mapped_size(size), MADV_HUGEPAGE); /* without them it is only slower */
}

void memory_pages_clear(void *pages, size_t begin, size_t end)
{
    (void)madvise((char *)pages + begin, end - begin, MADV_DONTNEED); /* fails only for locked pages: then they stay */
}

void memory_pages_free(void *pages, size_t size)
{
    if (pages != NULL)
        munmap(pages, mapped_size(size));
}

char *memory_string(struct text t)
{
    char *copy = memory_allocate(t.size + 1);
    if (t.size > 0)
        memcpy(copy, t.at, t.size);
    copy[t.size] = '\0';
    return copy;
}

struct text text_copy(struct text t, struct memory memory)
{
    if (t.size == 0)
        return (struct text){0};
    char *copy = memory.allocate(memory.context, t.size);
    memcpy(copy, t.at, t.size);
    return text_slice(copy, t.size);
}

struct text text_join(const struct text *parts, size_t count, struct memory memory)
{
    size_t size = 0;
    for (size_t i = 0; i < count; ++i)
        size += parts[i].size;
    char *out = memory.allocate(memory.context, size);
    size_t at = 0;
    for (size_t i = 0; i < count; ++i) {
        if (parts[i].size > 0)
            memcpy(out + at, parts[i].at, parts[i].size);
        at += parts[i].size;
    }
    return text_slice(out, size);
}

struct arena *arena_new(void)
{
    return memory_zeroed(1, sizeof(struct arena));
}

static void *arena_allocate(void *context, size_t size)
{
    struct arena *arena = context;
    const size_t unit = _Alignof(max_align_t);
    size_t rounded = (size / unit + 1) * unit;
    if (rounded > arena->free_size) {
        size_t room = rounded > ARENA_BLOCK_SIZE ? rounded : ARENA_BLOCK_SIZE;
        struct arena_block *block = memory_allocate(sizeof(*block) + room);
        block->next = arena->blocks;
        arena->blocks = block;
        arena->free_at = (char *)block->data;
        arena->free_size = room;
    }
    void *at = arena->free_at;
    arena->free_at += rounded;
    arena->free_size -= rounded;
    return at;
}

struct memory arena_memory(struct arena *arena)
{
    return (struct memory){arena_allocate, arena};
}

void arena_free(struct arena *arena)
{
    if (arena == NULL)
        return;
    while (arena->blocks != NULL) {
        struct arena_block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
    free(arena);
}
