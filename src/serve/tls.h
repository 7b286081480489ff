/* The certificates of all listeners: read, put in place of each other while clients come and go, watched, and told of.
 * What a listener has is taken by any thread; all else is the main thread's. */
#ifndef SSOFERRY_TLS_H
#define SSOFERRY_TLS_H

#include "ssoferry/metrics.h"
#include "tls_context.h"

enum { TLS_WATCH_MS = 1000 };

struct tls;

/* For the listeners of `started`, which is borrowed, as they stay until the end. They are plain until tls_load(). */
struct tls *tls_new(const struct config *started);

/* After the last worker. NULL is fine. */
void tls_free(struct tls *tls);

/* Reads the certificates that `config`, read from `path`, names for the listeners, and puts them in place: all of them,
 * or none where one has an error. Faults go to `faults`. `config` is borrowed until the next call that succeeds. */
bool tls_load(struct tls *tls, const struct config *config, const char *path, struct faults *faults,
              struct error *error) __attribute__((warn_unused_result));

/* Logs the certificates in use: names and last days. */
void tls_announce(const struct tls *tls);

/* Only looks whether they can be loaded. */
bool tls_check(const struct config *config, const char *path, struct faults *faults, struct error *error)
    __attribute__((warn_unused_result));

/* A reference to what listener `i` speaks TLS with, or NULL where it is plain. */
struct tls_context *tls_take(struct tls *tls, size_t i);

/* Whether there is anything to watch. */
bool tls_is_used(const struct tls *tls);

/* To be called about every TLS_WATCH_MS. Reads certificates again whose files have changed and been let alone since,
 * goes on with the old ones where the new ones are bad, rotates the keys of tickets, and warns once a day of what ends
 * soon. `path` is the configuration's. */
void tls_watch(struct tls *tls, const char *path);

/* How many certificates there are; a reload may change it. Any thread may ask. */
size_t tls_count(struct tls *tls);

/* What metrics tell: fills up to `most`, one for the same listener and names, returns how many. Any thread may ask. */
size_t tls_describe(struct tls *tls, struct metrics_certificate *out, size_t most);

/* False where the newest files of the configuration in use could not be used. Any thread may ask. */
bool tls_is_current(const struct tls *tls);

#endif
