#include "ssoferry/file_print.h"

#include <errno.h>
#include <sys/stat.h>

#include "ssoferry/text.h"

uint64_t file_print(uint64_t before, const char *path)
{
    struct stat status = {0};
    const int problem = stat(path, &status) == 0 ? 0 : errno;
    const uint64_t facts[] = {
        (uint64_t)problem,
        (uint64_t)status.st_dev,
        (uint64_t)status.st_ino,
        (uint64_t)status.st_size,
        (uint64_t)status.st_mtim.tv_sec,
        (uint64_t)status.st_mtim.tv_nsec,
        (uint64_t)status.st_ctim.tv_sec,
        (uint64_t)status.st_ctim.tv_nsec,
    };
    return text_fingerprint(text_slice((const char *)facts, sizeof facts), before);
}
