#include "ssoferry/form_post.h"

/* A field named "submit" would hide form.submit, but not the prototype's. The button is disabled because a second post
 * while Stytch is still working would be refused. After ten seconds it is enabled for those who have stopped the page.
 */
#define SCRIPT                                                                                                         \
    "HTMLFormElement.prototype.submit.call(document.querySelector('form'));"                                           \
    "let b=document.querySelector('button');b.disabled=true;setTimeout(()=>{b.disabled=false},1e4)"
/* SHA-256 of SCRIPT; a test recomputes it. */
#define SCRIPT_HASH "sha256-j1EjJY/0BoQmHFRYrf2YLc55gKNGuEopOtAqbbMGz+U="

/* A growing text in the request's memory. Outgrown blocks are freed with the request. */
struct writer {
    struct memory memory;
    char *at;
    size_t size, capacity;
};

static void write_bytes(struct writer *writer, const char *at, size_t size)
{
    if (size > writer->capacity - writer->size) {
        size_t capacity = writer->capacity * 2 + size;
        char *grown = writer->memory.allocate(writer->memory.context, capacity);
        if (writer->size > 0)
            memcpy(grown, writer->at, writer->size);
        writer->at = grown;
        writer->capacity = capacity;
    }
    memcpy(writer->at + writer->size, at, size);
    writer->size += size;
}

static void write_text(struct writer *writer, struct text t)
{
    if (t.size > 0)
        write_bytes(writer, t.at, t.size);
}

/* For an attribute in double quotes. Line breaks are escaped because a bare CR would be read as LF; the browser sends
 * every line break of a hidden field as CRLF, as it did when it first sent this form. */
static const char *const escapes[256] = {
    ['&'] = "&amp;", ['"'] = "&quot;", ['<'] = "&lt;", ['>'] = "&gt;", ['\r'] = "&#13;", ['\n'] = "&#10;"};

static size_t escaped_size(struct text t)
{
    size_t size = t.size;
    for (size_t i = 0; i < t.size; ++i) {
        const char *escape = escapes[(unsigned char)t.at[i]];
        if (escape != NULL)
            size += strlen(escape) - 1;
    }
    return size;
}

static void write_escaped(struct writer *writer, struct text t)
{
    size_t clean = 0;
    for (size_t i = 0; i < t.size; ++i) {
        const char *escape = escapes[(unsigned char)t.at[i]];
        if (escape == NULL)
            continue;
        write_text(writer, text_slice(t.at + clean, i - clean));
        write_text(writer, text_of(escape));
        clean = i + 1;
    }
    write_text(writer, text_from(t, clean));
}

#define FIELD_HEAD   "<input type=\"hidden\" name=\""
#define FIELD_MIDDLE "\" value=\""
#define FIELD_END    "\">\n"

static void write_field(struct writer *writer, const struct form_field *field)
{
    write_text(writer, TEXT(FIELD_HEAD));
    write_escaped(writer, field->name);
    write_text(writer, TEXT(FIELD_MIDDLE));
    write_escaped(writer, field->value);
    write_text(writer, TEXT(FIELD_END));
}

static struct text origin_of(struct text url)
{
    size_t end = text_find(url, '/', 0) + 2;
    while (end < url.size && url.at[end] != '/' && url.at[end] != '?')
        ++end;
    return text_slice(url.at, end < url.size ? end : url.size);
}

#define POLICY_HEAD "default-src 'none'; script-src '" SCRIPT_HASH "'; form-action "
#define POLICY_END  "; base-uri 'none'"

size_t form_post_policy_size(struct text location, struct text onward)
{
    return sizeof(POLICY_HEAD " " POLICY_END) - 1 + origin_of(location).size + onward.size;
}

/* No frame-ancestors: where a redirect reaches Stytch, as in the frame of a portal, this page should, too. It shows
 * nothing that somebody could be made to click. */
static struct text security_policy(struct text location, struct text onward, struct memory memory)
{
    const struct text parts[] = {TEXT(POLICY_HEAD), origin_of(location), TEXT(" "), onward, TEXT(POLICY_END)};
    return text_join(parts, sizeof(parts) / sizeof(parts[0]), memory);
}

/* The page around its fields. */
#define PAGE_HEAD                                                                                                      \
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"                                          \
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Signing in</title>\n</head>\n"   \
    "<body>\n<form method=\"post\" accept-charset=\"utf-8\" action=\""
#define PAGE_BEGIN "\">\n"
#define PAGE_END                                                                                                       \
    "<noscript><p>One more step to sign in:</p></noscript>\n<button type=\"submit\">Continue</button>\n</form>\n"      \
    "<script>" SCRIPT "</script>\n</body>\n</html>\n"

size_t form_post_size(const struct form_fields *fields, struct text location)
{
    size_t size = sizeof(PAGE_HEAD PAGE_BEGIN PAGE_END) - 1 + escaped_size(location);
    for (size_t i = 0; i < fields->count; ++i)
        size += sizeof(FIELD_HEAD FIELD_MIDDLE FIELD_END) - 1 + escaped_size(fields->items[i].name) +
                escaped_size(fields->items[i].value);
    return size;
}

void form_post_page(struct page *page, const struct form_fields *fields, struct text location, struct text onward,
                    size_t size, struct memory memory)
{
    struct writer writer = {memory, memory.allocate(memory.context, size), 0, size};
    write_text(&writer, TEXT(PAGE_HEAD));
    write_escaped(&writer, location);
    write_text(&writer, TEXT(PAGE_BEGIN));
    for (size_t i = 0; i < fields->count; ++i)
        write_field(&writer, &fields->items[i]);
    write_text(&writer, TEXT(PAGE_END));
    page->content_type = TEXT("text/html; charset=utf-8");
    page->body = text_slice(writer.at, writer.size);
    page->security_policy = security_policy(location, onward, memory);
}
