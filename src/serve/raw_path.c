/* Paths as they came, for libh2o's routing.
 *
 * For a path with an escape or a dot after a slash, libh2o makes another one without, and a table from that one to the
 * original: nine bytes for each byte of the path, as long as the request lasts. So one of 15 KB took 140 KB. But its
 * routing knows no path here, since every request goes to the same handler, which reads the original.
 *
 * Like the parser of heads, this function takes the place of libh2o's own, and only in ssoferryd. */
#include "h2o_system.h"

h2o_iovec_t h2o_url_normalize_path(h2o_mem_pool_t *pool, const char *path, size_t size, size_t *query_at,
                                   size_t **indexes)
{
    const char *question = memchr(path, '?', size);
    (void)pool;
    *query_at = question != NULL ? (size_t)(question - path) : SIZE_MAX;
    *indexes = NULL;
    return h2o_iovec_init(path, question != NULL ? *query_at : size);
}
