#include "inner_daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fuzz.h"
#include "server.h"
#include "ssoferry/log.h"
#include "ssoferry/table.h"

enum { START_TRIES = 3000, TRY_US = 10000 };

static char directory[] = "/tmp/ssoferry-fuzz-XXXXXX";
static pthread_t thread;

static const char configuration[] =
    "store: %s/table\n"
    "listen: [{address: 'unix:%s/socket'}]\n"
    "threads: 1\n"
    "sandbox: off\n" /* it would restrict the target too */
    "hosts: [sso.example.com]\n"
    "drain: {delay: 0s, timeout: 10s}\n"
    "limits: {body: 4KiB}\n"
    "legacy: {allowed_hosts: [legacy.example.net], unmatched_url: https://legacy.example.net}\n"
    "routes:\n"
    "  - {match: 'https://{identifier}.sso.example.com/acs'}\n"
    "  - {match: '/old-sso/{identifier}'}\n"
    "  - {match: '/form/{identifier}', redirect: form}\n"
    "  - {match: '/get/{identifier}', redirect: 303, fold_case: true}\n"
    "  - {match: '/groups/{identifier...}/-/saml/callback', unknown: legacy,\n"
    "     legacy_url: 'https://legacy.example.net/acs?c={identifier}'}\n"
    "  - {match: '/login/callback?connection={identifier}'}\n"
    "  - {match: /login/callback, identify_by: issuer}\n"
    "  - {match: /complete/saml/, identify_by: relay_state}\n";

static const struct {
    const char *identifier;
    struct connection row;
} rows[] = {
    {"acme", {.connection_id = {"saml-connection-live-1", 22}}},
    {"a/b c", {.connection_id = {"saml-connection-test-2", 22}}},
    {"https://idp.example.com/x", {.connection_id = {"saml-connection-live-3", 22}}},
    {"old", {.state = CONNECTION_LEGACY, .legacy_url = {"https://legacy.example.net/old?a=b", 34}}},
    {"off", {.state = CONNECTION_DISABLED}},
};

static void fill_store(const char *path)
{
    struct error error;
    struct table *table = NULL;
    struct change *change = NULL;
    const struct table_options options = {.mode = TABLE_WRITE};
    const struct revision_note note = {.command = "load", .actor = "fuzz"};
    MUST(table_open(&table, path, &options, &error) && change_begin(&change, table, &error));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char key[CONNECTION_KEY_SIZE_MAX], record[CONNECTION_RECORD_SIZE_MAX];
        struct text name = {key, connection_key(TEXT("default"), text_of(rows[i].identifier), key)};
        MUST(change_put(change, name, text_slice(record, connection_encode(&rows[i].row, record)), &error));
    }
    MUST(change_commit(change, &note, NULL, &error));
    table_close(table);
}

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static void *serve(void *started)
{
    struct error error = {ERROR_NONE, ""};
    struct config *config = NULL;
    struct faults *faults = faults_new();
    char *path = memory_string(text_of(path_of("ssoferryd.yaml")));
    struct config_watch watch;
    config_watch_begin(&watch, path);
    bool good = config_read(&config, path, faults, &error);
    faults_write(faults, stderr);
    faults_free(faults);
    (void)started;
    if (!good || !server_run(path, &watch, &config, &error)) {
        fprintf(stderr, "%s\n", error.message);
        abort();
    }
    config_free(config);
    free(path);
    return NULL;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static void stop(void)
{
    pthread_kill(thread, SIGTERM);
    pthread_join(thread, NULL);
}

/* Makes the directory, and a process that removes it once this process has gone, however it ends: a crash runs no
 * registered handlers. That process waits for the end of a pipe that only this one holds open, out of reach of Ctrl-C.
 */
static void make_directory(void)
{
    int ends[2];
    char nothing;
    MUST(mkdtemp(directory) != NULL && pipe2(ends, O_CLOEXEC) == 0);
    pid_t remover = fork();
    MUST(remover >= 0);
    close(ends[remover == 0]);
    if (remover > 0)
        return;
    setsid();
    while (read(ends[0], &nothing, 1) < 0 && errno == EINTR)
        continue;
    nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    _exit(0);
}

static int try_connect(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, path_of("socket"), sizeof address.sun_path - 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    MUST(fd >= 0);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

static void start(void)
{
    make_directory();
    FILE *file = fopen(path_of("ssoferryd.yaml"), "we");
    MUST(file != NULL && fprintf(file, configuration, directory, directory) > 0 && fclose(file) == 0);
    fill_store(path_of("table"));
    /* The request log is written there. */
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    MUST(nowhere >= 0 && dup2(nowhere, STDOUT_FILENO) >= 0 && close(nowhere) == 0);
    MUST(pthread_create(&thread, NULL, serve, NULL) == 0);
}

int inner_daemon_connect(void)
{
    static bool started;
    if (!started)
        start();
    int fd = try_connect();
    for (int i = 0; i < START_TRIES && fd < 0 && !started; i++) {
        usleep(TRY_US);
        fd = try_connect();
    }
    MUST(fd >= 0);
    /* Registered only now, so that it runs before the handlers that the daemon's libraries registered. */
    if (!started)
        atexit(stop);
    started = true;
    return fd;
}
