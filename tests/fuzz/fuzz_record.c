/* Input: a byte that names the record, then its bytes: what a damaged or foreign file could hold.
 *     c a row of the table        f a row's fields, one per line, as the file formats write them
 *     h hits of a row             u an unknown identifier          t totals
 * What was decoded, then encoded, must decode to the same; and encoding that again must change nothing. */
#include "record.h"

#include "fuzz.h"
#include "same_connection.h"

/* Decodes a record and encodes the result. Returns 0 if the record is refused. */
static size_t connection_again(struct text bytes, char *out)
{
    struct error error;
    struct connection_buffer buffer;
    enum connection_state state = CONNECTION_STYTCH;
    bool known = connection_record_state(bytes, &state);
    const struct text id = connection_record_id(bytes);
    MUST(id.size <= CONNECTION_RECORD_ID_MAX);
    if (!connection_decode(bytes, &buffer, &error))
        return 0;
    MUST(known && state == buffer.row.state);
    MUST(buffer.row.connection_id.size == 0 || connection_id_problem(buffer.row.connection_id) == NULL);
    MUST(buffer.row.organization_id.size == 0 || organization_id_problem(buffer.row.organization_id) == NULL);
    MUST(label_problem(buffer.row.label) == NULL);
    size_t size = connection_encode(&buffer.row, out);
    MUST(size <= CONNECTION_RECORD_SIZE_MAX);
    MUST(text_equal(id, connection_record_id(text_slice(out, size))));
    MUST((id.size > 0) == (buffer.row.connection_id.size > 0));
    return size;
}

static size_t hits_again(struct text bytes, char *out)
{
    struct usage_record record;
    return usage_record_decode(bytes, &record) ? usage_record_encode(&record, out) : 0;
}

static size_t unknown_again(struct text bytes, char *out)
{
    struct unknown_record record;
    return unknown_record_decode(bytes, &record) ? unknown_record_encode(&record, out) : 0;
}

static size_t totals_again(struct text bytes, char *out)
{
    struct usage_totals totals;
    return totals_decode(bytes, &totals) ? totals_encode(&totals, out) : 0;
}

static void check_stable(struct text bytes, size_t (*again)(struct text bytes, char *out))
{
    char first[CONNECTION_RECORD_SIZE_MAX], second[CONNECTION_RECORD_SIZE_MAX];
    size_t size = again(bytes, first);
    if (size > 0)
        MUST(again(text_slice(first, size), second) == size && memcmp(first, second, size) == 0);
}

static bool is_good(const struct connection *row)
{
    struct allowed_hosts *hosts = allowed_hosts_new();
    const struct connection_rules rules = {.stytch = hosts, .legacy = hosts};
    const char *why;
    struct connection_problem problem;
    allowed_hosts_add_stytch(hosts);
    MUST(allowed_hosts_add(hosts, TEXT("legacy.example.net"), &why));
    bool good = connection_check(row, &rules, &problem);
    allowed_hosts_free(hosts);
    return good;
}

/* Any row that obeys the rules must survive the record. */
static void check_fields(struct text lines)
{
    const char *name, *why = NULL;
    struct error error;
    struct connection row = {.state = CONNECTION_STYTCH};
    struct connection_buffer buffer;
    char record[CONNECTION_RECORD_SIZE_MAX];
    for (size_t i = 0; (name = connection_field_name(i)) != NULL; i++) {
        if (!connection_set_field(&row, text_of(name), take_line(&lines), &why))
            MUST(why != NULL);
    }
    if (!is_good(&row))
        return;
    MUST(connection_decode(text_slice(record, connection_encode(&row, record)), &buffer, &error));
    MUST(same_connection(&row, &buffer.row));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct text rest = text_slice((const char *)data + 1, size - 1);
    switch (data[0]) {
    case 'c':
        check_stable(rest, connection_again);
        break;
    case 'f':
        check_fields(rest);
        break;
    case 'h':
        check_stable(rest, hits_again);
        break;
    case 'u':
        check_stable(rest, unknown_again);
        break;
    case 't':
        check_stable(rest, totals_again);
        break;
    default:
        break;
    }
    return 0;
}
