/* Makes up the message of a sign-in for explain. Private to this folder. */
#ifndef SSOFERRY_CLI_EXPLAIN_MESSAGE_H
#define SSOFERRY_CLI_EXPLAIN_MESSAGE_H

#include <stddef.h>

/* Makes the form that an IdP has a browser post (SAML bindings, section 3.5.4): a SAMLResponse that contains only the
 * Issuer, and the RelayState. Either argument may be NULL to leave it out. Sets *size to its bytes; the caller frees
 * the result. */
char *explain_message(const char *issuer, const char *relay_state, size_t *size);

#endif
