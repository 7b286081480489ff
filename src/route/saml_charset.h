/* The encoding of messages that are not UTF-8. Private to this folder. */
#ifndef SSOFERRY_ROUTE_SAML_CHARSET_H
#define SSOFERRY_ROUTE_SAML_CHARSET_H

#include "ssoferry/text.h"

enum saml_charset {
    SAML_CHARSET_UTF8,        /* or anything else that is read as UTF-8, and usually fails */
    SAML_CHARSET_LATIN1,      /* ISO-8859-1: each byte is the character of that number */
    SAML_CHARSET_SINGLE_BYTE, /* another one with ASCII below 0x80; the other bytes' meaning is not known here */
};

/* Determined by a message's XML declaration (XML 1.0, 2.8 and 4.3.3): ISO-8859-*, windows-125*. `start` contains at
 * least the declaration, if there is one. */
enum saml_charset saml_charset_of(struct text start);

/* Copies ISO-8859-1 to `out` as UTF-8, which takes up to twice the size. Returns the size. */
size_t saml_latin1_to_utf8(struct text t, char *out);

#endif
