#include "ssoferry/config_watch.h"

#include <sys/stat.h>

static struct file_print print_of(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return (struct file_print){0};
    return (struct file_print){.regular = S_ISREG(status.st_mode),
                               .device = status.st_dev,
                               .inode = status.st_ino,
                               .size = status.st_size,
                               .modified = status.st_mtim,
                               .changed = status.st_ctim};
}

static bool is_same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool is_same(const struct file_print *a, const struct file_print *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           is_same_time(a->modified, b->modified) && is_same_time(a->changed, b->changed);
}

static bool is_there(const struct file_print *print)
{
    return print->inode != 0;
}

void config_watch_begin(struct config_watch *watch, const char *path)
{
    watch->known = watch->seen = print_of(path);
    watch->worthwhile = watch->known.regular || !is_there(&watch->known);
}

static void count(void *context, struct text name, struct text before, struct text after, bool needs_restart)
{
    struct config_change *change = context;
    (void)name, (void)before, (void)after;
    ++*(needs_restart ? &change->waiting : &change->keys);
}

/* Whether reading it can do no harm. */
static bool is_fit(const struct file_print *print, const char *path, struct error *error)
{
    if (is_there(print) && !print->regular)
        return error_set(error, ERROR_INPUT, "%s: it is no regular file", path);
    return print->size <= CONFIG_WATCHED_MAX ||
           error_set(error, ERROR_INPUT, "%s: it is too large for a configuration", path);
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
    const struct file_print now = print_of(path);
    if (!watch->worthwhile)
        return CONFIG_NO_NEWS;
    if (!is_same(&now, &watch->seen)) {
        watch->seen = now;
        watch->seen_since = now_ms;
    }
    if (is_same(&now, &watch->known) || now_ms - watch->seen_since < CONFIG_SETTLE_MS)
        return CONFIG_NO_NEWS;
    watch->known = now;
    return is_fit(&now, path, error) ? read_news(path, started, config, change, error) : CONFIG_BROKEN;
}
