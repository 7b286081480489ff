#include "landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Not in the header of Ubuntu 22.04, or of Debian 12; grouped by the ABI version that introduced it. */
enum { ABI_REFER = 2, ABI_TRUNCATE = 3, ABI_NETWORK = 4, ABI_IOCTL = 5, ABI_SCOPE = 6 };
#define FS_REFER                   ((uint64_t)1 << 13)
#define FS_TRUNCATE                ((uint64_t)1 << 14)
#define FS_IOCTL_DEV               ((uint64_t)1 << 15)
#define NET_BIND_TCP               ((uint64_t)1 << 0)
#define NET_CONNECT_TCP            ((uint64_t)1 << 1)
#define SCOPE_ABSTRACT_UNIX_SOCKET ((uint64_t)1 << 0)
#define SCOPE_SIGNAL               ((uint64_t)1 << 1)

struct ruleset {
    uint64_t fs, net, scoped;
};

static int abi_version(void)
{
    return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

/* Every right on files that this kernel can restrict. */
static uint64_t fs_rights(int abi)
{
    uint64_t rights = ((uint64_t)LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1; /* all rights of the first version */
    rights |= abi >= ABI_REFER ? FS_REFER : 0;
    rights |= abi >= ABI_TRUNCATE ? FS_TRUNCATE : 0;
    return rights | (abi >= ABI_IOCTL ? FS_IOCTL_DEV : 0);
}

static size_t ruleset_size(int abi)
{
    return abi >= ABI_SCOPE     ? sizeof(struct ruleset)
           : abi >= ABI_NETWORK ? offsetof(struct ruleset, scoped)
                                : offsetof(struct ruleset, net);
}

/* In a container, systemd's notify socket may be an abstract one. */
static uint64_t scopes(void)
{
    const char *notify = getenv("NOTIFY_SOCKET");
    return notify != NULL && notify[0] == '@' ? SCOPE_SIGNAL : SCOPE_SIGNAL | SCOPE_ABSTRACT_UNIX_SOCKET;
}

int landlock_begin(void)
{
    int abi = abi_version();
    if (abi < 1)
        return -1;
    const struct ruleset ruleset = {fs_rights(abi), NET_BIND_TCP | NET_CONNECT_TCP, scopes()};
    return (int)syscall(SYS_landlock_create_ruleset, &ruleset, ruleset_size(abi), 0);
}

/* The rights that a file can have. A rule for a file must not name those for directories. */
static const uint64_t file_rights = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE;

static const uint64_t uses[] = {
    [LANDLOCK_READ] = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
    [LANDLOCK_WRITE] = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_WRITE_FILE |
                       LANDLOCK_ACCESS_FS_MAKE_REG | FS_TRUNCATE,
    [LANDLOCK_REMOVE] = LANDLOCK_ACCESS_FS_REMOVE_FILE,
    [LANDLOCK_DEVICE] = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE,
};

bool landlock_allow(int rules, const char *path, enum landlock_use use)
{
    struct stat status;
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT;
    struct landlock_path_beneath_attr rule = {.parent_fd = fd};
    bool known = fstat(fd, &status) == 0;
    rule.allowed_access = uses[use] & fs_rights(abi_version()) & (S_ISDIR(status.st_mode) ? UINT64_MAX : file_rights);
    bool added = known && syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
    int problem = errno;
    close(fd);
    errno = problem;
    return added;
}

bool landlock_enter(int rules)
{
    return syscall(SYS_landlock_restrict_self, rules, 0) == 0;
}
