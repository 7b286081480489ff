/* The message of a sign-in that explain makes up. Private to this folder. */
#ifndef SSOFERRY_CLI_EXPLAIN_MESSAGE_H
#define SSOFERRY_CLI_EXPLAIN_MESSAGE_H

#include <stddef.h>

/* The form that an IdP of that entity id lets a browser post (SAML bindings, section 3.5.4): a SAMLResponse of which
 * nothing but the Issuer is there, and the RelayState. Either argument may be NULL: no Issuer, no RelayState. The
 * caller frees it. */
char *explain_message(const char *issuer, const char *relay_state, size_t *size);

#endif
