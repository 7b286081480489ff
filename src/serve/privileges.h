/* Who the daemon is: root for as long as it takes to open its addresses, and nobody much from then on. For the time
 * when the process has one thread. */
#ifndef SSOFERRY_PRIVILEGES_H
#define SSOFERRY_PRIVILEGES_H

#include <stdbool.h>
#include <sys/types.h>

#include "ssoferry/error.h"

struct privileges {
    bool root; /* started as root and told to become somebody else */
    uid_t uid;
    gid_t gid;
};

/* Whether there is such a user (NULL: fine), whoever asks. ERROR_INPUT where there is none. */
bool privileges_check(const char *user, struct error *error) __attribute__((warn_unused_result));

/* Looks `user` up (NULL: whoever started the daemon) and, for root, lowers it to that user and its groups for the time
 * being: what is opened and made is the user's. ERROR_INPUT where there is no such user or no way to become it. */
bool privileges_lower(struct privileges *privileges, const char *user, struct error *error)
    __attribute__((warn_unused_result));

/* Back to root, where it came from. */
bool privileges_raise(const struct privileges *privileges, struct error *error) __attribute__((warn_unused_result));

/* For good: the user's ids and groups alone, and no new privileges by executing anything; proves that there is no way
 * back. */
bool privileges_drop(const struct privileges *privileges, struct error *error) __attribute__((warn_unused_result));

/* Gives all capabilities up. A daemon that stays root, for want of a `user`, keeps the one to open files whatever their
 * owner, so that it goes on reaching the files that it has reached so far. */
bool privileges_shed_capabilities(struct error *error) __attribute__((warn_unused_result));

#endif
