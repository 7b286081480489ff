#include "report_desk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "answer.h"
#include "ssoferry/clock.h"

enum { TAG_SIZE = 24, AGE_SIZE = 24 };

/* However many ask, reports take one part in SHARE of a processor, and CREDIT_NS more if there were none for that long.
 * So those of a table that is not large are as good as never put off. */
enum { SHARE = 10 };
static const uint64_t CREDIT_NS = UINT64_C(10) * 1000 * 1000 * 1000;

/* The last report. It is shared with the requests that it is being sent to. */
struct kept {
    struct reported reported;
    struct page page;
};

struct waiter {
    h2o_linklist_t link;
    h2o_req_t *req;
};

void report_desk_init(struct report_desk *desk, struct reporter *reporter)
{
    *desk = (struct report_desk){.reporter = reporter};
    h2o_linklist_init_anchor(&desk->waiting);
}

/* -- answering -- */

static void refuse(h2o_req_t *req, const char *explanation)
{
    struct page page;
    const struct answer answer = {.status = 503, .page = &page};
    page_error(&page, true, 503, "report", explanation, (struct text){0}, answer_memory(req));
    answer_send(req, &answer);
}

static struct text known_tag(const h2o_req_t *req)
{
    const ssize_t at = h2o_find_header(&req->headers, H2O_TOKEN_IF_NONE_MATCH, -1);
    if (at < 0)
        return (struct text){0};
    return text_slice(req->headers.entries[at].value.base, req->headers.entries[at].value.len);
}

static struct text entity_tag(h2o_req_t *req, const struct kept *kept)
{
    char *quoted = answer_memory(req).allocate(answer_memory(req).context, TAG_SIZE);
    const int size = snprintf(quoted, TAG_SIZE, "\"%016" PRIx64 "\"", kept->reported.stamp.tag);
    return text_slice(quoted, (size_t)size);
}

/* In whole seconds (RFC 9111 5.1); empty: less than one. */
static struct text age(h2o_req_t *req, uint64_t began_ns)
{
    const uint64_t seconds = (clock_monotonic_ns() - began_ns) / 1000000000;
    if (seconds == 0)
        return (struct text){0};
    char *number = answer_memory(req).allocate(answer_memory(req).context, AGE_SIZE);
    const int size = snprintf(number, AGE_SIZE, "%" PRIu64, seconds);
    return text_slice(number, (size_t)size);
}

static bool is_known(h2o_req_t *req, const struct kept *kept)
{
    return kept != NULL && kept->reported.body != NULL && text_equal(known_tag(req), entity_tag(req, kept));
}

/* Gives what is kept, however old it is. */
static void give(h2o_req_t *req, struct kept *kept)
{
    if (kept->reported.body == NULL) {
        refuse(req, "The report cannot be made; the store or its usage file cannot be read.");
        return;
    }
    const bool known = is_known(req, kept);
    const struct answer answer = {.status = known ? 304 : 200,
                                  .entity_tag = entity_tag(req, kept),
                                  .age = age(req, kept->reported.began_ns),
                                  .page = known ? NULL : &kept->page};
    h2o_mem_link_shared(&req->pool, kept);
    answer_send(req, &answer);
}

/* -- waiting -- */

static void unlink_waiter(void *context)
{
    struct waiter *waiter = context;
    if (h2o_linklist_is_linked(&waiter->link))
        h2o_linklist_unlink(&waiter->link);
}

static void wait_for_report(struct report_desk *desk, h2o_req_t *req)
{
    struct waiter *waiter = h2o_mem_alloc_shared(&req->pool, sizeof(*waiter), unlink_waiter);
    *waiter = (struct waiter){.req = req};
    h2o_linklist_insert(&desk->waiting, &waiter->link);
}

/* What a client does is not noticed while libh2o waits for its answer. One that has shut down its sending side alone
 * cannot be told from one that has gone. */
static bool has_gone(h2o_req_t *req)
{
    char byte;
    const int fd = h2o_socket_get_fd(req->conn->callbacks->get_socket(req->conn));
    const ssize_t got = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

/* Ends waiting for those who have gone, or for everybody. */
static void send_away(struct report_desk *desk, bool everybody, const char *explanation)
{
    for (h2o_linklist_t *node = desk->waiting.next, *next; node != &desk->waiting; node = next) {
        struct waiter *waiter = H2O_STRUCT_FROM_MEMBER(struct waiter, link, node);
        next = node->next;
        if (!everybody && !has_gone(waiter->req))
            continue;
        h2o_linklist_unlink(node);
        refuse(waiter->req, explanation);
    }
}

/* -- reports -- */

static void dispose(void *context)
{
    struct kept *kept = context;
    free(kept->reported.body);
}

static void keep(struct report_desk *desk, const struct reported *reported)
{
    const uint64_t begin = reported->ended_ns - (reported->ended_ns < CREDIT_NS ? 0 : CREDIT_NS);
    const uint64_t from = desk->not_before > begin ? desk->not_before : begin;
    desk->not_before = from + SHARE * (reported->ended_ns - reported->began_ns);
    report_desk_release(desk);
    desk->kept = h2o_mem_alloc_shared(NULL, sizeof(*desk->kept), dispose);
    *desk->kept = (struct kept){.reported = *reported, .page = {.content_type = TEXT("application/json")}};
    if (reported->body != NULL)
        desk->kept->page.body = text_of(reported->body);
}

void report_desk_answer(struct report_desk *desk, h2o_req_t *req, struct admin_report_sources *sources)
{
    struct kept *kept = desk->kept;
    /* The page asks every two seconds, and making a report walks all rows. */
    if (is_known(req, kept) && admin_report_is_current(sources, &kept->reported.stamp)) {
        const struct answer answer = {.status = 304, .entity_tag = entity_tag(req, kept)};
        answer_send(req, &answer);
    } else if (desk->closed) {
        refuse(req, "The daemon is ending.");
    } else if (kept != NULL && clock_monotonic_ns() < desk->not_before) {
        give(req, kept);
    } else {
        wait_for_report(desk, req);
        if (!desk->asked) {
            reporter_ask(desk->reporter, sources);
            desk->asked = true;
            return;
        }
    }
    admin_report_sources_release(sources);
}

void report_desk_look(struct report_desk *desk)
{
    struct reported reported;
    if (desk->asked && reporter_take(desk->reporter, &reported)) {
        desk->asked = false;
        keep(desk, &reported);
        while (!h2o_linklist_is_empty(&desk->waiting)) {
            struct waiter *waiter = H2O_STRUCT_FROM_MEMBER(struct waiter, link, desk->waiting.next);
            h2o_linklist_unlink(&waiter->link);
            give(waiter->req, desk->kept);
        }
    }
    send_away(desk, desk->closed, desk->closed ? "The daemon is ending." : "You have gone.");
}

void report_desk_close(struct report_desk *desk)
{
    desk->closed = true;
    report_desk_look(desk);
}

void report_desk_release(struct report_desk *desk)
{
    if (desk->kept != NULL)
        h2o_mem_release_shared(desk->kept);
    desk->kept = NULL;
}
