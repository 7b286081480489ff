/* The certificates of all listeners: loading, replacing them while clients come and go, watching their files, and
 * reporting on them. Functions are for the main thread unless they say otherwise. */
#ifndef SSOFERRY_TLS_H
#define SSOFERRY_TLS_H

#include "ssoferry/metrics.h"
#include "tls_context.h"

enum { TLS_WATCH_MS = 1000 };

struct tls;

/* Prepares for the listeners of `started`, which is borrowed: they stay the same until the end. They are without TLS
 * until tls_load(). The caller frees it with tls_free(). */
struct tls *tls_new(const struct config *started);

/* Call after the last worker has ended. NULL is fine. */
void tls_free(struct tls *tls);

/* Reads the certificates that `config`, read from `path`, names for the listeners, and puts them to use: all of them,
 * or none if one has an error. Faults go to `faults`. `config` is borrowed until the next successful call. */
bool tls_load(struct tls *tls, const struct config *config, const char *path, struct faults *faults,
              struct error *error) __attribute__((warn_unused_result));

/* Logs the names and last days of the certificates in use. */
void tls_announce(const struct tls *tls);

/* Only checks whether the certificates can be loaded. */
bool tls_check(const struct config *config, const char *path, struct faults *faults, struct error *error)
    __attribute__((warn_unused_result));

/* The context of listener `i`, or NULL if it has no TLS. Any thread may call this; release the result with
 * tls_context_release(). */
struct tls_context *tls_take(struct tls *tls, size_t i);

/* Whether any listener uses TLS, so that there is something to watch. */
bool tls_is_used(const struct tls *tls);

/* Call about every TLS_WATCH_MS. Reloads certificates whose files have changed and then been left alone for one turn,
 * also those of listeners that the configuration no longer has, keeping the old ones if the new ones are bad; rotates
 * the ticket keys; and warns once a day of certificates that expire soon. `path` is the configuration's. Returns
 * whether certificates were put in place anew. */
bool tls_watch(struct tls *tls, const char *path);

/* How many certificates there are; a reload may change that. Any thread may call this. */
size_t tls_count(struct tls *tls);

/* Describes certificates for metrics: fills up to `most` entries, one for each listener and set of names, and returns
 * how many. Any thread may call this. */
size_t tls_describe(struct tls *tls, struct metrics_certificate *out, size_t most);

/* False if the newest files named by the current configuration could not be used. Any thread may call this. */
bool tls_is_current(const struct tls *tls);

#endif
