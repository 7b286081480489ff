/* Notices that the configuration's file was changed and not reloaded. `ssoferry` goes by the file at once, the daemon
 * only after a reload: till then the two may say different things of the same request. */
#ifndef SSOFERRY_CONFIG_WATCH_H
#define SSOFERRY_CONFIG_WATCH_H

#include "ssoferry/config.h"

enum {
    CONFIG_SETTLE_MS = 5000,               /* whoever is still writing, or about to reload, is left alone for so long */
    CONFIG_WATCHED_MAX = 16 * 1024 * 1024, /* bytes; a larger file is not read just to see what became of it */
};

struct config_watch {
    bool worthwhile;     /* what was read last was no pipe, as in -c <(...), which is read only once */
    uint64_t known;      /* file_print() of the version that was read last */
    uint64_t seen;       /* at the last look */
    uint64_t seen_since; /* monotonic milliseconds */
};

enum config_news {
    CONFIG_NO_NEWS,
    CONFIG_IN_FORCE, /* another file that says the same */
    CONFIG_CHANGED,  /* a reload would change something, or a restart */
    CONFIG_BROKEN,   /* a reload would be refused */
};

/* How many keys have other values in the file than in force: keys that a reload changes, and keys that wait for a
 * restart. */
struct config_change {
    size_t keys, waiting;
};

/* Takes the file as it is now for the one in force. Call it before reading the file. If it is there and no regular
 * file, there will be no news of it. */
void config_watch_begin(struct config_watch *watch, const char *path);

/* Has the next look read the file even if it is still the one that was read last. */
void config_watch_again(struct config_watch *watch);

/* Looks at the file, and reads it once it has been another one for CONFIG_SETTLE_MS; each version is told only once.
 * `started` is what the program was started with, `config` what it read last, `now_ms` monotonic. With CONFIG_CHANGED,
 * *change says what differs; with CONFIG_BROKEN, *error says what is wrong. */
enum config_news config_watch_look(struct config_watch *watch, const char *path, const struct config *started,
                                   const struct config *config, uint64_t now_ms, struct config_change *change,
                                   struct error *error);

#endif
