/* For LD_PRELOAD into the daemon: a libh2o whose settings are two words larger than the daemon knows, which looks for
 * that in a block of twice the size. */
#include <dlfcn.h>
#include <malloc.h>
#include <string.h>

void h2o_config_init(void *globals);

void h2o_config_init(void *globals)
{
    void (*next)(void *) = (void (*)(void *))dlsym(RTLD_NEXT, "h2o_config_init");
    next(globals);
    memset((char *)globals + malloc_usable_size(globals) / 2, 0, 2 * sizeof(void *));
}
