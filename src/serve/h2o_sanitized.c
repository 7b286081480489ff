/* libh2o 2.2.5 under the sanitizers. Like the parser of heads, these functions take the place of the library's own,
 * and only in builds with a sanitizer.
 *
 * libh2o keeps freed blocks for reuse, which hides their use after the free, and which leak when the thread ends. Nor
 * does it free a context's message queue. To name the two to LeakSanitizer as known leaks would also do, but then it
 * reads the debug information of every library at each exit, for a fifth of a second. */
#include <dlfcn.h>
#include <stdlib.h>

#include "h2o_system.h"
#include "ssoferry/memory.h"

#ifdef SSOFERRY_LIBH2O_KEEPS_ITS_OWN
/* Where libh2o calls its own all the same, its leaks can only be named; what recycling hides stays hidden. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_options(void);

const char *__lsan_default_suppressions(void)
{
    return "leak:^h2o_mem_alloc_recycle\nleak:^h2o_multithread_create_queue\n";
}

const char *__lsan_default_options(void)
{
    return "print_suppressions=0";
}
#endif

void *h2o_mem_alloc_recycle(h2o_mem_recycle_t *allocator, size_t size)
{
    (void)allocator;
    return memory_allocate(size); /* the header's own would abort() here, where there is no memory */
}

void h2o_mem_free_recycle(h2o_mem_recycle_t *allocator, void *block)
{
    (void)allocator;
    free(block);
}

h2o_multithread_queue_t *h2o_multithread_create_queue(h2o_loop_t *loop)
{
    h2o_multithread_queue_t *(*create)(h2o_loop_t *) = NULL;
    *(void **)&create = dlsym(RTLD_NEXT, "h2o_multithread_create_queue");
    h2o_multithread_queue_t *queue = create(loop);
    memory_abandon(queue);
    return queue;
}
