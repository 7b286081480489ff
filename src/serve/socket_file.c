#include "socket_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include "listener.h"

void socket_file_remember(struct socket_file *file, const struct address *address)
{
    struct stat status;
    if (address->family != ADDRESS_UNIX || lstat(address->path, &status) != 0)
        return;
    *file = (struct socket_file){address, listener_is_passed(address), status.st_dev, status.st_ino};
}

static bool is_in_place(const struct socket_file *file)
{
    struct stat status;
    return lstat(file->address->path, &status) == 0 && status.st_dev == file->device && status.st_ino == file->inode;
}

void socket_file_remove(struct socket_file *file)
{
    if (file->address != NULL && !file->passed && is_in_place(file))
        unlink(file->address->path);
    file->address = NULL;
}
