/* Input: a configuration. */
#include "ssoferry/config.h"
#include "file.h"

static void on_difference(void *context, struct text name, struct text before, struct text after, bool needs_restart)
{
    (void)context;
    (void)before;
    (void)after;
    (void)needs_restart;
    fprintf(stderr, "%.*s differs from itself\n", TEXT_ARGS(name));
    abort();
}

static struct config *read_once(const char *path)
{
    struct config *config = NULL;
    struct error error = {ERROR_NONE, ""};
    struct faults *faults = faults_new();
    bool good = config_read(&config, path, faults, &error);
    MUST(good == (faults_errors(faults) == 0) && good == (config != NULL));
    MUST(good || (error.kind == ERROR_INPUT && error.message[0] != '\0'));
    show_faults(faults);
    faults_free(faults);
    return config;
}

static void check(const struct config *config)
{
    MUST(config->listen_count > 0 && config->gateway.route_count <= CONFIG_ROUTES_MAX);
    MUST(config->threads <= CONFIG_THREADS_MAX && config->health_path[0] == '/');
    for (size_t i = 0; i < config->gateway.route_count; i++)
        MUST(source_problem(config->gateway.routes[i].source) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    int fd = memory_file(text_slice((const char *)data, size), path);
    struct config *config = read_once(path);
    if (config != NULL) {
        struct config *again = read_once(path);
        MUST(again != NULL);
        check(config);
        config_differences(config, config, again, on_difference, NULL);
        config_free(again);
    }
    config_free(config);
    close(fd);
    return 0;
}
