/* Decodes the XML in a SAMLResponse field, only as far as needed. Private to this folder. */
#ifndef SSOFERRY_ROUTE_SAML_MESSAGE_H
#define SSOFERRY_ROUTE_SAML_MESSAGE_H

#include "ssoferry/saml_issuer.h"

#include <zlib.h>

struct base64 {
    struct text raw; /* percent-encoded */
    size_t at;
    uint32_t bits; /* of the last `held` characters */
    unsigned held; /* 0 to 3 */
    unsigned padding;
    bool ended;
};

struct saml_message {
    struct base64 base64;
    bool deflated;
    bool inflating; /* `zip` is open */
    z_stream zip;
    char packed[2048]; /* input of `zip` */

    char *bytes; /* decoded so far; owned; moves when more is decoded */
    size_t size, capacity;
    bool ended; /* nothing more follows */
};

/* Starts decoding `raw`, which is borrowed until saml_message_close(). */
void saml_message_open(struct saml_message *message, struct text raw, bool deflated);
void saml_message_close(struct saml_message *message);

/* Decodes until there are at least `size` bytes or the message ends. SAML_ISSUER_FOUND means success. */
enum saml_issuer_result saml_message_read(struct saml_message *message, size_t size);

#endif
