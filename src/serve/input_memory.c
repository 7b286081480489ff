/* What the requests under way hold in memory.
 *
 * libh2o keeps a whole request in its connection's input buffer, which it doubles as bytes come, up to limits.body for
 * each connection. Together they may hold limits.memory: a buffer that would grow beyond that is refused, whereupon
 * libh2o closes the connection. A buffer that has not grown is not counted. A usual sign-in fits into one, so a crowd
 * of large requests does not keep it out.
 *
 * Like the parser of heads, these functions take the place of libh2o's own, and only in ssoferryd. Where libh2o calls
 * its own all the same, as Ubuntu's does, there is no such limit. Our own code comes here there, too, with buffers that
 * were never counted: so a worker gives nothing back before libh2o has asked for room here. */
#include <stdlib.h>

#include "held.h"
#include "ssoferry/log.h"

/* Whose input the buffer is; NULL for libh2o's other buffers. libh2o's prototype for the input of sockets belongs to
 * the thread, and so does what it says of files for large buffers, which there are none of. */
static struct worker *worker_of_buffer(const h2o_buffer_t *buffer)
{
    h2o_buffer_mmap_settings_t *settings = buffer->_prototype->mmap_settings;
    return buffer->_prototype == &h2o_socket_buffer_prototype && settings != &h2o_socket_buffer_mmap_settings
               ? H2O_STRUCT_FROM_MEMBER(struct worker, no_files, settings)
               : NULL;
}

/* Whether a buffer may have `size` bytes, which are counted then. */
static bool may_hold(struct worker *worker, size_t size)
{
    if (held_take(worker, size))
        return true;
    metrics_event(worker->tools.metrics, METRICS_NO_MEMORY);
    if (worker_may_warn(worker))
        log_warning(
            "the requests under way hold as much memory as they may, so a connection with another large one was "
            "closed; see limits.memory");
    return false;
}

void h2o_buffer__do_free(h2o_buffer_t *buffer)
{
    if (buffer->capacity == buffer->_prototype->_initial_buf.capacity) {
        h2o_mem_free_recycle(&buffer->_prototype->allocator, buffer);
        return;
    }
    struct worker *worker = worker_of_buffer(buffer);
    if (worker != NULL && worker->input_is_counted)
        held_give_back(worker, buffer->capacity);
    free(buffer);
}

static void start(h2o_buffer_t *buffer, h2o_buffer_prototype_t *prototype, size_t capacity)
{
    buffer->size = 0;
    buffer->bytes = buffer->_buf;
    buffer->capacity = capacity;
    buffer->_prototype = prototype;
    buffer->_fd = -1;
}

/* Not refused whatever its size: libh2o relies on that. It is a part of a TLS handshake at most. */
static void begin_buffer(h2o_buffer_t **at, size_t least)
{
    h2o_buffer_prototype_t *prototype = H2O_STRUCT_FROM_MEMBER(h2o_buffer_prototype_t, _initial_buf, *at);
    const size_t usual = prototype->_initial_buf.capacity, head = offsetof(h2o_buffer_t, _buf);
    const size_t capacity = least <= usual ? usual : least;
    *at = least <= usual ? h2o_mem_alloc_recycle(&prototype->allocator, head + usual) : h2o_mem_alloc(head + least);
    start(*at, prototype, capacity);
    struct worker *worker = worker_of_buffer(*at);
    if (worker == NULL)
        return;
    worker->input_is_counted = true;
    if (capacity > usual)
        held_take_anyway(worker, capacity);
}

static bool grow_buffer(h2o_buffer_t **at, size_t least)
{
    const h2o_buffer_t *old = *at;
    struct worker *worker = worker_of_buffer(old);
    size_t capacity = old->capacity;
    do
        capacity *= 2;
    while (capacity - old->size < least);
    if (worker != NULL && !may_hold(worker, capacity))
        return false;
    h2o_buffer_t *grown = h2o_mem_alloc(offsetof(h2o_buffer_t, _buf) + capacity);
    start(grown, old->_prototype, capacity);
    memcpy(grown->bytes, old->bytes, old->size);
    grown->size = old->size;
    h2o_buffer__do_free(*at);
    *at = grown;
    return true;
}

static size_t room_behind(const h2o_buffer_t *buffer)
{
    return (size_t)(buffer->_buf + buffer->capacity - (buffer->bytes + buffer->size));
}

h2o_iovec_t h2o_buffer_reserve(h2o_buffer_t **at, size_t least)
{
    if ((*at)->bytes == NULL) {
        begin_buffer(at, least);
    } else if (least > room_behind(*at) && ((*at)->size + least) * 2 <= (*at)->capacity) {
        memmove((*at)->_buf, (*at)->bytes, (*at)->size);
        (*at)->bytes = (*at)->_buf;
    } else if (least > room_behind(*at) && !grow_buffer(at, least)) {
        return h2o_iovec_init(NULL, 0);
    }
    return h2o_iovec_init((*at)->bytes + (*at)->size, room_behind(*at));
}

/* Moves what is left of a buffer that has grown, if that fits into a usual one. */
static void shrink_buffer(h2o_buffer_t **at)
{
    h2o_buffer_t *grown = *at;
    h2o_buffer_prototype_t *prototype = grown->_prototype;
    const size_t usual = prototype->_initial_buf.capacity;
    *at = h2o_mem_alloc_recycle(&prototype->allocator, offsetof(h2o_buffer_t, _buf) + usual);
    start(*at, prototype, usual);
    memcpy((*at)->bytes, grown->bytes, grown->size);
    (*at)->size = grown->size;
    h2o_buffer__do_free(grown);
}

/* libh2o gives a buffer back only once it is empty. The beginning of the next request, or the empty line behind a body,
 * would then hold what the last request took for as long as the connection lasts. */
void h2o_buffer_consume(h2o_buffer_t **at, size_t size)
{
    h2o_buffer_t *buffer = *at;
    if (size == 0)
        return;
    const size_t usual = buffer->_prototype->_initial_buf.capacity;
    buffer->size -= size;
    buffer->bytes += size;
    if (buffer->size == 0) {
        *at = &buffer->_prototype->_initial_buf;
        h2o_buffer__do_free(buffer);
    } else if (buffer->capacity > usual && buffer->size <= usual && worker_of_buffer(buffer) != NULL) {
        shrink_buffer(at);
    }
}
