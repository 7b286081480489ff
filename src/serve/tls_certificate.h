/* A certificate's files, read and held against each other. */
#ifndef SSOFERRY_TLS_CERTIFICATE_H
#define SSOFERRY_TLS_CERTIFICATE_H

#include <openssl/ssl.h>

#include "ssoferry/config.h"
#include "ssoferry/faults.h"

enum { TLS_WARN_DAYS = 14 };

/* A certificate, for logs and metrics. */
struct tls_facts {
    char names[256];    /* "sso.example.com, *.example.net", and how many more; what else it is for where it has none */
    int64_t expires_at; /* seconds UTC */
};

/* Where faults of the files go: the configuration's number in `faults`. */
struct tls_report {
    struct faults *faults;
    unsigned file;
};

/* Gives the certificate, its chain and its key to `context`, and its facts to the caller. False with an error in the
 * report. Warns of keys that everybody can read, and of certificates that have expired or soon will. */
bool tls_certificate_use(SSL_CTX *context, const struct certificate_files *files, const struct tls_report *report,
                         struct tls_facts *facts) __attribute__((warn_unused_result));

/* Says in one phrase when it ends where that is soon or past: "expires in 70 hours"; else "". */
void tls_certificate_haste(const struct tls_facts *facts, int64_t now, char *out, size_t size);

#endif
