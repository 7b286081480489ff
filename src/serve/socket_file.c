#include "socket_file.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "listener.h"
#include "ssoferry/log.h"

void socket_file_remember(struct socket_file *file, const struct address *address)
{
    struct stat status = {0};
    if (address->family != ADDRESS_UNIX || (lstat(address->path, &status) != 0 && errno != ENOENT))
        return;
    *file = (struct socket_file){address, listener_is_passed(address), .device = status.st_dev, .inode = status.st_ino};
}

/* Whether the file is not in its place. Where that cannot be seen, as in a directory of root's alone, it is taken to
 * be.
 */
static bool is_missing(const struct socket_file *file)
{
    struct stat status;
    if (lstat(file->address->path, &status) != 0)
        return errno == ENOENT || errno == ENOTDIR;
    return status.st_dev != file->device || status.st_ino != file->inode;
}

void socket_file_watch(struct socket_file *file)
{
    const bool missed = file->address != NULL && is_missing(file);
    if (missed && !file->missed)
        log_warning("%s: as far as ssoferryd can see, the socket is not at its path any more, so nobody can connect to "
                    "it: put it back, or %s",
                    file->address->text,
                    file->passed ? "stop ssoferryd, restart the socket unit, and start ssoferryd"
                                 : "restart ssoferryd, which makes another one");
    else if (!missed && file->missed)
        log_info("%s: the socket is at its path again", file->address->text);
    file->missed = missed;
}

void socket_file_remove(struct socket_file *file)
{
    if (file->address != NULL && !file->passed && !is_missing(file))
        unlink(file->address->path);
    file->address = NULL;
}
