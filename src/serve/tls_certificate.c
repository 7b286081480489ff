#include "tls_certificate.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

enum { HOUR_S = 3600, DAY_S = 24 * HOUR_S };

/* -- telling -- */

#define FAULT(report, severity, named, ...)                                                                            \
    faults_add((report)->faults, severity, (report)->file, (named)->place.line, (named)->place.column,                 \
               (named)->place.length, __VA_ARGS__)

/* The last error that OpenSSL reported. */
static const char *reason(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return text == NULL ? "it cannot be used" : text;
}

static bool refuse(const struct tls_report *report, const struct named_file *file, const char *what)
{
    FAULT(report, FAULT_ERROR, file, "%s: %s", file->path, what);
    return false;
}

/* -- files -- */

static BIO *open_file(const struct named_file *file, const struct tls_report *report)
{
    struct stat status;
    /* Opening a pipe may block for ever, and these files are looked at while the daemon serves. */
    if (stat(file->path, &status) == 0 && !S_ISREG(status.st_mode)) {
        (void)refuse(report, file,
                     S_ISDIR(status.st_mode) ? "it is a directory: name a file" : "it is no regular file");
        return NULL;
    }
    BIO *bio = BIO_new_file(file->path, "re");
    int problem = errno;
    ERR_clear_error();
    if (bio != NULL)
        return bio;
    if (problem == EACCES)
        FAULT(report, FAULT_ERROR, file,
              "%s cannot be read by user id %u: let this user alone read it (chown, chmod 400) and enter the "
              "folders above; in a folder that is new since the start, or another one than then, it takes a restart "
              "(sandbox)",
              file->path, (unsigned)geteuid());
    else
        FAULT(report, FAULT_ERROR, file, "%s cannot be opened: %s", file->path, strerror(problem));
    return NULL;
}

/* Refuses: without a callback, OpenSSL would ask for the passphrase on the terminal. */
static int on_passphrase(char *buffer, int size, int writing, void *context)
{
    (void)buffer;
    (void)size;
    (void)writing;
    *(bool *)context = true;
    return -1;
}

/* Adds the certificates after the first, up to the end of the file. Returns 0, or the number in the file of the first
 * one that cannot be used. */
static int use_chain(SSL_CTX *context, BIO *bio)
{
    X509 *link = NULL;
    int number = 2;
    for (; (link = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL; ++number) {
        if (SSL_CTX_add0_chain_cert(context, link) != 1) {
            X509_free(link);
            return number;
        }
    }
    unsigned long end = ERR_peek_last_error();
    if (ERR_GET_LIB(end) != ERR_LIB_PEM || ERR_GET_REASON(end) != PEM_R_NO_START_LINE)
        return number;
    ERR_clear_error();
    return 0;
}

/* A leaf that was renewed beside the former intermediate is a chain that many clients refuse. */
static void warn_of_strangers(SSL_CTX *context, const struct named_file *file, const struct tls_report *report)
{
    STACK_OF(X509) *chain = NULL;
    X509 *before = SSL_CTX_get0_certificate(context);
    (void)SSL_CTX_get0_chain_certs(context, &chain);
    for (int i = 0; i < sk_X509_num(chain); ++i) {
        X509 *link = sk_X509_value(chain, i);
        if (X509_check_issued(link, before) != X509_V_OK) {
            FAULT(report, FAULT_WARNING, file,
                  "%s: certificate %d in it did not issue the one before it, so clients may refuse them: leave it out, "
                  "or put them in the order of the chain, the server's own first",
                  file->path, i + 2);
            return;
        }
        before = link;
    }
}

static bool use_certificate(SSL_CTX *context, const struct named_file *file, const struct tls_report *report)
{
    BIO *bio = open_file(file, report);
    if (bio == NULL)
        return false;
    X509 *leaf = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL);
    bool good = false;
    int bad = 0;
    if (leaf == NULL)
        (void)refuse(report, file, "there is no certificate in it (-----BEGIN CERTIFICATE-----)");
    else if (SSL_CTX_use_certificate(context, leaf) != 1)
        (void)refuse(report, file, reason());
    else if ((bad = use_chain(context, bio)) > 0)
        FAULT(report, FAULT_ERROR, file, "%s: certificate %d in it cannot be used (%s): is the file whole?", file->path,
              bad, reason());
    else
        good = true;
    if (good)
        warn_of_strangers(context, file, report);
    ERR_clear_error();
    X509_free(leaf);
    BIO_free(bio);
    return good;
}

static void warn_of_readers(const struct named_file *file, const struct tls_report *report)
{
    struct stat status;
    if (stat(file->path, &status) == 0 && (status.st_mode & (S_IROTH | S_IWOTH)) != 0)
        FAULT(report, FAULT_WARNING, file, "%s can be read by everybody on this machine: chmod o= it", file->path);
}

static bool use_key(SSL_CTX *context, const struct certificate_files *files, const struct tls_report *report)
{
    const struct named_file *file = &files->key;
    bool locked = false;
    BIO *bio = open_file(file, report);
    if (bio == NULL)
        return false;
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, on_passphrase, &locked);
    X509 *leaf = SSL_CTX_get0_certificate(context);
    bool good = true, there = key != NULL || locked;
    BIO_free(bio);
    if (locked)
        good =
            refuse(report, file, "the private key has a passphrase; write it without (openssl pkey -in ... -out ...)");
    else if (key == NULL)
        good =
            refuse(report, file, "there is no private key in it (-----BEGIN PRIVATE KEY-----); name its file by key");
    else if (X509_check_private_key(leaf, key) != 1)
        good = refuse(report, file,
                      "the private key does not belong to the certificate, which is the first one in its file");
    else if (SSL_CTX_use_PrivateKey(context, key) != 1)
        good = refuse(report, file, reason());
    ERR_clear_error();
    EVP_PKEY_free(key);
    if (there)
        warn_of_readers(file, report);
    return good;
}

/* -- facts -- */

static void add_name(char *out, size_t size, const char *name, int length, size_t *left_out)
{
    size_t used = strlen(out);
    if (*left_out > 0 || used + (size_t)length + 32 > size)
        ++*left_out;
    else
        snprintf(out + used, size - used, "%s%.*s", used > 0 ? ", " : "", length, name);
}

static void read_names(X509 *leaf, char *out, size_t size)
{
    size_t left_out = 0;
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    out[0] = '\0';
    for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_DNS)
            add_name(out, size, (const char *)ASN1_STRING_get0_data(name->d.dNSName),
                     ASN1_STRING_length(name->d.dNSName), &left_out);
    }
    GENERAL_NAMES_free(names);
    if (out[0] == '\0')
        X509_NAME_oneline(X509_get_subject_name(leaf), out, (int)size);
    if (left_out > 0)
        snprintf(out + strlen(out), size - strlen(out), " and %zu more", left_out);
}

/* OpenSSL loads a certificate whose times are none. */
static bool read_expiry(const X509 *leaf, int64_t *expires_at)
{
    struct tm end;
    if (ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &end) != 1) {
        ERR_clear_error();
        return false;
    }
    *expires_at = (int64_t)timegm(&end);
    return true;
}

void tls_certificate_haste(const struct tls_facts *facts, int64_t now, char *out, size_t size)
{
    int64_t left = facts->expires_at - now;
    out[0] = '\0';
    if (left <= 0)
        snprintf(out, size, "has expired");
    else if (left < TLS_WARN_DAYS * DAY_S)
        snprintf(out, size, "expires in %" PRId64 " hours", left / HOUR_S);
}

bool tls_certificate_use(SSL_CTX *context, const struct certificate_files *files, const struct tls_report *report,
                         struct tls_facts *facts)
{
    char haste[64];
    if (!use_certificate(context, &files->certificate, report) || !use_key(context, files, report))
        return false;
    X509 *leaf = SSL_CTX_get0_certificate(context);
    read_names(leaf, facts->names, sizeof(facts->names));
    if (!read_expiry(leaf, &facts->expires_at))
        return refuse(report, &files->certificate, "its last day cannot be read: have it issued anew");
    tls_certificate_haste(facts, (int64_t)time(NULL), haste, sizeof(haste));
    if (haste[0] != '\0')
        FAULT(report, FAULT_WARNING, &files->certificate, "%s (%s) %s: renew it", files->certificate.path, facts->names,
              haste);
    if (X509_cmp_current_time(X509_get0_notBefore(leaf)) > 0)
        FAULT(report, FAULT_WARNING, &files->certificate, "%s (%s) is not valid yet: look at the clock",
              files->certificate.path, facts->names);
    return true;
}
