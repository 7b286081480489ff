/* The user the daemon runs as: root only while it opens its addresses, an ordinary user afterwards. Call these while
 * the process has a single thread. */
#ifndef SSOFERRY_PRIVILEGES_H
#define SSOFERRY_PRIVILEGES_H

#include <stdbool.h>
#include <sys/types.h>

#include "ssoferry/error.h"

struct privileges {
    bool root; /* was started as root and is to become another user */
    uid_t uid;
    gid_t gid;
};

/* Whether the user exists (NULL: fine), no matter who asks. ERROR_INPUT if not. */
bool privileges_check(const char *user, struct error *error) __attribute__((warn_unused_result));

/* Looks up `user` (NULL: stay as started). If running as root, temporarily switches to that user and its groups, so
 * that whatever is opened or created belongs to it. ERROR_INPUT if there is no such user, or if the process is
 * neither root's nor that user's; ERROR_FAILED if the system refuses. Call privileges_raise() even then. */
bool privileges_lower(struct privileges *privileges, const char *user, struct error *error)
    __attribute__((warn_unused_result));

/* Switches back to root, if privileges_lower() left it. */
bool privileges_raise(const struct privileges *privileges, struct error *error) __attribute__((warn_unused_result));

/* Permanently keeps only the user's ids and groups, verifies that there is no way back, and rules out new privileges
 * through exec. */
bool privileges_drop(const struct privileges *privileges, struct error *error) __attribute__((warn_unused_result));

/* Gives up all capabilities. A daemon that stays root because no `user` is set keeps the one that opens files
 * regardless of owner, so that it can still reach the files it reached before. */
bool privileges_shed_capabilities(struct error *error) __attribute__((warn_unused_result));

#endif
