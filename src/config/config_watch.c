#include "ssoferry/config_watch.h"

#include <sys/stat.h>

#include "ssoferry/file_print.h"

/* Whether opening it cannot block. A missing file cannot be opened at all. */
static bool is_harmless(const char *path, off_t *size)
{
    struct stat status;
    *size = 0;
    if (stat(path, &status) != 0)
        return true;
    *size = status.st_size;
    return S_ISREG(status.st_mode);
}

void config_watch_begin(struct config_watch *watch, const char *path)
{
    off_t size = 0;
    watch->known = watch->seen = file_print(TEXT_FINGERPRINT_START, path);
    watch->worthwhile = is_harmless(path, &size);
}

void config_watch_again(struct config_watch *watch)
{
    watch->known = ~watch->seen;
}

static void count(void *context, struct text name, struct text before, struct text after, bool needs_restart)
{
    struct config_change *change = context;
    (void)name, (void)before, (void)after;
    ++*(needs_restart ? &change->waiting : &change->keys);
}

static bool is_fit(const char *path, struct error *error)
{
    off_t size = 0;
    if (!is_harmless(path, &size))
        return error_set(error, ERROR_INPUT, "%s: it is no regular file", path);
    return size <= CONFIG_WATCHED_MAX || error_set(error, ERROR_INPUT, "%s: it is too large for a configuration", path);
}

static enum config_news read_news(const char *path, const struct config *started, const struct config *config,
                                  struct config_change *change, struct error *error)
{
    struct config *next = NULL;
    struct faults *faults = faults_new();
    const bool good = config_read(&next, path, faults, error);
    *change = (struct config_change){0, 0};
    if (good)
        config_differences(started, config, next, count, change);
    config_free(next);
    faults_free(faults);
    return !good ? CONFIG_BROKEN : change->keys + change->waiting > 0 ? CONFIG_CHANGED : CONFIG_IN_FORCE;
}

enum config_news config_watch_look(struct config_watch *watch, const char *path, const struct config *started,
                                   const struct config *config, uint64_t now_ms, struct config_change *change,
                                   struct error *error)
{
    const uint64_t now = file_print(TEXT_FINGERPRINT_START, path);
    if (!watch->worthwhile)
        return CONFIG_NO_NEWS;
    if (now != watch->seen) {
        watch->seen = now;
        watch->seen_since = now_ms;
    }
    if (now == watch->known || now_ms - watch->seen_since < CONFIG_SETTLE_MS)
        return CONFIG_NO_NEWS;
    watch->known = now;
    return is_fit(path, error) ? read_news(path, started, config, change, error) : CONFIG_BROKEN;
}
