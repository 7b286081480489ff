/* Relates the URLs of two templates, exactly.
 *
 * A template constrains the host, the path and some parameters independently: its set of URLs is their product, so two
 * templates relate as their parts do. Considered are URLs with a host, without repeated or trailing slashes, and with
 * only the first of equally named parameters, since matching reduces every URL to one of those (except for an empty
 * identifier, which names no connection). */
#include "template_internal.h"

/* How two non-empty sets relate. */
struct relation {
    bool meet;   /* some element is in both */
    bool within; /* all of the first is in the second */
    bool covers; /* all of the second is in the first */
};

static const struct relation EQUAL = {true, true, true};
static const struct relation DISJOINT = {false, false, false};

static struct relation both(struct relation a, struct relation b)
{
    return (struct relation){a.meet && b.meet, a.within && b.within, a.covers && b.covers};
}

/* -- host -- */

static bool cut_label(struct text *host, struct text *label)
{
    if (host->size == 0)
        return false;
    size_t dot = text_find(*host, '.', 0);
    *label = text_slice(host->at, dot);
    size_t next = dot < host->size ? dot + 1 : dot;
    *host = text_from(*host, next);
    return true;
}

/* Walks the labels of a HOST_LABEL pattern in order; the variable one is the star. */
struct label_walk {
    struct text before, after;
    bool star_passed;
};

static bool next_label(struct label_walk *walk, struct text *label, bool *star)
{
    *star = false;
    if (cut_label(&walk->before, label))
        return true;
    *star = !walk->star_passed;
    walk->star_passed = true;
    if (*star) {
        struct text empty;
        cut_label(&walk->after, &empty); /* skips the empty text before the dot after the star */
        return true;
    }
    return cut_label(&walk->after, label);
}

static struct relation relate_label_hosts(const struct host_pattern *first, const struct host_pattern *second)
{
    struct label_walk a = {first->before, first->after, false}, b = {second->before, second->after, false};
    struct relation relation = EQUAL;
    for (;;) {
        struct text a_label = {NULL, 0}, b_label = {NULL, 0};
        bool a_star, b_star;
        bool a_more = next_label(&a, &a_label, &a_star), b_more = next_label(&b, &b_label, &b_star);
        if (a_more != b_more)
            return DISJOINT;
        if (!a_more)
            return relation;
        if (!a_star && !b_star && !text_equal(a_label, b_label))
            return DISJOINT;
        relation = both(relation, (struct relation){true, !a_star || b_star, a_star || !b_star});
    }
}

static bool is_any_host(const struct host_pattern *pattern)
{
    return pattern->kind == HOST_UNSAID || pattern->kind == HOST_WHOLE;
}

static struct relation relate_hosts(const struct host_pattern *first, const struct host_pattern *second)
{
    struct text label;
    if (is_any_host(first) || is_any_host(second))
        return (struct relation){true, is_any_host(second), is_any_host(first)};
    if (first->kind == HOST_LABEL && second->kind == HOST_LABEL)
        return relate_label_hosts(first, second);
    bool within = first->kind == HOST_LITERAL && host_pattern_matches(second, first->before, &label);
    bool covers = second->kind == HOST_LITERAL && host_pattern_matches(first, second->before, &label);
    return (struct relation){within || covers, within, covers};
}

/* -- segments -- */

/* Part of a segment's literal. If folded, it stands for all its spellings. */
struct spelling {
    struct text text;
    bool folded;
};

static bool has_letter(struct text t)
{
    for (size_t i = 0; i < t.size; i++)
        if (text_lower(t.at[i]) >= 'a' && text_lower(t.at[i]) <= 'z')
            return true;
    return false;
}

/* For texts of equal size. */
static struct relation relate_spellings(struct spelling a, struct spelling b)
{
    bool some_folded = a.folded || b.folded;
    bool meet = some_folded ? text_equal_fold(a.text, b.text) : text_equal(a.text, b.text);
    bool one_spelling = !some_folded || !has_letter(a.text);
    return (struct relation){meet, meet && (b.folded || one_spelling), meet && (a.folded || one_spelling)};
}

/* The first or the last `size` bytes of a literal. */
static struct spelling start_of(const struct segment *segment, struct text literal, size_t size)
{
    return (struct spelling){text_slice(literal.at, size), segment->rule == ENCODED_FOLDED_PATH};
}

static struct spelling end_of(const struct segment *segment, struct text literal, size_t size)
{
    return (struct spelling){text_slice(literal.at + literal.size - size, size), segment->rule == ENCODED_FOLDED_PATH};
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Relates what starts (or ends) with two texts of sizes `a` and `b`, of which `shared` relates the common part: fewer
 * texts start with the longer. */
static struct relation relate_affixes(struct relation shared, size_t a, size_t b)
{
    return (struct relation){shared.meet, shared.within && a >= b, shared.covers && b >= a};
}

static struct relation relate_affixed(const struct segment *a, const struct segment *b)
{
    size_t before = least(a->before.size, b->before.size), after = least(a->after.size, b->after.size);
    struct relation starts = relate_spellings(start_of(a, a->before, before), start_of(b, b->before, before));
    struct relation ends = relate_spellings(end_of(a, a->after, after), end_of(b, b->after, after));
    return both(relate_affixes(starts, a->before.size, b->before.size),
                relate_affixes(ends, a->after.size, b->after.size));
}

/* Relates a literal to a segment with fixed text around a variable part. */
static struct relation relate_literal(const struct segment *literal, const struct segment *affixed)
{
    size_t before = affixed->before.size, after = affixed->after.size;
    if (literal->before.size < before + after)
        return DISJOINT;
    struct relation starts =
        relate_spellings(start_of(literal, literal->before, before), start_of(affixed, affixed->before, before));
    struct relation ends =
        relate_spellings(end_of(literal, literal->before, after), end_of(affixed, affixed->after, after));
    struct relation relation = both(starts, ends);
    relation.covers = false; /* the affixed segment leaves a choice */
    return relation;
}

static struct relation turned(struct relation relation)
{
    return (struct relation){relation.meet, relation.covers, relation.within};
}

/* NULL means any segment. */
static struct relation relate_segments(const struct segment *a, const struct segment *b)
{
    if (a == NULL || b == NULL)
        return (struct relation){true, b == NULL, a == NULL};
    if (a->kind == SEGMENT_AFFIXED && b->kind == SEGMENT_AFFIXED)
        return relate_affixed(a, b);
    if (a->kind == SEGMENT_AFFIXED)
        return turned(relate_literal(b, a));
    if (b->kind == SEGMENT_AFFIXED)
        return relate_literal(a, b);
    if (a->before.size != b->before.size)
        return DISJOINT;
    return relate_spellings(start_of(a, a->before, a->before.size), start_of(b, b->before, b->before.size));
}

/* -- paths --
 *
 * The paths of `count` segments that a template matches are a product of one set per position. If it has both `**` and
 * {identifier...}, they are a union of such products: one for each place of the segments before the identifier. */

/* Number of products that make up the template's paths of `count` segments. */
static size_t product_count(const struct template *template, size_t count)
{
    size_t fixed = template->segment_count;
    if (count < fixed || (count > fixed && !template->floating && !template->spread))
        return 0;
    return template->floating && template->spread ? count - fixed + 1 : 1;
}

static size_t segments_behind_spread(const struct template *template)
{
    return template->spread ? template->segment_count - template->identifier_segment - 1 : 0;
}

/* NULL if it may be any segment. */
static const struct segment *required(const struct segment *segment)
{
    return segment->kind != SEGMENT_ANY && segment->kind != SEGMENT_SPREAD ? segment : NULL;
}

/* What a product requires at a position; NULL means any segment. Segments up to the spread one count from where the
 * product has them, those after it from the end. */
static const struct segment *product_segment(const struct template *template, size_t count, size_t product,
                                             size_t position)
{
    const struct segment *segment = NULL;
    if (position >= count - segments_behind_spread(template)) {
        segment = &template->segments[template->segment_count - (count - position)];
    } else if (template->floating && !template->spread) {
        size_t skipped = count - template->segment_count;
        segment = position >= skipped ? &template->segments[position - skipped] : NULL;
    } else {
        size_t before = template->spread ? template->identifier_segment : template->segment_count;
        segment = position >= product && position - product < before ? &template->segments[position - product] : NULL;
    }
    return segment != NULL ? required(segment) : NULL;
}

/* Whether the products meet or, if asked, the first is within the second. Looks from the end, where most paths that do
 * not meet differ at once. */
static bool products_relate(const struct template *a, size_t a_product, const struct template *b, size_t b_product,
                            size_t count, bool within)
{
    bool holds = true;
    for (size_t i = count; i-- > 0 && holds;) {
        const struct relation at =
            relate_segments(product_segment(a, count, a_product, i), product_segment(b, count, b_product, i));
        holds = within ? at.within : at.meet;
    }
    return holds;
}

/* Whether some path of `count` segments is in both. */
static bool lengths_meet(const struct template *a, const struct template *b, size_t count)
{
    size_t a_products = product_count(a, count), b_products = product_count(b, count);
    bool meet = false;
    for (size_t i = 0; i < a_products && !meet; i++) {
        for (size_t j = 0; j < b_products && !meet; j++)
            meet = products_relate(a, i, b, j, count, false);
    }
    return meet;
}

/* Whether all paths of `count` segments of the first are in the second. A product is within a union of products only
 * if it is within one of them: no literal matches its path that has a fresh word wherever there is a choice. */
static bool length_is_within(const struct template *a, const struct template *b, size_t count)
{
    size_t a_products = product_count(a, count), b_products = product_count(b, count), j = 0;
    bool within = true;
    for (size_t i = 0; i < a_products && within; i++) {
        within = false;
        /* The next product is mostly within the one behind that which the last was within. */
        for (size_t tried = 0; tried < b_products && !within; tried++, j = (j + 1) % b_products)
            within = products_relate(a, i, b, j, count, true);
    }
    return within;
}

/* For templates with both `**` and {identifier...}: whether some path matches both. What is before their identifiers
 * may stand one behind the other, so it depends on the ends alone. */
static bool ends_meet(const struct template *a, const struct template *b)
{
    size_t shared = least(segments_behind_spread(a), segments_behind_spread(b));
    for (size_t i = 1; i <= shared; i++) {
        if (!relate_segments(required(&a->segments[a->segment_count - i]), required(&b->segments[b->segment_count - i]))
                 .meet)
            return false;
    }
    return true;
}

/* Beyond the length at which neither template's fixed segments reach the other's from the far end, nothing new comes.
 */
static struct relation relate_paths(const struct template *a, const struct template *b)
{
    size_t longer = a->segment_count > b->segment_count ? a->segment_count : b->segment_count;
    size_t limit = a->segment_count + b->segment_count + longer + 2;
    struct relation all = {false, true, true};
    if (a->floating && a->spread && b->floating && b->spread) {
        if (!ends_meet(a, b))
            return DISJOINT;
        all.meet = true;
    }
    for (size_t count = 0; count <= limit && (!all.meet || all.within || all.covers); count++) {
        all.meet = all.meet || lengths_meet(a, b, count);
        all.within = all.within && length_is_within(a, b, count);
        all.covers = all.covers && length_is_within(b, a, count);
    }
    return all;
}

/* -- queries -- */

/* Whether `wider` requires no more of a parameter than `parameter` does. */
static bool value_within(const struct parameter *parameter, const struct parameter *wider)
{
    switch (wider->kind) {
    case VALUE_ANY:
        return true;
    case VALUE_SOME:
        return parameter->kind == VALUE_SOME || (parameter->kind == VALUE_LITERAL && parameter->value.size > 0);
    case VALUE_LITERAL:
        return parameter->kind == VALUE_LITERAL && text_equal(parameter->value, wider->value);
    }
    return false;
}

static bool values_meet(const struct parameter *a, const struct parameter *b)
{
    if (a->kind == VALUE_LITERAL || b->kind == VALUE_LITERAL)
        return value_within(a, b) || value_within(b, a);
    return true;
}

static const struct parameter *find_parameter(const struct template *template, struct text name)
{
    for (size_t i = 0; i < template->parameter_count; i++)
        if (text_equal(template->parameters[i].name, name))
            return &template->parameters[i];
    return NULL;
}

static struct relation relate_queries(const struct template *a, const struct template *b)
{
    struct relation relation = EQUAL;
    for (size_t i = 0; i < a->parameter_count; i++) {
        const struct parameter *mine = &a->parameters[i], *other = find_parameter(b, mine->name);
        relation = both(relation, other == NULL ? (struct relation){true, true, false}
                                                : (struct relation){values_meet(mine, other), value_within(mine, other),
                                                                    value_within(other, mine)});
    }
    for (size_t i = 0; i < b->parameter_count; i++)
        if (find_parameter(a, b->parameters[i].name) == NULL)
            relation.within = false;
    return relation;
}

enum template_relation template_relation(const struct template *first, const struct template *second)
{
    struct relation relation = both(relate_hosts(&first->host, &second->host), relate_queries(first, second));
    if (relation.meet) /* relating paths takes longest */
        relation = both(relation, relate_paths(first, second));
    if (!relation.meet)
        return TEMPLATE_DISJOINT;
    if (relation.covers)
        return TEMPLATE_COVERS;
    return relation.within ? TEMPLATE_WITHIN : TEMPLATE_OVERLAPS;
}
