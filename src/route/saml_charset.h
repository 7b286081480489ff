/* Messages that are not UTF-8. Private to this folder. */
#ifndef SSOFERRY_ROUTE_SAML_CHARSET_H
#define SSOFERRY_ROUTE_SAML_CHARSET_H

#include "ssoferry/text.h"

enum saml_charset {
    SAML_CHARSET_UTF8,        /* or anything that is read as UTF-8, and mostly fails */
    SAML_CHARSET_LATIN1,      /* ISO-8859-1: each byte is the character of that number */
    SAML_CHARSET_SINGLE_BYTE, /* another one where bytes below 0x80 are ASCII; which the others are is not known here */
};

/* By the XML declaration that a message starts with (XML 1.0, 2.8 and 4.3.3): ISO-8859-*, windows-125*. `start` is at
 * least the declaration, where there is one. */
enum saml_charset saml_charset_of(struct text start);

/* Copies ISO-8859-1 to `out` as UTF-8, up to twice the size, which is returned. */
size_t saml_latin1_to_utf8(struct text t, char *out);

#endif
