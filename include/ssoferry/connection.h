/* A connection: one row of the table. (source, identifier) names it; the rest says where its sign-ins go. */
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
    CONNECTION_KEY_SIZE_MAX = SOURCE_SIZE_MAX + 1 + IDENTIFIER_SIZE_MAX, /* LMDB takes 511 */
    CONNECTION_RECORD_SIZE_MAX = 5120,
    CONNECTION_RECORD_ID_MAX = 2 + CONNECTION_ID_SIZE_MAX,
};

/* The order and values are those of the record format: append only. */
enum connection_state { CONNECTION_STYTCH, CONNECTION_LEGACY, CONNECTION_DISABLED };
enum { CONNECTION_STATES = 3 };

enum redirect_kind {
    REDIRECT_UNSET, /* the row leaves it to the route, the route to the configuration */
    REDIRECT_307,
    REDIRECT_303,
    REDIRECT_FORM,
};

struct connection {
    enum connection_state state;
    enum redirect_kind redirect;
    struct text connection_id; /* empty only where the state is not `stytch` */
    struct text acs_url;       /* empty: derived from connection_id */
    struct text legacy_url;
    struct text organization_id;
    struct text label;
};

/* A connection with the bytes its texts point to. Do not copy by assignment: the texts point into `bytes`. */
struct connection_buffer {
    struct connection row;
    char bytes[CONNECTION_RECORD_SIZE_MAX];
};

/* The word of the file formats: "stytch", "legacy", "disabled"; "307", "303", "form". Static. */
const char *connection_state_name(enum connection_state state);
const char *redirect_kind_name(enum redirect_kind kind); /* "" for REDIRECT_UNSET */

/* What speaks against it, wherever it is set. */
#define REDIRECT_303_WARNING                                                                                           \
    "303 makes browsers drop the POST body, and the SAML response with it: only for a callback that takes GET"

/* The other way round. False on any other word. */
bool connection_state_parse(struct text name, enum connection_state *state);
bool redirect_kind_parse(struct text name, enum redirect_kind *kind);

/* Each returns NULL where the value is good, else a phrase that fits behind "identifier ", "source " and so on: "is
 * empty", "is longer than 440 bytes". Static. */
const char *identifier_problem(struct text identifier); /* 1 to 440 bytes of UTF-8 without control characters */
const char *source_problem(struct text source);         /* [a-z0-9][a-z0-9._-]{0,63} */
const char *connection_id_problem(struct text id);      /* {saml|oidc|external}-connection-{live|test}-[a-z0-9-]+ */
const char *organization_id_problem(struct text id);    /* organization-{live|test}-[a-z0-9-]+ */
const char *label_problem(struct text label);           /* at most 256 bytes of UTF-8 without control characters */

/* Whether an id that connection_id_problem() passes ends in a whole UUID. Short forms are legal but often a copying
 * mistake. */
bool connection_id_has_uuid(struct text id);

/* Whether an id that connection_id_problem() passes is of a test project. */
bool connection_id_is_test(struct text id);

/* Hosts that rows may name. Borrowed. */
struct connection_rules {
    const struct allowed_hosts *stytch; /* for acs_url */
    const struct allowed_hosts *legacy; /* for legacy_url */
    const struct text *own_hosts;       /* the gateway's own names, to which no URL of a row may lead back */
    size_t own_host_count;
    struct text live_host, test_host; /* where those of live and of test projects lead by default; empty: unknown */
};

/* Which field of a connection a problem lies in; `field` is its name in the file formats. */
struct connection_problem {
    const char *field;
    char message[256]; /* a sentence that names the field: "acs_url must end in the connection_id" */
};

/* Checks a whole row: each field, and the fields together (state `stytch` needs a connection_id; acs_url must name an
 * allowed host and end in the connection's own id; legacy_url must name an allowed host; neither may lead back to the
 * gateway). False at the first problem. */
bool connection_check(const struct connection *connection, const struct connection_rules *rules,
                      struct connection_problem *problem) __attribute__((warn_unused_result));

/* The second half of it, for a row whose fields connection_set_field() has taken one by one. */
bool connection_check_whole(const struct connection *connection, const struct connection_rules *rules,
                            struct connection_problem *problem) __attribute__((warn_unused_result));

/* The row without a URL that its state does not send anybody to: what connection_check() says of the rest stands in
 * nobody's way. */
struct connection connection_in_use(const struct connection *connection);

/* What is likely a mistake in a row that connection_check() passes, though it may be meant: calls `on_warning` with the
 * field it lies in and a sentence, which lives as long as the call. */
void connection_warn(const struct connection *connection, const struct connection_rules *rules,
                     void (*on_warning)(void *context, const char *field, const char *message), void *context);

/* The same of an identifier that identifier_problem() passes: a phrase that fits behind it, or NULL. Static. */
const char *identifier_warning(struct text identifier);

/* Whether it has a percent-encoded byte, which a lookup of what a URL holds never asks for. */
bool identifier_looks_encoded(struct text identifier);

/* What a URL that holds the identifier is looked up as, which is what a row that was written percent-encoded is meant
 * by: percent-decoded, or itself where that cannot be. `out` holds IDENTIFIER_SIZE_MAX bytes. */
struct text identifier_decoded(struct text identifier, char *out);

/* Whether it has ASCII capitals: where case is folded, it is then looked up in lower case, too. */
bool identifier_has_capitals(struct text identifier);

/* Whether all fields are equal, URLs byte for byte. */
bool connection_equal(const struct connection *a, const struct connection *b);

/* Sets one field of a row by its name in the file formats ("redirect", "state", ...). `value` is not copied: the
 * connection borrows it. An empty value unsets an optional field. False on an unknown name or a bad value; *why is a
 * phrase that fits behind the name: "is longer than 256 bytes". Static. What URLs and the fields together may be,
 * connection_check() says. */
bool connection_set_field(struct connection *connection, struct text name, struct text value, const char **why)
    __attribute__((warn_unused_result));

/* The names connection_set_field() takes, in the order the file formats write them; NULL past the last. Static. */
const char *connection_field_name(size_t index);

/* Where connection_field_name() has a name; where it has none, an index past the last. */
size_t connection_field_index(struct text name);

/* Encodes to a record: `out` holds CONNECTION_RECORD_SIZE_MAX bytes. Returns the size. The connection must have passed
 * connection_check() or at least the field limits above. Equal connections give equal records, and only they do.
 *
 * The record, version 1; lengths are big-endian:
 *     1 byte     the version
 *     1 byte     bits 0-1 the state, bits 2-3 the redirect; bits 4-7 whether acs_url, legacy_url, organization_id and
 *                label follow
 *     1 byte     the form of the connection id: 0 none; 1 as written; 2 + 2 * kind + test a UUID, where kind is
 *                0 saml, 1 oidc, 2 external, and test is 0 live, 1 test
 *     the id     as written: 1 byte of length, the id; a UUID: its 16 bytes
 *     the four   of each that follows: 2 bytes of length, which is not 0; the value */
size_t connection_encode(const struct connection *connection, char *out);

/* Decodes a record into `out`, copying. False on a truncated, corrupt or newer record, and on one with bytes behind its
 * end. A connection that it gives is within the field limits; whether its URLs may be used is connection_check()'s to
 * say. */
bool connection_decode(struct text record, struct connection_buffer *out, struct error *error)
    __attribute__((warn_unused_result));

/* The state alone, without decoding the rest. False on a record that cannot be read. */
bool connection_record_state(struct text record, enum connection_state *state);

/* Whether its connection is of a test project, without decoding the rest. False where it has none, or cannot be read.
 */
bool connection_record_is_test(struct text record, bool *is_test);

/* The bytes of the record, and so borrowed from it, that say which connection: two good records have the same if and
 * only if they are of the same connection. Empty where it has none, or cannot be read. At most
 * CONNECTION_RECORD_ID_MAX. */
struct text connection_record_id(struct text record);

/* key = source, 0x00, identifier. `out` holds CONNECTION_KEY_SIZE_MAX bytes; both parts must be within their limits.
 * Returns the size. */
size_t connection_key(struct text source, struct text identifier, char *out);

/* What the keys of a source's rows start with, which comes before all of them; and what comes behind all of them, and
 * before those of any later source. Of an empty source both are empty, which comes before every key. `out` holds
 * SOURCE_SIZE_MAX + 1 bytes; return the size. */
size_t source_first_key(struct text source, char *out);
size_t source_behind_key(struct text source, char *out);

/* Splits a key; slices of it. False where there is no 0x00. */
bool connection_key_split(struct text key, struct text *source, struct text *identifier);

#endif
