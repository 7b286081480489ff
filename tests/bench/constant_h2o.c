/* Floors for serving: libh2o answers every request with the same redirect, in one thread, with the same header fields
 * as ssoferryd. No table, no routes, no log. "As it comes" uses libh2o's own settings, among them an input buffer of 8
 * KiB and its `Server` field. "Set up alike" uses the settings that ssoferryd gives it. */

#include "constant_answer.h"
#include "h2o_system.h"
#include "listening.h"

#include <stdbool.h>
#include <string.h>

enum {
    INPUT_BUFFER_SIZE = 16 * 1024,
    BODY_SIZE_MAX = 1024 * 1024,
    IDLE_TIME_MS = 75000,
    HEADERS_MAX = 9,
    WAIT_MS = 500
};

struct field {
    h2o_iovec_t name;
    h2o_iovec_t value;
};

static struct field fields[] = {
#define FIELD(name, value) {{H2O_STRLIT(name)}, {H2O_STRLIT(value)}},
    CONSTANT_FIELDS(FIELD)
#undef FIELD
};

static h2o_globalconf_t globals;
static h2o_context_t context;
static h2o_accept_ctx_t acceptor;

static int on_request(h2o_handler_t *handler, h2o_req_t *req)
{
    static h2o_generator_t generator = {NULL, NULL};
    (void)handler;
    req->res.status = 307;
    req->res.reason = "Temporary Redirect";
    req->res.content_length = 0;
    req->res.headers.size = 0;
    h2o_vector_reserve(&req->pool, &req->res.headers, HEADERS_MAX);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); ++i) {
        h2o_header_t *header = &req->res.headers.entries[req->res.headers.size++];
        header->name = &fields[i].name;
        header->orig_name = NULL;
        header->value = fields[i].value;
    }
    h2o_start_response(req, &generator);
    h2o_send(req, NULL, 0, H2O_SEND_STATE_FINAL);
    return 0;
}

static void on_connection(h2o_socket_t *listener, const char *problem)
{
    h2o_socket_t *socket = NULL;
    struct timeval now;
    if (problem != NULL || (socket = h2o_evloop_socket_accept(listener)) == NULL)
        return;
    gettimeofday(&now, NULL);
    h2o_http1_accept(&acceptor, socket, now);
}

/* As in src/serve/worker.c and server.c. */
static void set_up_alike(void)
{
    h2o_socket_buffer_prototype._initial_buf.capacity = INPUT_BUFFER_SIZE;
    h2o_socket_buffer_prototype.mmap_settings = NULL;
    globals.server_name = h2o_iovec_init(H2O_STRLIT(""));
    globals.max_request_entity_size = BODY_SIZE_MAX;
    globals.http1.req_timeout = IDLE_TIME_MS;
    globals.http1.upgrade_to_http2 = 0;
}

int main(int argc, char **argv)
{
    bool as_it_comes = argc == 3 && strcmp(argv[2], "as-it-comes") == 0;
    int fd = listening_open(as_it_comes ? argc - 1 : argc, argv);
    h2o_config_init(&globals);
    if (!as_it_comes)
        set_up_alike();
    h2o_hostconf_t *host = h2o_config_register_host(&globals, h2o_iovec_init(H2O_STRLIT("constant")), 65535);
    h2o_create_handler(&host->fallback_path, sizeof(h2o_handler_t))->on_req = on_request;
    h2o_context_init(&context, h2o_evloop_create(), &globals);
    acceptor.ctx = &context;
    acceptor.hosts = globals.hosts;
    h2o_socket_t *listener = h2o_evloop_socket_create(context.loop, fd, H2O_SOCKET_FLAG_DONT_READ);
    h2o_socket_read_start(listener, on_connection);
    for (;;)
        h2o_evloop_run(context.loop, WAIT_MS);
}
