/* A connection: one row of the table. (source, identifier) is its name; the rest says where its sign-ins go. */
#ifndef SSOFERRY_CONNECTION_H
#define SSOFERRY_CONNECTION_H

#include "ssoferry/error.h"
#include "ssoferry/text.h"
#include "ssoferry/url.h"

enum {
    IDENTIFIER_SIZE_MAX = 440,
    SOURCE_SIZE_MAX = 64,
    CONNECTION_ID_SIZE_MAX = 128,
    ORGANIZATION_ID_SIZE_MAX = 128,
    LABEL_SIZE_MAX = 256,
    CONNECTION_KEY_SIZE_MAX = SOURCE_SIZE_MAX + 1 + IDENTIFIER_SIZE_MAX, /* LMDB's limit is 511 */
    CONNECTION_RECORD_SIZE_MAX = 5120,
    CONNECTION_RECORD_ID_MAX = 2 + CONNECTION_ID_SIZE_MAX,
};

/* Order and values are part of the record format: append only. */
enum connection_state { CONNECTION_STYTCH, CONNECTION_LEGACY, CONNECTION_DISABLED };
enum { CONNECTION_STATES = 3 };

enum redirect_kind {
    REDIRECT_UNSET, /* the route's redirect kind applies, or else the configuration's */
    REDIRECT_307,
    REDIRECT_303,
    REDIRECT_FORM,
};

struct connection {
    enum connection_state state;
    enum redirect_kind redirect;
    struct text connection_id; /* empty only if the state is not `stytch` */
    struct text acs_url;       /* empty: derived from connection_id */
    struct text legacy_url;
    struct text organization_id;
    struct text label;
};

/* A connection and the bytes its texts point to. Do not copy it by assignment: the copy would point into the original.
 */
struct connection_buffer {
    struct connection row;
    char bytes[CONNECTION_RECORD_SIZE_MAX];
};

/* The name in the file formats: "stytch", "legacy", "disabled"; "307", "303", "form". Static. */
const char *connection_state_name(enum connection_state state);
const char *redirect_kind_name(enum redirect_kind kind); /* "" for REDIRECT_UNSET */

/* The warning wherever a 303 is configured. */
#define REDIRECT_303_WARNING                                                                                           \
    "303 makes browsers drop the POST body, and the SAML response with it: only for a callback that takes GET"

/* Parses such a name. False for any other word, and for "". */
bool connection_state_parse(struct text name, enum connection_state *state);
bool redirect_kind_parse(struct text name, enum redirect_kind *kind);

/* Each returns NULL if the value is valid, otherwise a static phrase that fits after "identifier ", "source " and so
 * on: "is empty", "is longer than 440 bytes". */
const char *identifier_problem(struct text identifier); /* 1 to 440 bytes of UTF-8 without control characters */
const char *source_problem(struct text source);         /* [a-z0-9][a-z0-9._-]{0,63} */
const char *connection_id_problem(struct text id);      /* {saml|oidc|external}-connection-{live|test}-[a-z0-9-]+ */
const char *organization_id_problem(struct text id);    /* organization-{live|test}-[a-z0-9-]+ */
const char *label_problem(struct text label);           /* at most 256 bytes of UTF-8 without control characters */

/* Whether a valid connection id ends in a whole UUID. Shorter forms are legal but often a copying mistake. */
bool connection_id_has_uuid(struct text id);

/* Whether a valid connection id belongs to a test project. */
bool connection_id_is_test(struct text id);

/* The hosts that rows may name. Borrowed. */
struct connection_rules {
    const struct allowed_hosts *stytch; /* for acs_url */
    const struct allowed_hosts *legacy; /* for legacy_url */
    const struct text *own_hosts;       /* the gateway's own names; no URL of a row may lead back to them */
    size_t own_host_count;
    struct text live_host, test_host; /* default hosts of live and of test connections; empty: unknown */
};

/* A problem in a connection. `field` is the field's name in the file formats; static. */
struct connection_problem {
    const char *field;
    char message[256]; /* a sentence that names the field: "acs_url must end in /ID" */
};

/* Checks a whole row, each field and the fields together. State `stytch` needs a connection_id; acs_url must
 * name an allowed host and end in the connection's own id; legacy_url must name an allowed host; neither may lead back
 * to the gateway. False with *problem set at the first problem. */
bool connection_check(const struct connection *connection, const struct connection_rules *rules,
                      struct connection_problem *problem) __attribute__((warn_unused_result));

/* What connection_check() checks besides single fields, for a row whose fields were set by connection_set_field(). */
bool connection_check_whole(const struct connection *connection, const struct connection_rules *rules,
                            struct connection_problem *problem) __attribute__((warn_unused_result));

/* Returns the row without any URL that its state does not use, so that connection_check() of the result reports only
 * problems that can affect a sign-in. Borrows the same texts. */
struct connection connection_in_use(const struct connection *connection);

/* Reports likely mistakes in a row that passes connection_check(), even though they may be intended. Calls `on_warning`
 * with the field's name and a sentence, which lives as long as the call. */
void connection_warn(const struct connection *connection, const struct connection_rules *rules,
                     void (*on_warning)(void *context, const char *field, const char *message), void *context);

/* The same for a valid identifier: a static phrase that fits after it, or NULL. */
const char *identifier_warning(struct text identifier);

/* Whether it has a percent-encoded byte. What is looked up from a URL was decoded, and has none. */
bool identifier_looks_encoded(struct text identifier);

/* Percent-decodes an identifier: the name that a URL holding it is looked up as, and probably the one meant if a row
 * has it encoded. Returns the identifier itself if it cannot be decoded. `out` holds IDENTIFIER_SIZE_MAX bytes. */
struct text identifier_decoded(struct text identifier, char *out);

/* Undoes the ways in which our output shows what could not be seen: \x20 for a blank, \u00a0, \U000e0001 and <U+00A0>
 * for hidden characters (text_hides()). Returns the identifier itself if it has none of these. `out` holds
 * IDENTIFIER_SIZE_MAX bytes. */
struct text identifier_unspelled(struct text identifier, char *out);

/* Whether it has ASCII capitals. A route that folds case also looks names up in lower case. */
bool identifier_has_capitals(struct text identifier);

/* Sets one field of a row by its name in the file formats ("redirect", "state", ...). The connection borrows `value`.
 * An empty value unsets an optional field. False if the name is unknown or the value bad; *why is then a static phrase
 * that fits after the name: "is longer than 256 bytes". URLs, and the fields as a whole, are checked only by
 * connection_check(). */
bool connection_set_field(struct connection *connection, struct text name, struct text value, const char **why)
    __attribute__((warn_unused_result));

/* The names connection_set_field() takes, in the order the file formats write them; NULL past the last. Static. */
const char *connection_field_name(size_t index);

/* The index of a name in connection_field_name(); an index past the last if there is no such name. */
size_t connection_field_index(struct text name);

/* Encodes a connection as a record into `out`, which holds CONNECTION_RECORD_SIZE_MAX bytes. Returns the size. The
 * connection must have passed connection_check() or at least be within the field limits above. Two connections are
 * equal if and only if their records are.
 *
 * The record, version 1; lengths are big-endian:
 *     1 byte     the version
 *     1 byte     bits 0-1 the state, bits 2-3 the redirect, bits 4-7 whether there is an acs_url, legacy_url,
 *                organization_id and label
 *     1 byte     the form of the connection id: 0 none; 1 as written; 2 + 2 * kind + test: a UUID, where kind is
 *                0 saml, 1 oidc, 2 external, and test is 0 live, 1 test
 *     the id     as written: 1 byte of length, then the id; a UUID: its 16 bytes
 *     the four   for each that there is: 2 bytes of length, which is not 0; then the value */
size_t connection_encode(const struct connection *connection, char *out);

/* Decodes a record, copying it into `out`. False, with ERROR_RECORD, if the record is truncated, corrupt, of a newer
 * version, or has bytes after its end. The decoded connection is within the field limits; whether its URLs may be used
 * is for connection_check() to say. */
bool connection_decode(struct text record, struct connection_buffer *out, struct error *error)
    __attribute__((warn_unused_result));

/* Reads only the state. False if the record cannot be read. */
bool connection_record_state(struct text record, enum connection_state *state);

/* Reads only whether the connection is of a test project. False if the record has no connection or cannot be read. */
bool connection_record_is_test(struct text record, bool *is_test);

/* The bytes of the record that identify its connection, at most CONNECTION_RECORD_ID_MAX: the same in two valid records
 * if and only if they name the same connection. Borrowed from the record. Empty if it has none or cannot be read. */
struct text connection_record_id(struct text record);

/* Writes the key of a row: source, 0x00, identifier. Both parts must be within their limits. `out` holds
 * CONNECTION_KEY_SIZE_MAX bytes. Returns the size. */
size_t connection_key(struct text source, struct text identifier, char *out);

/* Writes the bounds of a source's keys. The first is the prefix they share and sorts before all of them; the second
 * sorts after all of them and before those of any later source. For an empty source both are empty, which sorts before
 * every key. `out` holds SOURCE_SIZE_MAX + 1 bytes. Both return the size. */
size_t source_first_key(struct text source, char *out);
size_t source_behind_key(struct text source, char *out);

/* Splits a key into its parts, which are slices of it. False if there is no 0x00. */
bool connection_key_split(struct text key, struct text *source, struct text *identifier);

#endif
