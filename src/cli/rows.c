#include "rows.h"

#include "output.h"
#include "ssoferry/log.h"
#include "ssoferry/revision.h"

enum { SOURCES_SHOWN = 8, ROWS_ASKED_MAX = 1000 };

bool rows_source(const struct arguments *arguments, struct text *source, struct error *error)
{
    *source = arguments->source != NULL ? text_of(arguments->source) : TEXT("default");
    const char *problem = source_problem(*source);
    return problem == NULL ||
           error_set(error, ERROR_INPUT, "--source: the source '%.*s' %s", TEXT_ARGS(*source), problem);
}

void rows_seek(struct snapshot *snapshot, struct text source)
{
    char key[SOURCE_SIZE_MAX + 1];
    snapshot_seek(snapshot, text_slice(key, source_first_key(source, key)));
}

enum lookup_result rows_next(struct snapshot *snapshot, struct text source, struct table_row *row,
                             struct text *row_source, struct text *identifier, struct error *error)
{
    enum lookup_result result = snapshot_next(snapshot, row, error);
    if (result != LOOKUP_FOUND)
        return result;
    if (!connection_key_split(row->key, row_source, identifier)) {
        error_set(error, ERROR_FAILED, "a row of the table has a key that cannot be read: the store is damaged");
        return LOOKUP_FAILED;
    }
    return source.size == 0 || text_equal(source, *row_source) ? LOOKUP_FOUND : LOOKUP_ABSENT;
}

enum lookup_result rows_next_source(struct snapshot *snapshot, struct text after, char *name, struct error *error)
{
    char key[SOURCE_SIZE_MAX + 1];
    snapshot_seek(snapshot, text_slice(key, source_behind_key(after, key)));
    struct table_row row;
    struct text source, identifier;
    enum lookup_result result = rows_next(snapshot, (struct text){0}, &row, &source, &identifier, error);
    if (result != LOOKUP_FOUND)
        return result;
    if (source.size > SOURCE_SIZE_MAX) { /* the caller could not get past it and would find it again and again */
        error_set(error, ERROR_FAILED, "a row of the table has a source that cannot be one: the store is damaged");
        return LOOKUP_FAILED;
    }
    memcpy(name, source.at, source.size);
    name[source.size] = '\0';
    return LOOKUP_FOUND;
}

bool rows_stage(struct snapshot *snapshot, struct text source,
                bool (*is_left_out)(const void *context, struct text source, struct text identifier),
                const void *context, bool *is_test)
{
    struct error error = {0};
    struct table_row row;
    struct text row_source, identifier;
    rows_seek(snapshot, source);
    for (int i = 0; i < ROWS_ASKED_MAX; ++i) {
        if (rows_next(snapshot, source, &row, &row_source, &identifier, &error) != LOOKUP_FOUND)
            return false;
        if ((is_left_out == NULL || !is_left_out(context, row_source, identifier)) &&
            connection_record_is_test(row.record, is_test))
            return true;
    }
    return false;
}

void rows_warn_of_stage(bool is_test)
{
    log_warning("rows of a %s project now stand beside rows of a %s project: the sign-ins of one of them end at the "
                "wrong place",
                is_test ? "test" : "live", is_test ? "live" : "test");
}

bool rows_is_cut_over(const enum connection_state *was, const struct connection *row)
{
    return (was == NULL || *was != CONNECTION_STYTCH) && row->state == CONNECTION_STYTCH && row->legacy_url.size == 0;
}

void rows_warn_of_cut_over(uint64_t rows, bool would)
{
    char count[NUMBER_SIZE];
    if (rows == 0)
        return;
    log_warning("%s row%s %s to Stytch in spite of `observe: true`: a route without a legacy_url takes no part in the "
                "rehearsal, and `ssoferryd --check` names it",
                number_grouped(rows, count), plural(rows),
                would       ? "would go"
                : rows == 1 ? "goes"
                            : "go");
}

int rows_complain_source(struct snapshot *snapshot, struct text source)
{
    struct error error = {0};
    char sources[SOURCES_SHOWN * (SOURCE_SIZE_MAX + 2) + 1] = "";
    char name[SOURCE_SIZE_MAX + 1] = "";
    for (int i = 0; i < SOURCES_SHOWN && rows_next_source(snapshot, text_of(name), name, &error) == LOOKUP_FOUND; ++i)
        snprintf(sources + strlen(sources), sizeof(sources) - strlen(sources), "%s%s", i > 0 ? ", " : "", name);
    if (sources[0] == '\0')
        log_error("the table has no rows; `ssoferry load` fills it");
    else
        log_error("source %.*s has no rows; there are rows of: %s", TEXT_ARGS(source), sources);
    return STATUS_FAILED;
}

bool rows_find_elsewhere(struct snapshot *snapshot, struct text source, struct text identifier, char *name)
{
    struct error error = {0};
    struct connection_buffer buffer;
    name[0] = '\0';
    while (rows_next_source(snapshot, text_of(name), name, &error) == LOOKUP_FOUND) {
        if (!text_equal(text_of(name), source) &&
            snapshot_find(snapshot, text_of(name), identifier, &buffer, &error) == LOOKUP_FOUND)
            return true;
    }
    return false;
}

/* People look for a name in either form, percent-encoded or not. */
void rows_find_nearest(struct snapshot *snapshot, struct text source, struct text wanted, struct nearest *nearest)
{
    char wanted_bytes[IDENTIFIER_SIZE_MAX], bytes[IDENTIFIER_SIZE_MAX];
    nearest_start(nearest, identifier_decoded(wanted, wanted_bytes));
    if (!rows_are_compared(snapshot))
        nearest->limit = 0; /* only other capitals, which is quick to check */
    struct error error = {0};
    struct table_row row;
    struct text row_source, identifier;
    rows_seek(snapshot, source);
    while (rows_next(snapshot, source, &row, &row_source, &identifier, &error) == LOOKUP_FOUND)
        nearest_offer_spelled(nearest, identifier_decoded(identifier, bytes), identifier);
}

bool rows_has_source(struct snapshot *snapshot, struct text source)
{
    struct error error = {0};
    struct table_row row;
    struct text row_source, identifier;
    rows_seek(snapshot, source);
    return rows_next(snapshot, source, &row, &row_source, &identifier, &error) != LOOKUP_ABSENT;
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
        snprintf(found->found[found->count++].name, IDENTIFIER_SIZE_MAX + 1, "%.*s", TEXT_ARGS(identifier));
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
            snprintf(found->found[found->count++].name, IDENTIFIER_SIZE_MAX + 1, "%.*s", TEXT_ARGS(name));
    }
    meant->joined = found->count > 0;
}

bool rows_meant_or_field(struct snapshot *snapshot, struct text source, struct text identifier, struct meant *meant)
{
    bool found = rows_meant(snapshot, source, identifier, true, meant);
    if (meant->elsewhere[0] != '\0' || meant->removed_by > 0)
        return found;
    struct meant by_field = {0};
    find_by_field(snapshot, identifier, &by_field);
    if (by_field.field != NULL)
        *meant = by_field;
    else if (!found)
        find_joined(snapshot, source, identifier, meant);
    return found || by_field.field != NULL || meant->joined;
}

bool rows_meant(struct snapshot *snapshot, struct text source, struct text identifier, bool near, struct meant *meant)
{
    meant->nearest.count = 0;
    meant->field = NULL;
    meant->joined = false;
    meant->removed_by = 0;
    meant->removed[0] = '\0';
    if (rows_find_elsewhere(snapshot, source, identifier, meant->elsewhere))
        return true;
    meant->elsewhere[0] = '\0';
    if (near && find_removal(snapshot, source, identifier, meant))
        return true;
    if (near)
        rows_find_nearest(snapshot, source, identifier, &meant->nearest);
    return meant->nearest.count > 0;
}

void rows_meant_names(const struct meant *meant, char *names)
{
    size_t size = 0;
    names[0] = '\0';
    for (size_t i = 0; i < meant->nearest.count; ++i) {
        const char *last = meant->field != NULL || meant->joined ? " and " : " or ";
        const char *joint = i == 0 ? "" : i + 1 == meant->nearest.count ? last : ", ";
        size += (size_t)snprintf(names + size, MEANT_NAMES_SIZE - size, "%s%s", joint, meant->nearest.found[i].name);
    }
}

int rows_complain_unknown(struct snapshot *snapshot, struct text source, struct text identifier, bool near)
{
    struct meant meant;
    if (near)
        (void)rows_meant_or_field(snapshot, source, identifier, &meant);
    else
        (void)rows_meant(snapshot, source, identifier, false, &meant);
    return rows_complain_meant(snapshot, source, identifier, &meant);
}

int rows_complain_meant(struct snapshot *snapshot, struct text source, struct text identifier,
                        const struct meant *meant)
{
    const char *problem = identifier_problem(identifier);
    if (problem != NULL) {
        log_error("the identifier '%.*s' %s, so no row has it", TEXT_ARGS(identifier), problem);
        return STATUS_FAILED;
    }
    if (meant->elsewhere[0] != '\0') {
        log_error("there is no %.*s in source %.*s, but in source %s: add --source %s", TEXT_ARGS(identifier),
                  TEXT_ARGS(source), meant->elsewhere, meant->elsewhere);
        return STATUS_FAILED;
    }
    if (meant->removed_by > 0) {
        log_error("there is no %.*s in source %.*s: %s; `ssoferry history --show %llu` shows what else it did",
                  TEXT_ARGS(identifier), TEXT_ARGS(source), meant->removed, (unsigned long long)meant->removed_by);
        return STATUS_FAILED;
    }
    char names[MEANT_NAMES_SIZE];
    rows_meant_names(meant, names);
    if (meant->field != NULL) {
        log_error("there is no %.*s in source %.*s: it is the %s of %s (source %s)", TEXT_ARGS(identifier),
                  TEXT_ARGS(source), meant->field, names, meant->source);
        return STATUS_FAILED;
    }
    if (meant->joined) {
        const bool one = meant->nearest.count == 1;
        log_error("there is no %.*s in source %.*s: in it %s of %s, which need%s", TEXT_ARGS(identifier),
                  TEXT_ARGS(source), one ? "is the name" : "are the names", names,
                  one ? "s a word of its own" : " a word each");
        return STATUS_FAILED;
    }
    if (!rows_has_source(snapshot, source))
        return rows_complain_source(snapshot, source);

    if (meant->nearest.count == 0) {
        log_error("there is no %.*s in source %.*s; `ssoferry list --match '*PART*'` looks for a part of a name",
                  TEXT_ARGS(identifier), TEXT_ARGS(source));
        return STATUS_FAILED;
    }
    log_error("there is no %.*s in source %.*s; did you mean %s?", TEXT_ARGS(identifier), TEXT_ARGS(source), names);
    return STATUS_FAILED;
}
