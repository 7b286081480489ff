/* Input: two templates, a host, a path and a query, one per line. */
#include "fuzz.h"

#include "ssoferry/template.h"

static struct template *compiled(struct text source)
{
    struct template *template;
    char why[256] = "";
    size_t at = 0;
    if (template_parse(&template, source, why, &at)) {
        MUST(text_equal(template_source(template), source));
        return template;
    }
    MUST(why[0] != '\0' && at <= source.size);
    return NULL;
}

static bool matches(const struct template *template, const struct request *request)
{
    struct template_capture capture;
    enum template_result result = template_match(template, request, &capture);
    if (result != TEMPLATE_MATCHES && result != TEMPLATE_QUERY_TWICE)
        return false;
    switch (capture.place) {
    case TEMPLATE_NOWHERE:
        MUST(!template_has_identifier(template));
        return true;
    case TEMPLATE_IN_PATH:
        MUST(lies_in(capture.raw, request->path));
        break;
    case TEMPLATE_IN_QUERY:
        MUST(capture.raw.size == 0 || lies_in(capture.raw, request->query));
        MUST(capture.parameter.end <= request->query.size);
        break;
    case TEMPLATE_IN_HOST:
        MUST(lies_in(capture.raw, request->host) && capture.raw.size > 0);
        break;
    }
    return true;
}

/* template_relation() covers URLs with a host and without repeated or trailing slashes. */
static bool is_plain(const struct request *request)
{
    struct text path = request->path;
    for (size_t i = 0; i + 1 < path.size; i++)
        if (path.at[i] == '/' && path.at[i + 1] == '/')
            return false;
    return request->host.size > 0 && path.size > 1 && path.at[path.size - 1] != '/';
}

static void check_relation(const struct template *first, const struct template *second, const struct request *request)
{
    bool in_first = matches(first, request), in_second = matches(second, request);
    if (template_source(first).size > 120 || template_source(second).size > 120)
        return;
    enum template_relation relation = template_relation(first, second), reversed = template_relation(second, first);
    MUST((relation == TEMPLATE_DISJOINT) == (reversed == TEMPLATE_DISJOINT));
    MUST((relation == TEMPLATE_OVERLAPS) == (reversed == TEMPLATE_OVERLAPS));
    MUST(relation != TEMPLATE_WITHIN || reversed == TEMPLATE_COVERS);
    if (!is_plain(request))
        return;
    MUST(relation != TEMPLATE_DISJOINT || !in_first || !in_second);
    MUST(relation != TEMPLATE_WITHIN || !in_first || in_second);
    MUST(relation != TEMPLATE_COVERS || !in_second || in_first);
}

/* A path compared without case must still match whatever it matched before. */
static void check_folded(struct template *template, const struct request *request)
{
    struct text source = template_source(template);
    struct template *as_written = compiled(source);
    bool matched = matches(template, request);
    template_fold_path(template);
    MUST(matches(template, request) || !matched);
    MUST(source.size > 120 || template_relation(template, as_written) == TEMPLATE_COVERS);
    template_free(as_written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text rest = text_slice((const char *)data, size);
    struct template *first = compiled(take_line(&rest)), *second = compiled(take_line(&rest));
    struct request request = {.host = take_line(&rest), .path = take_line(&rest), .query = rest, .has_query = true};
    if (first != NULL && second != NULL)
        check_relation(first, second, &request);
    else if (first != NULL)
        matches(first, &request);
    if (first != NULL) {
        MUST(template_relation(first, first) == TEMPLATE_COVERS);
        check_folded(first, &request);
        if (second != NULL)
            check_relation(first, second, &request);
        struct arena *arena = arena_new();
        template_expand(template_source(first), request.path, request.path, arena_memory(arena));
        arena_free(arena);
    }
    template_free(first);
    template_free(second);
    return 0;
}
