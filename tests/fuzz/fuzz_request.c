/* Input: a digit for the number of writes to send the rest in (0: one), then what a client sends. The daemon runs in
 * this process. Its output must be HTTP, with at most one answer per request, our headers, and no Location except where
 * the configuration allows. */
#include "fuzz.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_reference.h"
#include "inner_daemon.h"

enum { ANSWER_TIMEOUT_MS = 60000, TURNS = 2000 };

/* -- the client -- */

/* Waits until the daemon has read what was sent, so that what follows arrives in a separate read. */
static void let_it_read(int fd)
{
    int unread = 1;
    for (int i = 0; i < TURNS && ioctl(fd, SIOCOUTQ, &unread) == 0 && unread > 0; i++)
        sched_yield();
}

static void send_all(int fd, struct text bytes)
{
    while (bytes.size > 0) {
        ssize_t sent = send(fd, bytes.at, bytes.size, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* it has closed already */
        bytes = text_slice(bytes.at + sent, bytes.size - (size_t)sent);
    }
}

static void send_in_parts(int fd, struct text bytes, size_t parts)
{
    for (; parts > 1 && bytes.size > parts; parts--) {
        size_t size = bytes.size / parts;
        send_all(fd, text_slice(bytes.at, size));
        let_it_read(fd);
        bytes = text_slice(bytes.at + size, bytes.size - size);
    }
    send_all(fd, bytes);
    shutdown(fd, SHUT_WR);
}

/* libFuzzer's own alarm, every few seconds, interrupts waits. */
static bool wait_for_bytes(int fd)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    int ready = -1;
    do
        ready = poll(&wait, 1, ANSWER_TIMEOUT_MS);
    while (ready < 0 && errno == EINTR);
    return ready == 1;
}

/* Reads all answers up to the end; the caller frees the result. */
static struct text receive_all(int fd)
{
    char *bytes = NULL;
    size_t size = 0;
    for (;;) {
        bytes = memory_resize(bytes, size + 65536);
        MUST(wait_for_bytes(fd));
        ssize_t got = recv(fd, bytes + size, 65536, 0);
        if (got <= 0)
            return text_slice(bytes, size);
        size += (size_t)got;
    }
}

/* -- the answers -- */

struct answer {
    unsigned status;
    struct text location, length, body;
    unsigned locations, lengths, caching, sniffing, ids;
};

static bool is_name(struct text name, const char *wanted)
{
    return text_equal_fold(name, text_of(wanted));
}

static void read_field(struct answer *answer, struct text line)
{
    size_t colon = text_find(line, ':', 0);
    struct text name = text_slice(line.at, colon);
    MUST(colon > 0 && colon < line.size);
    struct text value = text_trim(text_slice(line.at + colon + 1, line.size - colon - 1));
    for (size_t i = 0; i < line.size; i++)
        MUST((unsigned char)line.at[i] >= 0x20 && line.at[i] != 0x7f);
    if (is_name(name, "location"))
        answer->location = value, answer->locations++;
    else if (is_name(name, "content-length"))
        answer->length = value, answer->lengths++;
    else if (is_name(name, "cache-control"))
        answer->caching += text_equal(value, TEXT("no-store"));
    else if (is_name(name, "x-content-type-options"))
        answer->sniffing += text_equal(value, TEXT("nosniff"));
    else if (is_name(name, "x-request-id"))
        answer->ids++;
    MUST(!is_name(name, "transfer-encoding") && !is_name(name, "set-cookie") && !is_name(name, "upgrade"));
}

static struct text take_answer_line(struct text *rest)
{
    struct text line = take_line(rest);
    MUST(line.size > 0 && line.at[line.size - 1] == '\r');
    return text_slice(line.at, line.size - 1);
}

static void take_head(struct text *rest, struct answer *answer)
{
    uint64_t status = 0;
    struct text line = take_answer_line(rest);
    *answer = (struct answer){0};
    MUST(text_starts(line, TEXT("HTTP/1.1 ")) && line.size > 13 && line.at[12] == ' ');
    MUST(text_to_number(text_slice(line.at + 9, 3), 599, &status) && status >= 100);
    answer->status = (unsigned)status;
    while ((line = take_answer_line(rest)).size > 0)
        read_field(answer, line);
}

static void take_body(struct text *rest, struct answer *answer, bool is_head)
{
    uint64_t length = 0;
    MUST(answer->lengths == 1 && text_to_number(answer->length, INT64_MAX, &length));
    if (is_head)
        return;
    MUST(length <= rest->size);
    answer->body = text_slice(rest->at, length);
    *rest = text_slice(rest->at + length, rest->size - length);
}

static size_t count_of(struct text body, const char *word)
{
    size_t count = 0;
    for (const char *at = body.at; body.size > 0; at++, count++) {
        at = memmem(at, body.size - (size_t)(at - body.at), word, strlen(word));
        if (at == NULL)
            break;
    }
    return count;
}

static bool leads_home(struct text url)
{
    return text_starts(url, TEXT("https://api.stytch.com/v1/b2b/sso/callback/saml-connection-live-")) ||
           text_starts(url, TEXT("https://test.stytch.com/v1/b2b/sso/callback/saml-connection-test-")) ||
           text_starts(url, TEXT("https://legacy.example.net/"));
}

static void check_page(const struct answer *answer)
{
    static const char form[] = "<form method=\"post\" accept-charset=\"utf-8\" action=\"";
    size_t forms = count_of(answer->body, "<form");
    MUST(forms == count_of(answer->body, "</form") && forms <= 1 && count_of(answer->body, "<script") == forms);
    if (forms == 0)
        return;
    const char *at = memmem(answer->body.at, answer->body.size, form, strlen(form));
    MUST(answer->status == 200 && at != NULL);
    at += strlen(form);
    MUST(leads_home(text_slice(at, answer->body.size - (size_t)(at - answer->body.at))));
}

/* libh2o's own answer to a request it cannot parse. */
static bool is_bare_refusal(const struct answer *answer)
{
    return answer->status == 400 && answer->ids == 0 && text_equal(answer->body, TEXT("Bad Request"));
}

static void check_answer(const struct answer *answer)
{
    bool redirects = answer->status == 303 || answer->status == 307;
    MUST(answer->locations == (redirects ? 1 : 0));
    MUST(!redirects || leads_home(answer->location));
    MUST(answer->status != 500);
    if (is_bare_refusal(answer))
        return;
    MUST(answer->caching == 1 && answer->sniffing == 1 && answer->ids == 1);
    check_page(answer);
}

/* Interim answers (100) have only a head, and nothing follows if the request never becomes complete. */
static void take_answer(struct text *rest, struct answer *answer, bool is_head)
{
    do
        take_head(rest, answer);
    while (answer->status == 100 && rest->size > 0);
    if (answer->status == 100)
        return;
    struct text whole = *rest;
    take_body(rest, answer, is_head);
    if (is_head && answer->status == 400 && answer->ids == 0) {
        *rest = whole;
        take_body(rest, answer, false);
    }
    check_answer(answer);
}

static void check_answers(struct text sent, struct text answered)
{
    struct answer answer;
    struct reference request;
    for (bool first = true;; first = false) {
        request = reference_next(&sent);
        MUST(!first || request.reading != READING_WHOLE || answered.size > 0);
        if (answered.size == 0)
            return;
        MUST(request.reading != READING_NOTHING);
        take_answer(&answered, &answer, request.is_head);
        MUST(answer.status != 100 || request.reading == READING_DOUBTFUL);
        MUST(request.reading == READING_WHOLE || answered.size == 0);
        MUST(!is_bare_refusal(&answer) || answered.size == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct text sent = text_slice((const char *)data + 1, size - 1);
    int fd = inner_daemon_connect();
    send_in_parts(fd, sent, data[0] % 10);
    struct text answered = receive_all(fd);
    close(fd);
    check_answers(sent, answered);
    free((char *)answered.at);
    return 0;
}
