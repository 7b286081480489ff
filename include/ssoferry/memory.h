/* Where the memory of an answer comes from: the caller's request pool, so that nothing is freed one by one. */
#ifndef SSOFERRY_MEMORY_H
#define SSOFERRY_MEMORY_H

#include "ssoferry/text.h"

/* An allocator whose memory is all given back at once by its owner. allocate() never returns NULL: it ends the program
 * instead, as libh2o does. */
struct memory {
    void *(*allocate)(void *context, size_t size);
    void *context;
};

/* A copy in `memory`; an empty text stays empty. */
struct text text_copy(struct text t, struct memory memory);

/* One behind the other, in `memory`. */
struct text text_join(const struct text *parts, size_t count, struct memory memory);

/* An allocator of its own, for programs without a request pool and for tests. */
struct arena;
struct arena *arena_new(void);                   /* never NULL */
struct memory arena_memory(struct arena *arena); /* lives as long as the arena */
void arena_reset(struct arena *arena);           /* gives all of it back; the arena can be used again */
void arena_free(struct arena *arena);

/* Says that memory is out and ends the program with exit status 1, at once: nothing is flushed, a change of the table
 * that is under way is not made, and no core is left, which would hold what people sent. For what has no other way to
 * fail.
 */
void memory_exhausted(void) __attribute__((noreturn));

/* As malloc(), calloc() and realloc(), but memory_exhausted() where there is none. */
void *memory_allocate(size_t size) __attribute__((malloc, returns_nonnull));
void *memory_zeroed(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
void *memory_resize(void *block, size_t size) __attribute__((returns_nonnull));

/* Zeroed pages of their own, of which only those that are touched take memory. NULL where there is none;
 * memory_large(): memory_exhausted() where there is none. */
void *memory_pages(size_t size);
void *memory_large(size_t size) __attribute__((returns_nonnull));

/* Has those not yet touched be huge pages where there are many and the kernel gives them: for what is looked into all
 * over. */
void memory_pages_widen(void *pages, size_t size);

void memory_pages_free(void *pages, size_t size); /* NULL is fine */

/* A NUL-terminated copy, to be freed with free(). */
char *memory_string(struct text t) __attribute__((malloc, returns_nonnull));

#endif
