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
           holds_only(text_slice(identifier.at + plus + 1, identifier.size - plus - 1), "0123456789");
}

const char *identifier_warning(struct text identifier)
{
    if (identifier.size > 0 && (identifier.at[0] == ' ' || identifier.at[identifier.size - 1] == ' '))
        return "begins or ends with a blank: was that copied by mistake?";
    if (text_has_hidden(identifier))
        return "holds an invisible character, such as a byte order mark or a zero-width space: was that copied by "
               "mistake?";
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
