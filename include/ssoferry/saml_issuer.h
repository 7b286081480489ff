/* The Issuer of a SAML 2.0 Response, read for routing only. Nothing is validated here: signature, conditions and
 * audience stay Stytch's work, and a forged Issuer gains nothing, for the message is then checked against the wrong
 * connection. */
#ifndef SSOFERRY_SAML_ISSUER_H
#define SSOFERRY_SAML_ISSUER_H

#include "ssoferry/memory.h"
#include "ssoferry/text.h"

/* Bytes of XML that a query's few kilobytes may inflate to. What a POST may bring is limited by its body. */
enum { SAML_INFLATED_SIZE_MAX = 1024 * 1024 };

enum saml_issuer_result {
    SAML_ISSUER_FOUND,
    SAML_ISSUER_BAD_BASE64,
    SAML_ISSUER_BAD_DEFLATE,
    SAML_ISSUER_TOO_LARGE,    /* inflates to more than the limit */
    SAML_ISSUER_BAD_XML,      /* not well-formed up to where reading stopped, or it has a document type declaration */
    SAML_ISSUER_NOT_RESPONSE, /* the root is not a SAML 2.0 protocol Response */
    SAML_ISSUER_MISSING,      /* neither the Response nor an Assertion in it has one */
    SAML_ISSUER_TWICE,        /* two where one belongs */
    SAML_ISSUER_UNFIT,        /* empty, over 440 bytes, or with control characters, child elements or unknown letters */
};

enum saml_encoding {
    SAML_POST_BINDING,     /* base64 of the XML: saml-bindings 3.5.4 */
    SAML_REDIRECT_BINDING, /* base64 of the raw DEFLATE of it: 3.4.4.1; plain base64 of XML is accepted too, as some
                              IdPs send it */
};

/* Once per process, before threads start, and at its end. */
void saml_issuer_startup(void);
void saml_issuer_cleanup(void);

/* Reads the Issuer out of a SAMLResponse field's raw value, as form_find() gives it: percent-encoded, '+' a space.
 * Base64 may hold line breaks and the URL-safe alphabet, with or without padding. Reading stops where the answer is
 * known, so that damage behind the Issuer is not noticed: at the element behind the Response's own Issuer; where it has
 * none, when no other Assertion with an Issuer can follow. XML is read as UTF-8, whatever it declares,
 * but for the encodings of one byte a character: of those ISO-8859-1 is understood, and all others where the Issuer is
 * ASCII. On SAML_ISSUER_FOUND the issuer, from `memory` and trimmed of white space, passes identifier_problem(). */
enum saml_issuer_result saml_issuer_read(struct text field, enum saml_encoding encoding, struct memory memory,
                                         struct text *issuer);

#endif
