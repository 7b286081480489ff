#include "meant.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>

#include "address.h"
#include "output.h"
#include "rows.h"
#include "ssoferry/log.h"
#include "ssoferry/revision.h"
#include "ssoferry/shell_word.h"

bool meant_find_elsewhere(struct snapshot *snapshot, struct text source, struct text identifier, char *name)
{
    struct error error = {0};
    struct connection_buffer buffer;
    enum lookup_result next;
    name[0] = '\0';
    while ((next = rows_next_source(snapshot, text_of(name), name, &error)) == LOOKUP_FOUND) {
        if (!text_equal(text_of(name), source) &&
            snapshot_find(snapshot, text_of(name), identifier, &buffer, &error) == LOOKUP_FOUND)
            return true;
    }
    if (next == LOOKUP_FAILED) /* of what comes behind, nothing is known */
        log_warning("%s", error.message);
    name[0] = '\0';
    return false;
}

/* Adds a name, of at most IDENTIFIER_SIZE_MAX bytes, where there is room. */
static void keep(struct nearest *found, struct text name)
{
    snprintf(found->found[found->count++].name, IDENTIFIER_SIZE_MAX + 1, "%.*s", TEXT_ARGS(name));
}

/* Names that are at most `limit` edits away, of all rows or of those that count. People look for a name in either form,
 * percent-encoded or not. */
static void find_within(struct snapshot *snapshot, struct text source, struct text wanted, unsigned limit,
                        bool (*counts)(const void *context, struct text record), const void *context,
                        struct nearest *nearest)
{
    char wanted_bytes[IDENTIFIER_SIZE_MAX], bytes[IDENTIFIER_SIZE_MAX];
    nearest_start(nearest, identifier_decoded(wanted, wanted_bytes));
    nearest->limit = limit < nearest->limit ? limit : nearest->limit;
    struct error error = {0};
    struct table_row row;
    struct text row_source, identifier;
    rows_seek(snapshot, source);
    while (rows_next(snapshot, source, &row, &row_source, &identifier, &error) == LOOKUP_FOUND) {
        if (counts == NULL || counts(context, row.record))
            nearest_offer_spelled(nearest, identifier_decoded(identifier, bytes), identifier);
    }
}

void meant_find_nearest_of(struct snapshot *snapshot, struct text source, struct text wanted,
                           bool (*counts)(const void *context, struct text record), const void *context,
                           struct nearest *nearest)
{
    const unsigned capitals_alone = 0; /* which is quick to check */
    find_within(snapshot, source, wanted, rows_are_compared(snapshot) ? UINT_MAX : capitals_alone, counts, context,
                nearest);
}

void meant_find_nearest(struct snapshot *snapshot, struct text source, struct text wanted, struct nearest *nearest)
{
    meant_find_nearest_of(snapshot, source, wanted, NULL, NULL, nearest);
}

/* The row does not exist, so the last thing that happened to it is that it was removed. */
static bool on_removal(void *context, const struct revision *revision, const struct difference *difference)
{
    struct meant *meant = context;
    char time[TIME_SIZE];
    if (difference->kind != DIFFERENCE_REMOVED)
        return false;
    meant->removed_by = revision->number;
    snprintf(meant->removed, sizeof(meant->removed), "revision %llu removed it (%.20s by %.400s, %s)",
             (unsigned long long)revision->number, revision->command, revision->actor,
             time_text(revision->changed_at, time));
    return false;
}

static bool find_removal(struct snapshot *snapshot, struct text source, struct text identifier, struct meant *meant)
{
    struct error error = {0};
    char key[CONNECTION_KEY_SIZE_MAX];
    if (source_problem(source) != NULL || identifier_problem(identifier) != NULL)
        return false;
    size_t size = connection_key(source, identifier, key);
    return revision_walk_row(snapshot, text_slice(key, size), on_removal, meant, &error) && meant->removed_by > 0;
}

/* The field of the row that equals the word: one that tells rows apart at Stytch, or for people. */
static const char *field_that_is(const struct connection *row, struct text word)
{
    if (text_equal(word, row->connection_id))
        return "connection_id";
    if (text_equal(word, row->organization_id))
        return "organization_id";
    return text_equal_fold(word, row->label) ? "label" : NULL;
}

static void find_by_field(struct snapshot *snapshot, struct text word, struct meant *meant)
{
    struct error error = {0};
    struct table_row row;
    struct text source, identifier;
    struct connection_buffer buffer;
    struct nearest *found = &meant->nearest;
    if (word.size == 0 || !rows_are_compared(snapshot))
        return;
    found->count = 0;
    rows_seek(snapshot, (struct text){0});
    while (found->count < NEAREST_KEPT &&
           rows_next(snapshot, text_of(meant->source), &row, &source, &identifier, &error) == LOOKUP_FOUND) {
        const char *field = connection_decode(row.record, &buffer, &error) ? field_that_is(&buffer.row, word) : NULL;
        if (field == NULL || source.size > SOURCE_SIZE_MAX || identifier.size > IDENTIFIER_SIZE_MAX)
            continue;
        meant->field = field;
        snprintf(meant->source, sizeof(meant->source), "%.*s", TEXT_ARGS(source));
        keep(found, identifier);
    }
}

static bool is_between_names(char c)
{
    return c == ' ' || c == ',' || c == ';';
}

/* The rows of those who are named in one word, as in "acme,globex" or a list in quotation marks. */
static void find_joined(struct snapshot *snapshot, struct text source, struct text word, struct meant *meant)
{
    struct error error = {0};
    struct connection_buffer buffer;
    struct nearest *found = &meant->nearest;
    for (size_t at = 0, end = 0; at < word.size && found->count < NEAREST_KEPT; at = end + 1) {
        end = at;
        while (end < word.size && !is_between_names(word.at[end]))
            ++end;
        const struct text name = text_slice(word.at + at, end - at);
        if (name.size > 0 && name.size <= IDENTIFIER_SIZE_MAX &&
            snapshot_find(snapshot, source, name, &buffer, &error) == LOOKUP_FOUND)
            keep(found, name);
    }
    meant->joined = found->count > 0;
}

/* As `list` shows it, or the admin page. */
static bool find_spelled(struct snapshot *snapshot, struct text source, struct text identifier, struct meant *meant)
{
    struct error error = {0};
    struct connection_buffer buffer;
    char bytes[IDENTIFIER_SIZE_MAX];
    const struct text name = identifier_unspelled(identifier, bytes);
    meant->spelled =
        name.size != identifier.size && snapshot_find(snapshot, source, name, &buffer, &error) == LOOKUP_FOUND;
    if (meant->spelled)
        keep(&meant->nearest, name);
    return meant->spelled;
}

static bool is_letter_or_digit(char c)
{
    return (unsigned char)c >= 0x80 || isalnum((unsigned char)c);
}

/* Whether `part` is in `whole` with nothing but punctuation next to it, in whatever capitals. */
static bool holds_part(struct text whole, struct text part)
{
    for (size_t at = 0; at + part.size <= whole.size; ++at) {
        const size_t end = at + part.size;
        if ((at == 0 || !is_letter_or_digit(whole.at[at - 1])) &&
            (end == whole.size || !is_letter_or_digit(whole.at[end])) &&
            text_equal_fold(text_slice(whole.at + at, part.size), part))
            return true;
    }
    return false;
}

/* Rows named by more than the word, or by less: wayne-enterprises for wayne, acme for acme@example.com. */
static void find_parts(struct snapshot *snapshot, struct text source, struct text wanted, struct nearest *found)
{
    enum { PART_MIN = 4 }; /* bytes; less is in too many names */
    struct error error = {0};
    struct table_row row;
    struct text row_source, identifier;
    if (!rows_are_compared(snapshot))
        return;
    rows_seek(snapshot, source);
    while (found->count < NEAREST_KEPT &&
           rows_next(snapshot, source, &row, &row_source, &identifier, &error) == LOOKUP_FOUND) {
        const bool is_longer = identifier.size > wanted.size;
        const struct text whole = is_longer ? identifier : wanted, part = is_longer ? wanted : identifier;
        if (part.size >= PART_MIN && identifier.size <= IDENTIFIER_SIZE_MAX && holds_part(whole, part))
            keep(found, identifier);
    }
}

/* By its name, or one that is nearly the same. */
static bool find_by_name(struct snapshot *snapshot, struct text source, struct text identifier, bool near,
                         struct meant *meant)
{
    *meant = (struct meant){.near = near};
    if (find_spelled(snapshot, source, identifier, meant))
        return true;
    const bool is_elsewhere = meant_find_elsewhere(snapshot, source, identifier, meant->elsewhere);
    if (near && find_removal(snapshot, source, identifier, meant))
        return true;
    if (near && is_elsewhere)
        find_within(snapshot, source, identifier, 0, NULL, NULL, &meant->nearest);
    else if (near)
        meant_find_nearest(snapshot, source, identifier, &meant->nearest);
    return is_elsewhere || meant->nearest.count > 0;
}

bool meant_find(struct snapshot *snapshot, struct text source, struct text identifier, bool near, struct meant *meant)
{
    if (!find_by_name(snapshot, source, identifier, near, meant) && near)
        find_parts(snapshot, source, identifier, &meant->nearest);
    return meant->nearest.count > 0 || meant->elsewhere[0] != '\0' || meant->removed_by > 0;
}

bool meant_find_typed(struct snapshot *snapshot, struct text source, struct text identifier, struct meant *meant)
{
    const bool found = find_by_name(snapshot, source, identifier, true, meant);
    if (meant->elsewhere[0] != '\0' || meant->removed_by > 0 || meant->spelled)
        return found;
    struct meant by_field = {0};
    find_by_field(snapshot, identifier, &by_field);
    if (by_field.field != NULL)
        *meant = by_field;
    else if (!found)
        find_joined(snapshot, source, identifier, meant);
    if (meant->nearest.count == 0)
        find_parts(snapshot, source, identifier, &meant->nearest);
    return meant->nearest.count > 0;
}

void meant_names(const struct meant *meant, char *names)
{
    size_t size = 0;
    names[0] = '\0';
    for (size_t i = 0; i < meant->nearest.count; ++i) {
        const char *last = meant->field != NULL || meant->joined ? " and " : " or ";
        const char *joint = i == 0 ? "" : i + 1 == meant->nearest.count ? last : ", ";
        size += (size_t)snprintf(names + size, MEANT_NAMES_SIZE - size, "%s%s", joint, meant->nearest.found[i].name);
    }
}

int meant_complain_unknown(const struct gateway_settings *routes, struct snapshot *snapshot, struct text source,
                           struct text identifier, bool near)
{
    struct meant meant;
    if (near)
        (void)meant_find_typed(snapshot, source, identifier, &meant);
    else
        (void)meant_find(snapshot, source, identifier, false, &meant);
    return meant_complain(routes, snapshot, source, identifier, &meant);
}

static int complain_spelled(struct text source, struct text identifier, struct text name)
{
    char *word = shell_word(name);
    log_error("there is no %.*s in source %.*s: the row's name has the invisible character itself. In bash and zsh, "
              "write %s",
              TEXT_ARGS(identifier), TEXT_ARGS(source), word);
    free(word);
    return STATUS_FAILED;
}

/* With --source, a name in other capitals there is at least as likely as the other source. If the history was not
 * searched, the row may have been removed, and that of the other source is another customer's. */
static int complain_elsewhere(struct text source, struct text identifier, const struct meant *meant)
{
    char names[MEANT_NAMES_SIZE];
    meant_names(meant, names);
    if (!meant->near)
        log_error("there is no %.*s in source %.*s; source %s has a row of that name", TEXT_ARGS(identifier),
                  TEXT_ARGS(source), meant->elsewhere);
    else if (names[0] == '\0')
        log_error("there is no %.*s in source %.*s, but in source %s: use --source %s", TEXT_ARGS(identifier),
                  TEXT_ARGS(source), meant->elsewhere, meant->elsewhere);
    else
        log_error("there is no %.*s in source %.*s; did you mean %s? Or the %.*s of source %s (--source %s)?",
                  TEXT_ARGS(identifier), TEXT_ARGS(source), names, TEXT_ARGS(identifier), meant->elsewhere,
                  meant->elsewhere);
    return STATUS_FAILED;
}

/* The row of another source is another customer's: whoever takes a row out twice must not be sent there. */
static int complain_removed(struct text source, struct text identifier, const struct meant *meant)
{
    char other[IDENTIFIER_SIZE_MAX + 2 * SOURCE_SIZE_MAX + 64] = "";
    if (meant->elsewhere[0] != '\0')
        snprintf(other, sizeof(other), ". The %.*s of source %s is another row (--source %s)", TEXT_ARGS(identifier),
                 meant->elsewhere, meant->elsewhere);
    log_error("there is no %.*s in source %.*s: %s; `ssoferry history --show %llu` shows what else it did%s",
              TEXT_ARGS(identifier), TEXT_ARGS(source), meant->removed, (unsigned long long)meant->removed_by, other);
    return STATUS_FAILED;
}

static int complain_address(struct text source, struct text identifier, const struct address_row *row)
{
    const bool elsewhere = !text_equal(source, text_of(row->source));
    log_error("there is no %.*s in source %.*s: it is an address, and sign-ins there are those of %s%s%s",
              TEXT_ARGS(identifier), TEXT_ARGS(source), row->identifier, elsewhere ? ": use --source " : "",
              elsewhere ? row->source : "");
    return STATUS_FAILED;
}

/* Equal to a field of other rows, or made of the names of several. */
static int complain_odd(struct text source, struct text identifier, const struct meant *meant, const char *names)
{
    if (meant->field != NULL) {
        log_error("there is no %.*s in source %.*s: it is the %s of %s (source %s)", TEXT_ARGS(identifier),
                  TEXT_ARGS(source), meant->field, names, meant->source);
        return STATUS_FAILED;
    }
    const bool one = meant->nearest.count == 1;
    log_error("there is no %.*s in source %.*s: in it %s of %s, which need%s", TEXT_ARGS(identifier), TEXT_ARGS(source),
              one ? "is the name" : "are the names", names, one ? "s a word of its own" : " a word each");
    return STATUS_FAILED;
}

static int complain_unlike(struct text source, struct text identifier)
{
    log_error("there is no %.*s in source %.*s; %s", TEXT_ARGS(identifier), TEXT_ARGS(source),
              address_looks_like(identifier)
                  ? "if it is an address that sign-ins come to, `ssoferry explain URL` shows the identifier in it"
                  : "`ssoferry list --match '*PART*'` looks for a part of a name");
    return STATUS_FAILED;
}

/* The two may look the same. */
static int complain_near(struct text source, struct text identifier, const struct meant *meant, const char *names)
{
    const char *given = identifier_warning(identifier);
    const char *why = given != NULL ? given : identifier_warning(text_of(meant->nearest.found[0].name));
    const char *whose = given != NULL ? " The name given " : " That name ";
    log_error("there is no %.*s in source %.*s; did you mean %s?%s%s", TEXT_ARGS(identifier), TEXT_ARGS(source), names,
              why == NULL ? "" : whose, why == NULL ? "" : why);
    return STATUS_FAILED;
}

int meant_complain(const struct gateway_settings *routes, struct snapshot *snapshot, struct text source,
                   struct text identifier, const struct meant *meant)
{
    struct address_row row;
    char names[MEANT_NAMES_SIZE];
    const char *problem = identifier_problem(identifier);
    const bool is_address = address_find_row(routes, snapshot, identifier, &row); /* may be too long for a name */
    if (problem != NULL && !is_address) {
        log_error("the identifier '%.*s' %s, so no row has it", TEXT_ARGS(identifier), problem);
        return STATUS_FAILED;
    }
    if (meant->spelled)
        return complain_spelled(source, identifier, text_of(meant->nearest.found[0].name));
    if (meant->removed_by > 0)
        return complain_removed(source, identifier, meant);
    if (meant->elsewhere[0] != '\0')
        return complain_elsewhere(source, identifier, meant);
    if (is_address)
        return complain_address(source, identifier, &row);
    if (address_is_taken(routes, identifier)) {
        log_error("there is no %.*s in source %.*s: it is an address that sign-ins come to, not an identifier; "
                  "`ssoferry explain URL` shows the identifier in it",
                  TEXT_ARGS(identifier), TEXT_ARGS(source));
        return STATUS_FAILED;
    }
    meant_names(meant, names);
    if (meant->field != NULL || meant->joined)
        return complain_odd(source, identifier, meant, names);
    if (!rows_has_source(snapshot, source))
        return rows_complain_source(snapshot, source);
    if (meant->nearest.count == 0)
        return complain_unlike(source, identifier);
    return complain_near(source, identifier, meant, names);
}
