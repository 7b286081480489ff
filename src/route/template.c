#include "template_internal.h"

#include <stdlib.h>

void template_free(struct template *template)
{
    free(template);
}

struct text template_source(const struct template *template)
{
    return template->source;
}

bool template_has_identifier(const struct template *template)
{
    return template->place != TEMPLATE_NOWHERE;
}

struct text template_host(const struct template *template)
{
    return template->host.kind == HOST_LITERAL ? template->host.before : (struct text){0};
}

bool template_is_spread(const struct template *template)
{
    return template->place == TEMPLATE_IN_PATH && template->spread;
}

bool template_is_segment(const struct template *template)
{
    return (template->place == TEMPLATE_IN_PATH && !template->spread) || template->place == TEMPLATE_IN_HOST;
}

struct text template_parameter(const struct template *template)
{
    return template->place == TEMPLATE_IN_QUERY ? template->parameters[template->identifier_parameter].name
                                                : (struct text){0};
}

bool template_begins_anyhow(const struct template *template)
{
    const struct segment *first = template->segments;
    return template->floating ||
           (template->segment_count > 0 && (first->kind == SEGMENT_ANY || first->kind == SEGMENT_SPREAD));
}

/* In place, in the template's own bytes; the source is another part of those. */
static void fold(struct template *template, struct text literal)
{
    if (literal.size > 0)
        text_fold(literal, template->bytes + (literal.at - template->bytes));
}

void template_fold_path(struct template *template)
{
    template->folded = true;
    fold(template, template->lead);
    for (size_t i = 0; i < template->segment_count; i++) {
        template->segments[i].rule = ENCODED_FOLDED_PATH;
        fold(template, template->segments[i].before);
        fold(template, template->segments[i].after);
    }
}

bool template_folds_path(const struct template *template)
{
    return template->folded;
}

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

static size_t percent_encode(struct text plain, char *out)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t size = 0;
    for (size_t i = 0; i < plain.size; i++) {
        char c = plain.at[i];
        if (is_unreserved(c)) {
            out[size++] = c;
            continue;
        }
        out[size++] = '%';
        out[size++] = digits[(unsigned char)c >> 4];
        out[size++] = digits[(unsigned char)c & 15];
    }
    return size;
}

static const struct text PATH_HOLE = {"{path}", 6};

bool template_keeps_path(struct text pattern)
{
    return text_ends(pattern, PATH_HOLE);
}

static struct text expand_path(struct text pattern, struct text path, struct memory memory)
{
    const struct text parts[] = {text_slice(pattern.at, pattern.size - PATH_HOLE.size), path};
    return text_join(parts, sizeof parts / sizeof parts[0], memory);
}

struct text template_expand(struct text pattern, struct text identifier, struct text path, struct memory memory)
{
    const struct text hole = TEXT("{identifier}");
    size_t holes = 0;
    if (template_keeps_path(pattern))
        return expand_path(pattern, path, memory);
    for (size_t i = 0; i + hole.size <= pattern.size; i++)
        holes += memcmp(pattern.at + i, hole.at, hole.size) == 0;
    if (holes == 0)
        return pattern;

    char *out = memory.allocate(memory.context, pattern.size + holes * 3 * identifier.size);
    size_t size = 0;
    for (size_t i = 0; i < pattern.size;) {
        if (i + hole.size <= pattern.size && memcmp(pattern.at + i, hole.at, hole.size) == 0) {
            size += percent_encode(identifier, out + size);
            i += hole.size;
        } else {
            out[size++] = pattern.at[i++];
        }
    }
    return text_slice(out, size);
}
