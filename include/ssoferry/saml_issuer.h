/* Reads the Issuer of a SAML 2.0 Response, for routing only. Nothing is validated: signature, conditions and audience
 * are Stytch's job. A forged Issuer gains nothing, because the message is then checked against the wrong connection. */
#ifndef SSOFERRY_SAML_ISSUER_H
#define SSOFERRY_SAML_ISSUER_H

#include "ssoferry/memory.h"
#include "ssoferry/text.h"

/* What the few kilobytes of a query may inflate to: bytes of XML, and how many for each byte of the field. Anybody may
 * send many of them at once, and parsing takes much longer than inflating. Messages with 1,500 groups come to 37 times.
 * A POST is limited by its body. */
enum { SAML_INFLATED_SIZE_MAX = 512 * 1024, SAML_INFLATED_TIMES_MAX = 64 };

enum saml_issuer_result {
    SAML_ISSUER_FOUND,
    SAML_ISSUER_BAD_BASE64,
    SAML_ISSUER_BAD_DEFLATE,
    SAML_ISSUER_TOO_LARGE,    /* inflates to more than the limits */
    SAML_ISSUER_BAD_XML,      /* not well-formed up to where reading stopped, or has a document type declaration */
    SAML_ISSUER_NOT_RESPONSE, /* the root is not a SAML 2.0 protocol Response */
    SAML_ISSUER_MISSING,      /* neither the Response nor an Assertion in it has an Issuer */
    SAML_ISSUER_TWICE,        /* two where there should be one */
    SAML_ISSUER_UNFIT,        /* empty, over 440 bytes, or has control characters, child elements or letters of an
                               * unknown encoding */
};

enum saml_encoding {
    SAML_POST_BINDING,     /* base64 of the XML: saml-bindings 3.5.4 */
    SAML_REDIRECT_BINDING, /* base64 of its raw DEFLATE: 3.4.4.1; also plain base64 of the XML, as some IdPs send it */
};

/* Call once per process: startup before any threads start, cleanup at the end. */
void saml_issuer_startup(void);
void saml_issuer_cleanup(void);

/* Reads the Issuer from the raw value of a SAMLResponse field, as form_find() returns it: percent-encoded, with '+' for
 * space. The base64 may have line breaks, the URL-safe alphabet, and padding or not. Reading stops once the answer is
 * known, so damage after that goes unnoticed: at the element after the Response's own Issuer, or, if it has none, when
 * no other Assertion with an Issuer can follow. XML is read as UTF-8 whatever it declares, except for single-byte
 * encodings: ISO-8859-1 is understood, and any other if the Issuer is ASCII. On SAML_ISSUER_FOUND, *issuer is in
 * `memory`, trimmed of white space, and passes identifier_problem(). */
enum saml_issuer_result saml_issuer_read(struct text field, enum saml_encoding encoding, struct memory memory,
                                         struct text *issuer);

#endif
