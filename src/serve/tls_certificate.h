/* Reads a certificate's files and checks that they belong together. */
#ifndef SSOFERRY_TLS_CERTIFICATE_H
#define SSOFERRY_TLS_CERTIFICATE_H

#include <openssl/ssl.h>

#include "ssoferry/config.h"
#include "ssoferry/faults.h"

enum { TLS_WARN_DAYS = 14 };

/* Facts about a certificate, for logs and metrics. */
struct tls_facts {
    char names[256];    /* "sso.example.com, *.example.net", and how many more; the subject if there are no names */
    int64_t expires_at; /* seconds UTC */
};

/* Where faults of the files are reported: `file` is the configuration's number in `faults`. */
struct tls_report {
    struct faults *faults;
    unsigned file;
};

/* Loads the certificate, its chain and its key into `context`, and sets *facts. False with an error in the report.
 * Warns of keys that everybody can read, and of certificates that have expired, soon will, or are not valid yet. */
bool tls_certificate_use(SSL_CTX *context, const struct certificate_files *files, const struct tls_report *report,
                         struct tls_facts *facts) __attribute__((warn_unused_result));

/* Writes "expires in 70 hours" or "has expired" to `out` (`size` bytes) if the end is near or past, otherwise "". `now`
 * is in seconds UTC. */
void tls_certificate_haste(const struct tls_facts *facts, int64_t now, char *out, size_t size);

#endif
