#include <errno.h>

#include "mapping.h"

/* -- scalars -- */

/* Words that YAML 1.1 readers other than ours do not take for text. */
static const char *const words[] = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Whether a text needs no quotes. Stricter than YAML, so that nobody has to think about it. */
static bool is_plain(struct text t)
{
    if (t.size == 0 || !(is_letter(t.at[0]) || t.at[0] == '_') || t.at[t.size - 1] == ' ' || t.at[t.size - 1] == ':')
        return false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (text_equal_fold(t, text_of(words[i])))
            return false;
    }
    for (size_t i = 1; i < t.size; i++) {
        char c = t.at[i];
        if (!is_letter(c) && !(c >= '0' && c <= '9') && (c == '\0' || strchr("_.-/@+=()%?&;~!$*':, ", c) == NULL))
            return false;
        if (c == ' ' && (t.at[i - 1] == ':' || t.at[i - 1] == ' '))
            return false;
    }
    return true;
}

/* Characters that libyaml does not read, or takes for a line break or a byte order mark. All of them are invisible. */
static bool must_be_escaped(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || c == 0xfeff || c == 0xfffe ||
           c == 0xffff;
}

static bool should_be_escaped(uint32_t c)
{
    return must_be_escaped(c) || text_hides(c);
}

/* Whether libyaml still takes it for a key with all of that escaped: at most 1024 characters, including the quotes. */
static bool fits_escaped(struct text t)
{
    size_t size = 2;
    for (size_t at = 0; at < t.size;) {
        uint32_t c = text_character(t, &at);
        size += c == '"' || c == '\\' ? 2 : !should_be_escaped(c) ? 1 : c < 0x100 ? 4 : c < 0x10000 ? 6 : 10;
    }
    return size <= 1024;
}

static void write_quoted(struct text t, FILE *out)
{
    bool (*needs_escape)(uint32_t c) = fits_escaped(t) ? should_be_escaped : must_be_escaped;
    fputc('"', out);
    for (size_t at = 0; at < t.size;) {
        size_t start = at;
        uint32_t character = text_character(t, &at);
        if (character == '"' || character == '\\')
            fprintf(out, "\\%c", (int)character);
        else if (needs_escape(character))
            fprintf(out, character < 0x100 ? "\\x%02x" : character < 0x10000 ? "\\u%04x" : "\\U%08x", character);
        else
            fwrite(t.at + start, 1, at - start, out);
    }
    fputc('"', out);
}

static void write_scalar(struct text t, FILE *out)
{
    if (is_plain(t))
        fwrite(t.at, 1, t.size, out);
    else
        write_quoted(t, out);
}

/* -- rows -- */

static void write_field(const char *indent, const char *name, struct text value, FILE *out)
{
    if (value.size == 0)
        return;
    fprintf(out, "%s  %s: ", indent, name);
    write_scalar(value, out);
    fputc('\n', out);
}

static bool is_short(const struct connection *row)
{
    return row->connection_id.size > 0 && row->state == CONNECTION_STYTCH && row->redirect == REDIRECT_UNSET &&
           row->acs_url.size == 0 && row->legacy_url.size == 0 && row->organization_id.size == 0 &&
           row->label.size == 0;
}

static void write_row(struct text identifier, const struct connection *row, const char *indent, FILE *out)
{
    fputs(indent, out);
    write_scalar(identifier, out);
    if (is_short(row)) {
        fprintf(out, ": %.*s\n", TEXT_ARGS(row->connection_id));
        return;
    }
    fputs(":\n", out);
    write_field(indent, "connection_id", row->connection_id, out);
    write_field(indent, "acs_url", row->acs_url, out);
    if (row->redirect != REDIRECT_UNSET)
        fprintf(out, "%s  redirect: %s\n", indent, redirect_kind_name(row->redirect));
    if (row->state != CONNECTION_STYTCH)
        fprintf(out, "%s  state: %s\n", indent, connection_state_name(row->state));
    write_field(indent, "legacy_url", row->legacy_url, out);
    write_field(indent, "organization_id", row->organization_id, out);
    write_field(indent, "label", row->label, out);
}

/* -- sources -- */

struct exporting {
    struct snapshot *snapshot;
    FILE *out;
    const struct mapping_export_watch *watch; /* may be NULL */
    const char *indent;                       /* indentation of rows */
    uint64_t rows;
};

/* Whether the rows that follow have anywhere to go, and are still wanted. */
static bool goes_on(const struct exporting *exporting, struct error *error)
{
    const struct mapping_export_watch *watch = exporting->watch;
    if (ferror(exporting->out))
        return error_set_errno(error, ERROR_FAILED, errno, "the mapping file cannot be written");
    return watch == NULL || watch->on_row(watch->context, exporting->rows, error);
}

static bool export_row(struct exporting *exporting, const struct table_row *row, struct text identifier,
                       struct error *error)
{
    struct connection_buffer buffer;
    struct error why;
    if (!connection_decode(row->record, &buffer, &why))
        return error_set(error, ERROR_FAILED, "identifier \"%.*s\": %s", TEXT_ARGS(identifier), why.message);
    if (identifier_problem(identifier) != NULL)
        return error_set(error, ERROR_FAILED, "identifier \"%.*s\" %s: the table is damaged", TEXT_ARGS(identifier),
                         identifier_problem(identifier));
    write_row(identifier, &buffer.row, exporting->indent, exporting->out);
    exporting->rows++;
    return goes_on(exporting, error);
}

/* Writes the rows of one source, from the first on. */
static bool export_rows(struct exporting *exporting, struct text source, struct error *error)
{
    char key[SOURCE_SIZE_MAX + 1];
    struct text start = {key, source_first_key(source, key)};
    struct table_row row;
    enum lookup_result result;
    uint64_t rows = exporting->rows;
    snapshot_seek(exporting->snapshot, start);
    while ((result = snapshot_next(exporting->snapshot, &row, error)) == LOOKUP_FOUND && text_starts(row.key, start)) {
        if (rows == exporting->rows)
            fputs("\n", exporting->out);
        if (!export_row(exporting, &row, text_from(row.key, start.size), error))
            return false;
    }
    if (rows == exporting->rows)
        fputs(" {}\n", exporting->out);
    return result != LOOKUP_FAILED;
}

/* Finds the first source after `source` (empty: the first of all). Its name is copied to `found`. */
static enum lookup_result next_source(struct snapshot *snapshot, struct text source, char found[SOURCE_SIZE_MAX],
                                      size_t *size, struct error *error)
{
    char behind[SOURCE_SIZE_MAX + 1];
    struct table_row row;
    struct text name, identifier;
    snapshot_seek(snapshot, text_slice(behind, source_behind_key(source, behind)));
    enum lookup_result result = snapshot_next(snapshot, &row, error);
    if (result != LOOKUP_FOUND)
        return result;
    if (!connection_key_split(row.key, &name, &identifier) || source_problem(name) != NULL) {
        error_set(error, ERROR_FAILED, "the table holds a key that names no source: it is damaged");
        return LOOKUP_FAILED;
    }
    memcpy(found, name.at, name.size);
    *size = name.size;
    return LOOKUP_FOUND;
}

static bool export_one(struct exporting *exporting, struct text source, struct error *error)
{
    exporting->indent = "  ";
    fputs("source: ", exporting->out);
    write_scalar(source, exporting->out);
    fputs("\nconnections:", exporting->out);
    return export_rows(exporting, source, error);
}

static bool export_all(struct exporting *exporting, struct error *error)
{
    char name[SOURCE_SIZE_MAX], other[SOURCE_SIZE_MAX];
    size_t size = 0, other_size = 0;
    enum lookup_result result = next_source(exporting->snapshot, TEXT(""), name, &size, error), more = LOOKUP_ABSENT;
    if (result == LOOKUP_FOUND)
        more = next_source(exporting->snapshot, text_slice(name, size), other, &other_size, error);
    if (result == LOOKUP_FAILED || more == LOOKUP_FAILED)
        return false;
    if (more == LOOKUP_ABSENT)
        return export_one(exporting, result == LOOKUP_FOUND ? text_slice(name, size) : TEXT("default"), error);
    exporting->indent = "    ";
    fputs("sources:\n", exporting->out);
    while (result == LOOKUP_FOUND) {
        fputs("  ", exporting->out);
        write_scalar(text_slice(name, size), exporting->out);
        fputc(':', exporting->out);
        if (!export_rows(exporting, text_slice(name, size), error))
            return false;
        result = next_source(exporting->snapshot, text_slice(name, size), name, &size, error);
    }
    return result == LOOKUP_ABSENT;
}

bool mapping_export(struct snapshot *snapshot, struct text source, FILE *out, const struct mapping_export_watch *watch,
                    uint64_t *rows, struct error *error)
{
    struct exporting exporting = {.snapshot = snapshot, .out = out, .watch = watch};
    fputs("version: 1\n", out);
    bool good = source.size > 0 ? export_one(&exporting, source, error) : export_all(&exporting, error);
    if (!good)
        fputs("\n@ the export ended here: it failed\n", out);
    if (rows != NULL)
        *rows = exporting.rows;
    return good && (!ferror(out) || error_set_errno(error, ERROR_FAILED, errno, "the mapping file cannot be written"));
}
