#include "ssoferry/page.h"

/* Headings for the statuses whose page a person may see. */
static const struct {
    unsigned status;
    const char *heading;
} statuses[] = {
    {400, "This sign-in request cannot be read"},  {404, "This sign-in address is not known"},
    {405, "This address only takes sign-ins"},     {408, "This request took too long to arrive"},
    {410, "This sign-in address is switched off"}, {413, "This sign-in message is too large"},
    {414, "This sign-in address is too long"},     {417, "This request cannot be handled"},
    {431, "Your browser sent too much"},           {500, "Something went wrong here"},
    {503, "Sign-in is not available just now"},    {508, "This sign-in goes round in a circle"},
};

static size_t find_status(unsigned status)
{
    const size_t count = sizeof(statuses) / sizeof(statuses[0]);
    size_t i = 0;
    while (i + 1 < count && statuses[i].status != status)
        ++i;
    return i;
}

/* The q of a media range in thousandths; 1000 if it has none, 0 if it is invalid. */
static unsigned quality(struct text parameters)
{
    for (size_t at = 0; at < parameters.size;) {
        size_t end = text_find(parameters, ';', at);
        struct text parameter = text_trim(text_slice(parameters.at + at, end - at));
        at = end + 1;
        if (!text_starts(parameter, TEXT("q=")) && !text_starts(parameter, TEXT("Q=")))
            continue;
        struct text value = text_from(parameter, 2);
        unsigned thousandths = value.size > 0 && value.at[0] == '1' ? 1000 : 0;
        unsigned weight = 100;
        for (size_t i = 2; i < value.size && i < 5 && thousandths < 1000; ++i, weight /= 10)
            thousandths += value.at[i] >= '0' && value.at[i] <= '9' ? (unsigned)(value.at[i] - '0') * weight : 0;
        return thousandths;
    }
    return 1000;
}

/* How much a client wants a type: how exactly its best matching media range names the type, and the q of that range. A
 * range that names the type beats type/star, which beats star/star. */
struct wish {
    unsigned rank, q;
};

enum { RANK_NONE, RANK_ANY, RANK_HALF, RANK_NAMED };

static void take_range(struct wish *wish, unsigned rank, unsigned q)
{
    if (rank > wish->rank || (rank == wish->rank && rank != RANK_NONE && q > wish->q))
        *wish = (struct wish){rank, q};
}

static unsigned rank_for_html(struct text type)
{
    return text_equal_fold(type, TEXT("text/html")) ? RANK_NAMED
           : text_equal_fold(type, TEXT("text/*"))  ? RANK_HALF
           : text_equal(type, TEXT("*/*"))          ? RANK_ANY
                                                    : RANK_NONE;
}

static unsigned rank_for_json(struct text type)
{
    return text_equal_fold(type, TEXT("application/json")) || text_ends(type, TEXT("+json")) ? RANK_NAMED
           : text_equal_fold(type, TEXT("application/*"))                                    ? RANK_HALF
           : text_equal(type, TEXT("*/*"))                                                   ? RANK_ANY
                                                                                             : RANK_NONE;
}

bool page_wants_json(struct text accept)
{
    struct wish html = {RANK_NONE, 0}, json = {RANK_NONE, 0};
    for (size_t at = 0; at < accept.size;) {
        size_t end = text_find(accept, ',', at);
        struct text range = text_trim(text_slice(accept.at + at, end - at));
        at = end + 1;
        size_t semicolon = text_find(range, ';', 0);
        struct text type = text_trim(text_slice(range.at, semicolon));
        unsigned q = semicolon < range.size ? quality(text_from(range, semicolon + 1)) : 1000;
        take_range(&html, rank_for_html(type), q);
        take_range(&json, rank_for_json(type), q);
    }
    /* If both are wanted equally, the one that is named exactly. */
    return json.rank == RANK_NAMED && json.q > 0 && (json.q > html.q || (json.q == html.q && html.rank < RANK_NAMED));
}

#define STYLE                                                                                                          \
    ":root{color-scheme:light dark}"                                                                                   \
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:12vh auto;padding:0 1rem}"                         \
    "h1{font-size:1.4rem;line-height:1.25}"                                                                            \
    "code{overflow-wrap:anywhere}"

/* The hash is the SHA-256 of STYLE; a test recomputes it. */
#define SECURITY_POLICY                                                                                                \
    "default-src 'none'; style-src 'sha256-MhUi6AF2xkAFq+zWpdL4uqSj66ETiOQdq2K3DiCE33w='; base-uri 'none'; "           \
    "form-action 'none'; frame-ancestors 'none'"

static struct text html_body(unsigned status, const char *explanation, struct text request_id, struct memory memory)
{
    const struct text heading = text_of(statuses[find_status(status)].heading);
    const struct text parts[] = {
        TEXT("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>"),
        heading,
        TEXT("</title>\n<style>" STYLE "</style>\n</head>\n<body>\n<main>\n<h1>"),
        heading,
        TEXT("</h1>\n<p>"),
        text_of(explanation),
        TEXT("</p>\n<p><small>Request <code>"),
        request_id,
        TEXT("</code></small></p>\n</main>\n</body>\n</html>\n"),
    };
    return text_join(parts, sizeof(parts) / sizeof(parts[0]), memory);
}

static struct text json_body(const char *code, const char *explanation, struct text request_id, struct memory memory)
{
    const struct text parts[] = {
        TEXT("{\"error\":\""),
        text_of(code),
        TEXT("\",\"message\":\""),
        text_of(explanation),
        request_id.size > 0 ? TEXT("\",\"request_id\":\"") : TEXT(""),
        request_id,
        TEXT("\"}\n"),
    };
    return text_join(parts, sizeof(parts) / sizeof(parts[0]), memory);
}

void page_error(struct page *page, bool json, unsigned status, const char *code, const char *explanation,
                struct text request_id, struct memory memory)
{
    if (json) {
        page->content_type = TEXT("application/json");
        page->body = json_body(code, explanation, request_id, memory);
        page->security_policy = (struct text){0};
        return;
    }
    page->content_type = TEXT("text/html; charset=utf-8");
    page->body = html_body(status, explanation, request_id, memory);
    page->security_policy = TEXT(SECURITY_POLICY);
}
