#include "ssoferry/seed.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum { SIZE = 2 * sizeof(uint64_t) };

/* From Linux 4.17 to 5.3, getrandom() may wait for minutes after a boot, and the daemon's start with it. The device
 * does not wait. */
static bool read_device(uint64_t words[2])
{
    int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t got = read(fd, words, SIZE);
    close(fd);
    return got == SIZE;
}

void seed_draw(uint64_t words[2])
{
    struct timespec now;
    if (getrandom(words, SIZE, GRND_NONBLOCK) == SIZE || read_device(words))
        return;
    clock_gettime(CLOCK_REALTIME, &now);
    words[0] = (uint64_t)now.tv_nsec;
    words[1] = (uint64_t)(uintptr_t)words;
}
