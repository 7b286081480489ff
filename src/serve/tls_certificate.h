/* A certificate's files, read and held against each other. */
#ifndef SSOFERRY_TLS_CERTIFICATE_H
#define SSOFERRY_TLS_CERTIFICATE_H

#include "tls_context.h"

/* Gives the certificate, its chain and its key to `context`, and its facts to the caller. False with an error in the
 * report. Warns of keys that everybody can read, and of certificates that have expired or soon will. */
bool tls_certificate_use(SSL_CTX *context, const struct certificate_files *files, const struct tls_report *report,
                         struct tls_facts *facts) __attribute__((warn_unused_result));

/* Says in one phrase when it ends where that is soon or past: "expires in 70 hours"; else "". */
void tls_certificate_haste(const struct tls_facts *facts, int64_t now, char *out, size_t size);

#endif
