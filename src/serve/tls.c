#include "tls.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ssoferry/clock.h"
#include "ssoferry/file_print.h"
#include "ssoferry/log.h"
#include "ssoferry/memory.h"
#include "tls_certificate.h"

enum { DAY_MS = 24 * 3600 * 1000 };

/* One listener's TLS state. */
struct place_of_tls {
    struct tls_context *context; /* NULL: no TLS */
    size_t certificates;
    bool as_started; /* uses the files that the listener was started with */
};

struct tls {
    const struct listener *listeners;
    size_t count;
    struct tls_tickets *tickets;
    pthread_mutex_t mutex; /* for `inuse` and what it points to */
    struct place_of_tls *inuse;
    atomic_bool current;
    const struct config *config; /* the one loaded last */
    uint64_t print;              /* fingerprint of its files when they were last checked */
    bool settling;               /* the files had changed at that check */
    uint64_t rotated_at, warned_at;
};

struct tls *tls_new(const struct config *started)
{
    struct tls *tls = memory_zeroed(1, sizeof(*tls));
    tls->listeners = started->listen;
    tls->count = started->listen_count;
    tls->tickets = tls_tickets_new();
    tls->inuse = memory_zeroed(tls->count, sizeof(*tls->inuse));
    tls->config = started;
    tls->rotated_at = tls->warned_at = clock_monotonic_ms();
    atomic_init(&tls->current, true);
    pthread_mutex_init(&tls->mutex, NULL);
    return tls;
}

static void release_all(struct place_of_tls *places, size_t count)
{
    for (size_t i = 0; i < count; ++i)
        tls_context_release(places[i].context);
    free(places);
}

void tls_free(struct tls *tls)
{
    if (tls == NULL)
        return;
    release_all(tls->inuse, tls->count);
    tls_tickets_free(tls->tickets);
    pthread_mutex_destroy(&tls->mutex);
    free(tls);
}

struct tls_context *tls_take(struct tls *tls, size_t i)
{
    pthread_mutex_lock(&tls->mutex);
    struct tls_context *context = tls_context_hold(tls->inuse[i].context);
    pthread_mutex_unlock(&tls->mutex);
    return context;
}

/* -- the files, from afar -- */

/* The listener with that address in `config`, or NULL. */
static const struct listener *find_listener(const struct config *config, const struct listener *started)
{
    for (size_t i = 0; i < config->listen_count; ++i) {
        if (strcmp(config->listen[i].address.text, started->address.text) == 0)
            return &config->listen[i];
    }
    return NULL;
}

/* Whether the listener has TLS by the files that it was started with. */
static bool has_started_files(const struct place_of_tls *place)
{
    return place->context != NULL && place->as_started;
}

static uint64_t print_of_listener(uint64_t print, const struct listener *listener)
{
    for (size_t i = 0; i < listener->certificate_count; ++i) {
        print = file_print(print, listener->certificates[i].certificate.path);
        print = file_print(print, listener->certificates[i].key.path);
    }
    return print;
}

/* A number that changes if one of the files is replaced, written, or given another mode: those that `config` names, and
 * those of listeners that it no longer has, which stay open until the restart. */
static uint64_t print_of_files(const struct tls *tls, const struct config *config)
{
    uint64_t print = TEXT_FINGERPRINT_START;
    for (size_t i = 0; i < config->listen_count; ++i)
        print = print_of_listener(print, &config->listen[i]);
    for (size_t i = 0; i < tls->count; ++i) {
        if (has_started_files(&tls->inuse[i]) && find_listener(config, &tls->listeners[i]) == NULL)
            print = print_of_listener(print, &tls->listeners[i]);
    }
    return print;
}

bool tls_is_used(const struct tls *tls)
{
    bool used = false;
    for (size_t i = 0; i < tls->count; ++i)
        used |= tls->inuse[i].context != NULL;
    return used;
}

/* -- loading -- */

static bool same_files(const struct listener *a, const struct listener *b)
{
    bool same = a->certificate_count == b->certificate_count;
    for (size_t i = 0; same && i < a->certificate_count; ++i)
        same = strcmp(a->certificates[i].certificate.path, b->certificates[i].certificate.path) == 0 &&
               strcmp(a->certificates[i].key.path, b->certificates[i].key.path) == 0;
    return same;
}

static struct place_of_tls read_place(const struct tls *tls, const struct listener *listener,
                                      const struct listener *started, const struct tls_report *report)
{
    struct place_of_tls place = {.certificates = listener->certificate_count,
                                 .as_started = same_files(listener, started)};
    if (place.certificates > 0)
        place.context = tls_context_read(listener, tls->tickets, report);
    return place;
}

/* For listener `i`, which the configuration no longer has. It stays open until the restart. The files it was started
 * with are read again if it still uses them; if they are bad, it keeps what it has. The files may have been removed
 * along with the listener, so that is not reported as an error of the configuration. */
static struct place_of_tls read_removed(const struct tls *tls, size_t i)
{
    const struct listener *started = &tls->listeners[i];
    struct place_of_tls place = {.context = NULL}, inuse = tls->inuse[i];
    struct faults *unsaid = faults_new();
    const struct tls_report report = {unsaid, faults_file(unsaid, "", NULL)};
    if (has_started_files(&inuse))
        place = read_place(tls, started, started, &report);
    faults_free(unsaid);
    if (place.context != NULL)
        return place;
    tls_context_hold(inuse.context);
    return inuse;
}

static bool is_served(const struct tls *tls, const struct place_of_tls *places, struct text host)
{
    char name[URL_SIZE_MAX + 1];
    struct text alone = url_host_alone(host);
    if (alone.at[0] == '[')
        alone = text_slice(alone.at + 1, alone.size - 2);
    snprintf(name, sizeof(name), "%.*s", TEXT_ARGS(alone));
    for (size_t i = 0; i < tls->count; ++i) {
        if (places[i].context != NULL && tls_context_serves(places[i].context, name))
            return true;
    }
    return false;
}

/* Clients refuse a certificate for another name. But a load balancer may show them its own and make a connection of its
 * own, for which any certificate will do; then it is in trusted_proxies. */
static void warn_of_hosts(const struct tls *tls, const struct place_of_tls *places, const struct config *config,
                          const struct tls_report *report)
{
    const struct text *first = NULL;
    const struct listener *listener = NULL;
    size_t more = 0, i = 0;
    char others[64] = "";
    for (; i < tls->count && listener == NULL; ++i)
        listener = places[i].context == NULL ? NULL : find_listener(config, &tls->listeners[i]);
    if (listener == NULL || config->trusted_proxy_count > 0)
        return;
    for (size_t j = 0; j < config->rules.own_host_count; ++j) {
        const struct text *host = &config->rules.own_hosts[j];
        if (is_served(tls, places, *host))
            continue;
        more += first != NULL;
        first = first == NULL ? host : first;
    }
    if (first == NULL)
        return;
    if (more > 0)
        snprintf(others, sizeof(others), " (and %zu more name%s of hosts)", more, more == 1 ? "" : "s");
    const struct named_file *file = &listener->certificates[0].certificate;
    faults_add(report->faults, FAULT_WARNING, report->file, file->place.line, file->place.column, file->place.length,
               "no certificate of a listener is valid for %.*s%s; %s is for %s: clients will refuse it. If a load "
               "balancer shows them its own, name that in trusted_proxies",
               TEXT_ARGS(url_host_alone(*first)), others, file->path,
               tls_context_facts(places[i - 1].context, 0)->names);
}

static void put_in_place(struct tls *tls, struct place_of_tls *next)
{
    pthread_mutex_lock(&tls->mutex);
    struct place_of_tls *old = tls->inuse;
    tls->inuse = next;
    pthread_mutex_unlock(&tls->mutex);
    release_all(old, tls->count);
}

bool tls_load(struct tls *tls, const struct config *config, const char *path, struct faults *faults,
              struct error *error)
{
    const struct tls_report report = {faults, faults_file(faults, path, NULL)};
    const size_t before = faults_errors(faults);
    const uint64_t print = print_of_files(tls, config);
    struct place_of_tls *next = memory_zeroed(tls->count, sizeof(*next));
    for (size_t i = 0; i < tls->count; ++i) {
        const struct listener *started = &tls->listeners[i], *listener = find_listener(config, started);
        next[i] = listener != NULL ? read_place(tls, listener, started, &report) : read_removed(tls, i);
    }
    size_t found = faults_errors(faults) - before;
    if (found > 0) {
        release_all(next, tls->count);
        return error_set(error, ERROR_INPUT, "%s: %zu error%s in its certificates", path, found, found == 1 ? "" : "s");
    }
    warn_of_hosts(tls, next, config, &report);
    tls->config = config;
    tls->print = print;
    put_in_place(tls, next);
    atomic_store(&tls->current, true);
    return true;
}

bool tls_check(const struct config *config, const char *path, struct faults *faults, struct error *error)
{
    struct tls *tls = tls_new(config);
    bool good = tls_load(tls, config, path, faults, error);
    tls_free(tls);
    return good;
}

/* -- watching -- */

static bool load_again(struct tls *tls, const char *path)
{
    struct error error;
    struct faults *faults = faults_new();
    bool good = tls_load(tls, tls->config, path, faults, &error);
    faults_log(faults);
    faults_free(faults);
    atomic_store(&tls->current, good);
    if (good)
        tls_announce(tls);
    else
        log_error("TLS: %s; keeping the certificates as they were", error.message);
    return good;
}

/* Files are replaced one at a time, so they are read again only after one turn without further changes. */
static bool look_for_changes(struct tls *tls, const char *path)
{
    const uint64_t print = print_of_files(tls, tls->config);
    const bool changed = print != tls->print;
    tls->print = print;
    const bool loaded = !changed && tls->settling && load_again(tls, path);
    tls->settling = changed;
    return loaded;
}

static void warn_of_ends(const struct tls *tls)
{
    char haste[64];
    for (size_t i = 0; i < tls->count; ++i) {
        for (size_t j = 0; j < tls->inuse[i].certificates; ++j) {
            const struct tls_facts *facts = tls_context_facts(tls->inuse[i].context, j);
            tls_certificate_haste(facts, (int64_t)time(NULL), haste, sizeof(haste));
            if (haste[0] != '\0')
                log_warning("TLS on %s: the certificate of %s %s: renew it", tls->listeners[i].address.text,
                            facts->names, haste);
        }
    }
}

bool tls_watch(struct tls *tls, const char *path)
{
    const uint64_t now = clock_monotonic_ms();
    const bool loaded = look_for_changes(tls, path);
    if (now - tls->rotated_at >= TLS_TICKETS_ROTATE_MS) {
        tls->rotated_at = now;
        tls_tickets_rotate(tls->tickets);
    }
    if (now - tls->warned_at >= DAY_MS) {
        tls->warned_at = now;
        warn_of_ends(tls);
    }
    return loaded;
}

/* -- telling -- */

void tls_announce(const struct tls *tls)
{
    for (size_t i = 0; i < tls->count; ++i) {
        for (size_t j = 0; j < tls->inuse[i].certificates; ++j) {
            const struct tls_facts *facts = tls_context_facts(tls->inuse[i].context, j);
            time_t end = (time_t)facts->expires_at;
            struct tm broken;
            char date[32] = "";
            strftime(date, sizeof(date), "%Y-%m-%d", gmtime_r(&end, &broken));
            log_info("TLS on %s: certificate of %s, until %s", tls->listeners[i].address.text, facts->names, date);
        }
    }
}

size_t tls_count(struct tls *tls)
{
    size_t count = 0;
    pthread_mutex_lock(&tls->mutex);
    for (size_t i = 0; i < tls->count; ++i)
        count += tls->inuse[i].certificates;
    pthread_mutex_unlock(&tls->mutex);
    return count;
}

/* Adds a certificate. If there is one with the same listener and names, as with ECDSA and RSA, only the earlier expiry
 * is kept, since Prometheus allows one value per set of labels. Returns the new count. */
static size_t describe_one(const char *listener, const struct tls_facts *facts, struct metrics_certificate *out,
                           size_t count, size_t most)
{
    size_t i = 0;
    while (i < count && (out[i].listener != listener || strcmp(out[i].names, facts->names) != 0))
        ++i;
    if (i < count && facts->expires_at < out[i].expires_at)
        out[i].expires_at = facts->expires_at;
    if (i < count || count == most)
        return count;
    out[count] = (struct metrics_certificate){.listener = listener, .expires_at = facts->expires_at};
    memcpy(out[count].names, facts->names, sizeof(facts->names));
    return count + 1;
}

size_t tls_describe(struct tls *tls, struct metrics_certificate *out, size_t most)
{
    size_t count = 0;
    pthread_mutex_lock(&tls->mutex);
    for (size_t i = 0; i < tls->count; ++i) {
        for (size_t j = 0; j < tls->inuse[i].certificates; ++j)
            count = describe_one(tls->listeners[i].address.text, tls_context_facts(tls->inuse[i].context, j), out,
                                 count, most);
    }
    pthread_mutex_unlock(&tls->mutex);
    return count;
}

bool tls_is_current(const struct tls *tls)
{
    return atomic_load(&tls->current);
}
