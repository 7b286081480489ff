/* Likely mistakes in rows that are otherwise valid. */
#include "ssoferry/connection.h"

#include <stdio.h>

bool identifier_looks_encoded(struct text identifier)
{
    for (size_t i = text_find(identifier, '%', 0); i + 2 < identifier.size; i = text_find(identifier, '%', i + 1)) {
        if (text_hex_digit(identifier.at[i + 1]) >= 0 && text_hex_digit(identifier.at[i + 2]) >= 0)
            return true;
    }
    return false;
}

static bool holds_only(struct text t, const char *characters)
{
    size_t at = 0;
    while (at < t.size && t.at[at] != '\0' && strchr(characters, t.at[at]) != NULL)
        at++;
    return at > 0 && at == t.size;
}

/* Whether it is written as spreadsheets write a number of more than about eleven digits: 1.23457E+17. */
static bool looks_shortened(struct text identifier)
{
    size_t plus = text_find(identifier, '+', 0);
    return plus < identifier.size && plus > 1 && identifier.at[plus - 1] == 'E' &&
           holds_only(text_slice(identifier.at, plus - 1), "0123456789.,") &&
           holds_only(text_from(identifier, plus + 1), "0123456789");
}

/* The ways to spell a character out: `digits` hexadecimal digits between two marks, or as many as there are for 0. */
static const struct {
    const char *before;
    size_t digits;
    const char *after;
} spellings[] = {{"\\x", 2, ""}, {"\\u", 4, ""}, {"\\U", 8, ""}, {"<U+", 0, ">"}};

/* The size of a spelling at the start of `t`, with *character set; 0 if there is none of a character that is not seen.
 */
static size_t spelling_at(struct text t, uint32_t *character)
{
    enum { DIGITS_MAX = 8 };
    for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
        const struct text before = text_of(spellings[i].before), after = text_of(spellings[i].after);
        size_t at = before.size, digits = 0;
        uint32_t number = 0;
        if (!text_starts(t, before))
            continue;
        for (; at < t.size && digits < DIGITS_MAX && text_hex_digit(t.at[at]) >= 0; at++, digits++) {
            if (spellings[i].digits > 0 && digits == spellings[i].digits)
                break;
            number = number << 4 | (uint32_t)text_hex_digit(t.at[at]);
        }
        const bool whole = spellings[i].digits > 0 ? digits == spellings[i].digits : digits > 0;
        if (whole && text_starts(text_from(t, at), after) && (number == ' ' || text_hides(number))) {
            *character = number;
            return at + after.size;
        }
    }
    return 0;
}

struct text identifier_unspelled(struct text identifier, char *out)
{
    size_t size = 0;
    if (identifier.size > IDENTIFIER_SIZE_MAX)
        return identifier;
    for (size_t at = 0; at < identifier.size;) {
        uint32_t character = 0;
        const size_t spelled = spelling_at(text_from(identifier, at), &character);
        if (spelled > 0)
            size += text_put_character(out + size, character);
        else
            out[size++] = identifier.at[at];
        at += spelled > 0 ? spelled : 1;
    }
    return size == identifier.size ? identifier : text_slice(out, size);
}

/* Quick where there is nothing to look for: each row that is loaded is asked. */
static bool is_spelled_out(struct text identifier)
{
    char bytes[IDENTIFIER_SIZE_MAX];
    if (text_find(identifier, '\\', 0) == identifier.size && text_find(identifier, '<', 0) == identifier.size)
        return false;
    return identifier_unspelled(identifier, bytes).size != identifier.size;
}

/* Whether a letter is followed by an accent of its own (U+0300 to U+036F), which is nearly always written as one
 * character with its letter. */
static bool has_apart_accent(struct text identifier)
{
    for (size_t i = 1; i + 1 < identifier.size; i++) {
        const unsigned char before = (unsigned char)identifier.at[i - 1], lead = (unsigned char)identifier.at[i],
                            next = (unsigned char)identifier.at[i + 1];
        if ((before | 0x20) >= 'a' && (before | 0x20) <= 'z' && (lead == 0xcc || (lead == 0xcd && next <= 0xaf)))
            return true;
    }
    return false;
}

const char *identifier_warning(struct text identifier)
{
    if (identifier.size > 0 && (identifier.at[0] == ' ' || identifier.at[identifier.size - 1] == ' '))
        return "begins or ends with a blank: was that copied by mistake?";
    if (text_has_hidden(identifier))
        return "holds an invisible character, such as a byte order mark or a zero-width space: was that copied by "
               "mistake?";
    if (is_spelled_out(identifier))
        return "holds the letters that stand for an invisible character, such as \\x20, not that character: a shell "
               "takes it from $'...', a file from double quotes";
    if (!text_is_printable(identifier) && has_apart_accent(identifier))
        return "has an accent as a character of its own, as in a macOS file name or a PDF; it looks the same as with "
               "the accented letter, and is another identifier: was it copied from there?";
    if (looks_shortened(identifier))
        return "looks like a long number that a spreadsheet has shortened: format its column as text, and copy it "
               "again";
    return NULL;
}

struct text identifier_decoded(struct text identifier, char *out)
{
    size_t size = 0;
    if (identifier.size > IDENTIFIER_SIZE_MAX || text_find(identifier, '%', 0) == identifier.size ||
        !text_percent_decode(identifier, TEXT_PLUS_IS_PLUS, out, &size))
        return identifier;
    return text_slice(out, size);
}

bool identifier_has_capitals(struct text identifier)
{
    for (size_t i = 0; i < identifier.size; i++) {
        if (identifier.at[i] >= 'A' && identifier.at[i] <= 'Z')
            return true;
    }
    return false;
}

/* Whether `url` is at `host` and not at `other`; the two hosts may be the same. */
static bool is_at(struct text url, struct text host, struct text other)
{
    struct url parsed;
    const char *why = NULL;
    return url_parse(url, &parsed, &why) && text_equal_fold(parsed.host, host) && !text_equal_fold(host, other);
}

static const char *stage_name(bool is_test)
{
    return is_test ? "test" : "live";
}

static void warn_of_stages(const struct connection *row, const struct connection_rules *rules,
                           void (*on_warning)(void *context, const char *field, const char *message), void *context)
{
    char message[128];
    bool is_test = connection_id_is_test(row->connection_id);
    const char *stage = stage_name(is_test), *other = stage_name(!is_test);
    struct text own_host = is_test ? rules->test_host : rules->live_host;
    struct text other_host = is_test ? rules->live_host : rules->test_host;
    if (row->acs_url.size > 0 && is_at(row->acs_url, other_host, own_host)) {
        snprintf(message, sizeof message, "this acs_url is for %s projects, but the connection is of a %s project",
                 other, stage);
        on_warning(context, "acs_url", message);
    }
    if (row->organization_id.size > 0 && text_starts(row->organization_id, TEXT("organization-test-")) != is_test) {
        snprintf(message, sizeof message, "this organization is of a %s project, but the connection is of a %s project",
                 other, stage);
        on_warning(context, "organization_id", message);
    }
}

void connection_warn(const struct connection *row, const struct connection_rules *rules,
                     void (*on_warning)(void *context, const char *field, const char *message), void *context)
{
    if (row->redirect == REDIRECT_303)
        on_warning(context, "redirect", REDIRECT_303_WARNING);
    if (row->connection_id.size == 0)
        return;
    if (!connection_id_has_uuid(row->connection_id))
        on_warning(context, "connection_id", "this connection id does not end in a whole UUID: was it copied in full?");
    warn_of_stages(row, rules, on_warning, context);
}
