/* For LD_PRELOAD into a daemon: while the file $SLOW_WHILE is there, each JSON object of a report takes 10 ms to make,
 * as if the table were many times as large. */
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct json_t;
struct json_t *json_object(void);

struct json_t *json_object(void)
{
    struct json_t *(*next)(void) = (struct json_t * (*)(void)) dlsym(RTLD_NEXT, "json_object");
    const char *file = getenv("SLOW_WHILE");
    if (file != NULL && access(file, F_OK) == 0)
        nanosleep(&(struct timespec){0, 10 * 1000 * 1000}, NULL);
    return next();
}
