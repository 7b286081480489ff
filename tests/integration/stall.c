/* For LD_PRELOAD into a daemon: on SIGURG the thread that gets the signal does nothing more for as long as the file
 * $STALL_WHILE is there, as a thread does that hangs. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static const char *file;

static void on_signal(int number)
{
    int before = errno;
    (void)number;
    while (access(file, F_OK) == 0)
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    errno = before;
}

__attribute__((constructor)) static void prepare(void)
{
    const struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    file = getenv("STALL_WHILE");
    if (file != NULL)
        sigaction(SIGURG, &action, NULL);
}
