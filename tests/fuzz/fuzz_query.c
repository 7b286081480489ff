/* Input: a name, a line feed, and a query or form. */
#include "fuzz.h"

#include "ssoferry/form.h"

/* Counts the pairs; together with the '&'s between them they must make up the whole source. */
static size_t walk(struct text source)
{
    size_t count = 0, position = 0, covered = 0;
    for (struct form_pair pair; form_next(source, &position, &pair); count++) {
        MUST(pair.start < pair.end && pair.end <= source.size);
        MUST(pair.name.size + pair.value.size + (pair.has_value ? 1 : 0) == pair.end - pair.start);
        covered += pair.end - pair.start;
    }
    for (size_t i = 0; i < source.size; i++)
        covered += source.at[i] == '&';
    MUST(covered == source.size);
    return count;
}

static void check_decoding(struct text raw, struct memory memory)
{
    struct text strict, lenient;
    MUST(form_decode(raw, true, memory, &lenient));
    MUST(lenient.size <= raw.size);
    MUST(form_name_is(raw, lenient));
    if (form_decode(raw, false, memory, &strict))
        MUST(text_equal(strict, lenient));
    else
        MUST(text_find(raw, '%', 0) < raw.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text source = text_slice((const char *)data, size), name = take_line(&source);
    struct arena *arena = arena_new();
    size_t count = walk(source);
    check_decoding(source, arena_memory(arena));
    struct form_pair pair;
    enum form_find found = form_find(source, name, &pair);
    if (found != FORM_ABSENT) {
        MUST(form_name_is(pair.name, name));
        check_decoding(pair.value, arena_memory(arena));
        struct text rest = form_without(source, &pair, arena_memory(arena));
        MUST(walk(rest) == count - 1);
        MUST((form_find(rest, name, &pair) != FORM_ABSENT) == (found == FORM_TWICE));
    }
    form_content_type(source);
    arena_free(arena);
    return 0;
}
