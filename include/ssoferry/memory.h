/* Memory for an answer: it comes from the caller's request pool, so that nothing is freed one by one. */
#ifndef SSOFERRY_MEMORY_H
#define SSOFERRY_MEMORY_H

#include "ssoferry/text.h"

/* An allocator whose owner releases all its memory at once. Like libh2o's, allocate() never returns NULL: it ends the
 * program instead. */
struct memory {
    void *(*allocate)(void *context, size_t size);
    void *context;
};

/* Copies a text into `memory`; an empty text stays empty. */
struct text text_copy(struct text t, struct memory memory);

/* Concatenates the parts in `memory`. */
struct text text_join(const struct text *parts, size_t count, struct memory memory);

/* An allocator for programs without a request pool, and for tests. */
struct arena;
struct arena *arena_new(void);                   /* never NULL */
struct memory arena_memory(struct arena *arena); /* lives as long as the arena */
void arena_free(struct arena *arena);            /* NULL is fine */

/* Reports that memory ran out and ends the program at once with exit status 1. Nothing is flushed, a change of the
 * table in progress is not made, and no core is dumped, since it would hold what people sent. For callers that cannot
 * fail any other way. */
void memory_exhausted(void) __attribute__((noreturn));

/* Like malloc(), calloc() and realloc(), but call memory_exhausted() instead of failing. Release with free(). */
void *memory_allocate(size_t size) __attribute__((malloc, returns_nonnull));
void *memory_zeroed(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
void *memory_resize(void *block, size_t size) __attribute__((returns_nonnull));

/* The size of a line of the processor's cache, which two threads had better not both write to; and memory for `count`
 * structures aligned to it. That is zeroed; otherwise as above. */
enum { MEMORY_LINE = 64 };
void *memory_lines(size_t count, size_t size) __attribute__((malloc, returns_nonnull));

/* Map zeroed pages, which take up memory only once touched. If that fails, memory_pages() returns NULL and
 * memory_large() calls memory_exhausted(). Release with memory_pages_free() and the same size. */
void *memory_pages(size_t size);
void *memory_large(size_t size) __attribute__((returns_nonnull));

/* Asks for huge pages where pages are still untouched, if the block is large enough and the kernel has them: for data
 * that is accessed at random. */
void memory_pages_widen(void *pages, size_t size);

/* Gives the memory of the bytes from `begin` to `end` back until they are touched again; they are zero then. Both are
 * whole pages (MEMORY_PAGE_MAX is one on every machine). */
enum { MEMORY_PAGE_MAX = 64 * 1024 };
void memory_pages_clear(void *pages, size_t begin, size_t end);

void memory_pages_free(void *pages, size_t size); /* NULL is fine */

/* A NUL-terminated copy, to be released with free(). */
char *memory_string(struct text t) __attribute__((malloc, returns_nonnull));

/* Says of a block, and of what it points to, that it is lost on purpose, so that no sanitizer reports it. */
void memory_abandon(const void *block);

#endif
