#include "privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* NULL with *error set if there is no such user, or the lookup fails. */
static const struct passwd *find_entry(const char *user, struct error *error)
{
    errno = 0;
    const struct passwd *entry = getpwnam(user);
    if (entry == NULL && errno != 0 && errno != ENOENT)
        error_set_errno(error, ERROR_FAILED, errno, "user: \"%s\" cannot be looked up", user);
    else if (entry == NULL)
        error_set(error, ERROR_INPUT, "user: there is no user \"%s\": add it (useradd --system), or name another",
                  user);
    return entry;
}

bool privileges_check(const char *user, struct error *error)
{
    return user == NULL || find_entry(user, error) != NULL;
}

static bool find_user(struct privileges *privileges, const char *user, struct error *error)
{
    const struct passwd *entry = find_entry(user, error);
    if (entry == NULL)
        return false;
    if (geteuid() != 0 && entry->pw_uid != geteuid())
        return error_set(error, ERROR_INPUT,
                         "user: only root can become \"%s\": start as root or as that user, or leave `user` out", user);
    *privileges = (struct privileges){geteuid() == 0 && entry->pw_uid != 0, entry->pw_uid, entry->pw_gid};
    return true;
}

static bool fail(const char *step, struct error *error)
{
    return error_set_errno(
        error, ERROR_FAILED, errno,
        "user: cannot become that user (%s): give the process CAP_SETUID and CAP_SETGID, or start as "
        "the user",
        step);
}

bool privileges_lower(struct privileges *privileges, const char *user, struct error *error)
{
    *privileges = (struct privileges){false, 0, 0};
    if (user == NULL)
        return true;
    if (!find_user(privileges, user, error))
        return false;
    if (!privileges->root)
        return true;
    if (initgroups(user, privileges->gid) != 0)
        return fail("setgroups", error);
    if (setegid(privileges->gid) != 0)
        return fail("setegid", error);
    return seteuid(privileges->uid) == 0 || fail("seteuid", error);
}

bool privileges_raise(const struct privileges *privileges, struct error *error)
{
    if (!privileges->root)
        return true;
    if (seteuid(0) != 0)
        return fail("seteuid", error);
    return setegid(0) == 0 || fail("setegid", error);
}

static bool is_only(const struct privileges *privileges)
{
    uid_t ids[3];
    gid_t groups[3];
    if (getresuid(&ids[0], &ids[1], &ids[2]) != 0 || getresgid(&groups[0], &groups[1], &groups[2]) != 0)
        return false;
    for (size_t i = 0; i < 3; ++i) {
        if (ids[i] != privileges->uid || groups[i] != privileges->gid)
            return false;
    }
    return setuid(0) != 0 && seteuid(0) != 0 && setgid(0) != 0;
}

bool privileges_drop(const struct privileges *privileges, struct error *error)
{
    if (privileges->root) {
        if (setresgid(privileges->gid, privileges->gid, privileges->gid) != 0)
            return fail("setresgid", error);
        if (setresuid(privileges->uid, privileges->uid, privileges->uid) != 0)
            return fail("setresuid", error);
        if (!is_only(privileges))
            return error_set(error, ERROR_FAILED, "user: root could be regained: start the daemon as that user");
#ifdef SSOFERRY_SANITIZED
        prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* LeakSanitizer traces the process */
#endif
    }
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ||
           error_set_errno(error, ERROR_FAILED, errno, "new privileges cannot be ruled out");
}

bool privileges_shed_capabilities(struct error *error)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct had[_LINUX_CAPABILITY_U32S_3], left[_LINUX_CAPABILITY_U32S_3] = {{0, 0, 0}};
    if (syscall(SYS_capget, &header, had) != 0)
        return error_set_errno(error, ERROR_FAILED, errno, "capabilities cannot be read");
    if (geteuid() == 0)
        left[0].effective = left[0].permitted = had[0].permitted & 1u << CAP_DAC_OVERRIDE;
    /* There is nothing to give up, and the call itself may be forbidden. */
    if (had[0].permitted == left[0].permitted && had[1].permitted == 0)
        return true;
    return syscall(SYS_capset, &header, left) == 0 ||
           error_set_errno(error, ERROR_FAILED, errno, "capabilities cannot be given up");
}
