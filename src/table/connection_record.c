/* A connection's record (format: ssoferry/connection.h) and its key. */
#include "connection_id.h"

#include <assert.h>

#include "ssoferry/bytes.h"

enum { RECORD_VERSION = 1, RECORD_HEAD = 3 };
enum { ID_NONE, ID_RAW, ID_UUID, ID_FORMS = ID_UUID + SHORT_ID_PREFIXES };
enum { HAS_ACS_URL = 0x10, HAS_LEGACY_URL = 0x20, HAS_ORGANIZATION_ID = 0x40, HAS_LABEL = 0x80 };

static char *put_bytes(char *at, const char *bytes, size_t size)
{
    if (size > 0)
        memcpy(at, bytes, size);
    return at + size;
}

/* -- encoding -- */

static char *put_connection_id(char *at, struct text id, char *form)
{
    struct short_id parsed;
    *form = ID_NONE;
    if (id.size == 0)
        return at;
    if (!short_id_parse(id, &parsed)) {
        *form = ID_RAW;
        *at++ = (char)id.size;
        return put_bytes(at, id.at, id.size);
    }
    *form = (char)(ID_UUID + parsed.prefix);
    return put_bytes(at, (const char *)parsed.uuid, UUID_SIZE);
}

size_t short_id_encode(const struct short_id *id, char *out)
{
    out[0] = RECORD_VERSION;
    out[1] = 0;
    out[2] = (char)(ID_UUID + id->prefix);
    memcpy(out + RECORD_HEAD, id->uuid, UUID_SIZE);
    return RECORD_HEAD + UUID_SIZE;
}

static char *put_field(char *at, struct text value)
{
    if (value.size == 0)
        return at;
    *at++ = (char)(value.size >> 8);
    *at++ = (char)(value.size & 0xff);
    return put_bytes(at, value.at, value.size);
}

size_t connection_encode(const struct connection *connection, char *out)
{
    char *at = out + RECORD_HEAD;
    assert(connection->connection_id.size <= CONNECTION_ID_SIZE_MAX && connection->acs_url.size <= URL_SIZE_MAX &&
           connection->legacy_url.size <= URL_SIZE_MAX &&
           connection->organization_id.size <= ORGANIZATION_ID_SIZE_MAX && connection->label.size <= LABEL_SIZE_MAX);
    out[0] = RECORD_VERSION;
    out[1] =
        (char)((unsigned)connection->state | (unsigned)connection->redirect << 2 |
               (connection->acs_url.size ? HAS_ACS_URL : 0u) | (connection->legacy_url.size ? HAS_LEGACY_URL : 0u) |
               (connection->organization_id.size ? HAS_ORGANIZATION_ID : 0u) |
               (connection->label.size ? HAS_LABEL : 0u));
    at = put_connection_id(at, connection->connection_id, &out[2]);
    at = put_field(at, connection->acs_url);
    at = put_field(at, connection->legacy_url);
    at = put_field(at, connection->organization_id);
    at = put_field(at, connection->label);
    return (size_t)(at - out);
}

/* -- decoding -- */

struct reader {
    const unsigned char *at;
    size_t left;
    char *out; /* where the next value's bytes go */
};

static bool take(struct reader *reader, size_t size, const unsigned char **bytes)
{
    if (reader->left < size)
        return false;
    *bytes = reader->at;
    reader->at += size;
    reader->left -= size;
    return true;
}

static bool take_value(struct reader *reader, size_t size, struct text *value)
{
    const unsigned char *bytes = NULL;
    if (!take(reader, size, &bytes))
        return false;
    memcpy(reader->out, bytes, size);
    *value = text_slice(reader->out, size);
    reader->out += size;
    return true;
}

static bool take_connection_id(struct reader *reader, unsigned form, struct text *id)
{
    const unsigned char *bytes = NULL;
    if (form == ID_NONE)
        return true;
    if (form == ID_RAW) /* an id with a UUID has only one valid form: the short one */
        return take(reader, 1, &bytes) && take_value(reader, bytes[0], id) && connection_id_problem(*id) == NULL &&
               !connection_id_has_uuid(*id);
    if (form >= ID_FORMS || !take(reader, UUID_SIZE, &bytes))
        return false;
    struct short_id parsed = {.prefix = form - ID_UUID};
    memcpy(parsed.uuid, bytes, UUID_SIZE);
    char *end = short_id_write(&parsed, reader->out);
    *id = text_slice(reader->out, (size_t)(end - reader->out));
    reader->out = end;
    return true;
}

static bool take_field(struct reader *reader, bool present, size_t max, struct text *value)
{
    const unsigned char *bytes = NULL;
    if (!present)
        return true;
    if (!take(reader, 2, &bytes))
        return false;
    size_t size = (size_t)bytes[0] << 8 | bytes[1];
    return size > 0 && size <= max && take_value(reader, size, value);
}

/* Whether it has only characters that a URL may have; connection_check() judges the URL itself. */
static bool is_visible_ascii(struct text t)
{
    for (size_t i = 0; i < t.size; i++) {
        if (t.at[i] <= ' ' || t.at[i] >= 0x7f)
            return false;
    }
    return true;
}

static bool decode_body(struct reader *reader, unsigned flags, unsigned form, struct connection *row)
{
    return take_connection_id(reader, form, &row->connection_id) &&
           take_field(reader, flags & HAS_ACS_URL, URL_SIZE_MAX, &row->acs_url) &&
           take_field(reader, flags & HAS_LEGACY_URL, URL_SIZE_MAX, &row->legacy_url) &&
           take_field(reader, flags & HAS_ORGANIZATION_ID, ORGANIZATION_ID_SIZE_MAX, &row->organization_id) &&
           take_field(reader, flags & HAS_LABEL, LABEL_SIZE_MAX, &row->label) && reader->left == 0;
}

static bool is_sound(const struct connection *row)
{
    return (row->connection_id.size > 0 || (row->state != CONNECTION_STYTCH && row->acs_url.size == 0)) &&
           is_visible_ascii(row->acs_url) && is_visible_ascii(row->legacy_url) &&
           (row->organization_id.size == 0 || organization_id_problem(row->organization_id) == NULL) &&
           (row->label.size == 0 || label_problem(row->label) == NULL);
}

bool connection_record_state(struct text record, enum connection_state *state)
{
    if (record.size < RECORD_HEAD || record.at[0] != RECORD_VERSION || (record.at[1] & 3) >= CONNECTION_STATES)
        return false;
    *state = (enum connection_state)(record.at[1] & 3);
    return true;
}

bool connection_record_is_test(struct text record, bool *is_test)
{
    enum connection_state state;
    if (!connection_record_state(record, &state) || record.at[2] == ID_NONE || (unsigned char)record.at[2] >= ID_FORMS)
        return false;
    if (record.at[2] != ID_RAW) {
        *is_test = short_id_is_test(&(struct short_id){.prefix = (unsigned char)record.at[2] - ID_UUID});
        return true;
    }
    struct text id =
        text_slice(record.at + RECORD_HEAD + 1, record.size > RECORD_HEAD ? record.size - RECORD_HEAD - 1 : 0);
    *is_test = connection_id_is_test(id);
    return id.size > 0;
}

struct text connection_record_id(struct text record)
{
    enum connection_state state;
    if (!connection_record_state(record, &state) || record.at[2] == ID_NONE || (unsigned char)record.at[2] >= ID_FORMS)
        return (struct text){0};
    size_t size = 1 + UUID_SIZE;
    if (record.at[2] == ID_RAW)
        size = record.size > RECORD_HEAD ? 2u + (unsigned char)record.at[RECORD_HEAD] : record.size;
    return size <= record.size - 2 && size <= CONNECTION_RECORD_ID_MAX ? text_slice(record.at + 2, size)
                                                                       : (struct text){0};
}

bool connection_decode(struct text record, struct connection_buffer *out, struct error *error)
{
    struct reader reader = {.out = out->bytes};
    memset(&out->row, 0, sizeof out->row);
    if (record.size > 0 && (unsigned char)record.at[0] > RECORD_VERSION)
        return error_set(error, ERROR_RECORD,
                         "the record is of version %u, which a newer ssoferry wrote; this one reads up to %d",
                         (unsigned char)record.at[0], RECORD_VERSION);
    if (!connection_record_state(record, &out->row.state))
        return error_set(error, ERROR_RECORD, "the record is damaged");
    unsigned flags = (unsigned char)record.at[1];
    out->row.redirect = (enum redirect_kind)(flags >> 2 & 3);
    reader.at = (const unsigned char *)record.at + RECORD_HEAD;
    reader.left = record.size - RECORD_HEAD;
    if (!decode_body(&reader, flags, (unsigned char)record.at[2], &out->row) || !is_sound(&out->row))
        return error_set(error, ERROR_RECORD, "the record is damaged");
    return true;
}

/* -- keys -- */

size_t connection_key(struct text source, struct text identifier, char *out)
{
    assert(source.size <= SOURCE_SIZE_MAX && identifier.size <= IDENTIFIER_SIZE_MAX);
    char *at = bytes_put(out, source.at, source.size);
    *at++ = '\0';
    return (size_t)(bytes_put(at, identifier.at, identifier.size) - out);
}

static size_t source_key(struct text source, char last, char *out)
{
    assert(source.size <= SOURCE_SIZE_MAX);
    if (source.size == 0)
        return 0;
    *put_bytes(out, source.at, source.size) = last;
    return source.size + 1;
}

size_t source_first_key(struct text source, char *out)
{
    return source_key(source, 0, out);
}

/* Names of sources continue with '-' or a greater byte. */
size_t source_behind_key(struct text source, char *out)
{
    return source_key(source, 1, out);
}

bool connection_key_split(struct text key, struct text *source, struct text *identifier)
{
    size_t zero = text_find(key, '\0', 0);
    if (zero == key.size)
        return false;
    *source = text_slice(key.at, zero);
    *identifier = text_from(key, zero + 1);
    return true;
}
