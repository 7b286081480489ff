/* Notices that the configuration's file was changed and not reloaded. `ssoferry` goes by the file at once, the daemon
 * only after a reload: till then the two may say different things of the same request. */
#ifndef SSOFERRY_CONFIG_WATCH_H
#define SSOFERRY_CONFIG_WATCH_H

#include <sys/types.h>
#include <time.h>

#include "ssoferry/config.h"

enum { CONFIG_SETTLE_MS = 5000 }; /* whoever is still writing, or about to reload, is left alone for so long */

/* What tells one version of a file from another; all zeros if there is none. */
struct file_print {
    bool regular; /* others may block whoever opens them, and are read only once: a pipe, as in -c <(...) */
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified;
};

struct config_watch {
    bool regular;            /* the file in force was one, so it is worth looking at */
    struct file_print known; /* the version that was read last */
    struct file_print seen;  /* at the last look */
    uint64_t seen_since;     /* monotonic milliseconds */
};

enum config_news {
    CONFIG_NO_NEWS,
    CONFIG_IN_FORCE, /* another file that says the same */
    CONFIG_CHANGED,  /* a reload would change something */
    CONFIG_BROKEN,   /* a reload would be refused */
};

/* Takes the file as it is now for the one in force. Call it before reading the file. If it is no regular file, there
 * will be no news of it. */
void config_watch_begin(struct config_watch *watch, const char *path);

/* Looks at the file, and reads it once it has been another one for CONFIG_SETTLE_MS; each version is told only once.
 * `config` is what was read last, `now_ms` monotonic. With CONFIG_CHANGED, *keys is the number of keys whose values
 * differ; with CONFIG_BROKEN, *error says what is wrong. */
enum config_news config_watch_look(struct config_watch *watch, const char *path, const struct config *config,
                                   uint64_t now_ms, size_t *keys, struct error *error);

#endif
