#include "ssoferry/config_watch.h"

#include <sys/stat.h>

static struct file_print print_of(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return (struct file_print){0};
    return (struct file_print){S_ISREG(status.st_mode), status.st_dev, status.st_ino, status.st_size, status.st_mtim};
}

static bool is_same(const struct file_print *a, const struct file_print *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified.tv_sec == b->modified.tv_sec && a->modified.tv_nsec == b->modified.tv_nsec;
}

void config_watch_begin(struct config_watch *watch, const char *path)
{
    watch->known = watch->seen = print_of(path);
    watch->regular = watch->known.regular;
}

static void count(void *context, struct text name, struct text before, struct text after, bool needs_restart)
{
    (void)name, (void)before, (void)after, (void)needs_restart;
    ++*(size_t *)context;
}

static enum config_news read_news(const char *path, const struct config *config, size_t *keys, struct error *error)
{
    struct config *next = NULL;
    struct faults *faults = faults_new();
    const bool good = config_read(&next, path, faults, error);
    *keys = 0;
    if (good)
        config_differences(config, config, next, count, keys);
    config_free(next);
    faults_free(faults);
    return !good ? CONFIG_BROKEN : *keys > 0 ? CONFIG_CHANGED : CONFIG_IN_FORCE;
}

enum config_news config_watch_look(struct config_watch *watch, const char *path, const struct config *config,
                                   uint64_t now_ms, size_t *keys, struct error *error)
{
    const struct file_print now = print_of(path);
    if (!watch->regular)
        return CONFIG_NO_NEWS;
    if (!is_same(&now, &watch->seen)) {
        watch->seen = now;
        watch->seen_since = now_ms;
    }
    if (is_same(&now, &watch->known) || now_ms - watch->seen_since < CONFIG_SETTLE_MS)
        return CONFIG_NO_NEWS;
    watch->known = now;
    if (now.regular || now.inode == 0)
        return read_news(path, config, keys, error);
    error_set(error, ERROR_INPUT, "%s: it is no regular file", path);
    return CONFIG_BROKEN;
}
