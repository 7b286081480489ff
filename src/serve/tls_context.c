#include "tls_context.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "ssoferry/log.h"
#include "ssoferry/memory.h"
#include "tls_alert.h"

/* One certificate with its own SSL_CTX. */
struct face {
    SSL_CTX *ssl;
    struct tls_facts facts;
};

struct tls_context {
    atomic_size_t references;
    size_t count;
    struct face faces[];
};

/* Mozilla's intermediate lists, for TLS 1.2 without the finite field ones: forward secrecy and authenticated encryption
 * only. AES-128 comes first for TLS 1.3, too: a handshake derives some twenty secrets, and many processors compute
 * SHA-256 by themselves, few SHA-384. https://wiki.mozilla.org/Security/Server_Side_TLS */
static const char ciphers[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                              "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                              "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
static const char suites[] = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
static const char groups[] = "X25519:P-256:P-384";

/* Only HTTP/1.1 is offered. A client that insists on another protocol gets an alert (RFC 7301 3.2); one that does not
 * ask also gets HTTP/1.1. */
static int on_protocols(SSL *ssl, const unsigned char **out, unsigned char *out_size, const unsigned char *in,
                        unsigned in_size, void *context)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *chosen = NULL;
    (void)ssl;
    (void)context;
    if (SSL_select_next_proto(&chosen, out_size, ours, sizeof(ours) - 1, in, in_size) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *find_face(const struct tls_context *context, const char *name, unsigned flags)
{
    for (size_t i = 0; i < context->count; ++i) {
        X509 *leaf = SSL_CTX_get0_certificate(context->faces[i].ssl);
        if (X509_check_host(leaf, name, strlen(name), flags, NULL) == 1)
            return context->faces[i].ssl;
    }
    return NULL;
}

/* Prefers an exact name to a wildcard: a certificate made just for that name was made for a reason. */
static int on_server_name(SSL *ssl, int *alert, void *argument)
{
    const struct tls_context *context = argument;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    (void)alert;
    if (name == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    SSL_CTX *found = find_face(context, name, X509_CHECK_FLAG_NO_WILDCARDS);
    if (found == NULL)
        found = find_face(context, name, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (found == NULL || SSL_set_SSL_CTX(ssl, found) == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    return SSL_TLSEXT_ERR_OK;
}

/* OpenSSL looks each key share up in the client's list of groups: a hello of 64 KB with long lists took it 80 ms.
 * Clients name some ten groups; 127 fit here. */
enum { GROUPS_SIZE_MAX = 256 };

static int on_client_hello(SSL *ssl, int *alert, void *context)
{
    const unsigned char *named = NULL;
    size_t size = 0;
    (void)context;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_supported_groups, &named, &size) != 1 || size <= GROUPS_SIZE_MAX)
        return SSL_CLIENT_HELLO_SUCCESS;
    *alert = SSL_AD_ILLEGAL_PARAMETER;
    return SSL_CLIENT_HELLO_ERROR;
}

static SSL_CTX *new_ssl(struct tls_context *context, struct tls_tickets *tickets)
{
    SSL_CTX *ssl = SSL_CTX_new(TLS_server_method());
    if (ssl == NULL || SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(ssl, ciphers) != 1 || SSL_CTX_set_ciphersuites(ssl, suites) != 1 ||
        SSL_CTX_set1_groups_list(ssl, groups) != 1) {
        log_error("OpenSSL does not know TLS as it is needed here: %s", ERR_reason_error_string(ERR_peek_last_error()));
        abort();
    }
    /* All ciphers are good. AES is preferred, except for clients that put ChaCha20 first because they have no hardware
     * for AES. */
    SSL_CTX_set_options(ssl, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                 SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_alpn_select_cb(ssl, on_protocols, NULL);
    SSL_CTX_set_client_hello_cb(ssl, on_client_hello, NULL);
    SSL_CTX_set_tlsext_servername_callback(ssl, on_server_name);
    SSL_CTX_set_tlsext_servername_arg(ssl, context);
    SSL_CTX_set_info_callback(ssl, tls_alert_observe);
    tls_tickets_use(tickets, ssl);
    return ssl;
}

/* Whether `other` has every name of `leaf`, spelled the same. */
static bool has_names_of(X509 *other, X509 *leaf)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    bool all = sk_GENERAL_NAME_num(names) > 0;
    for (int i = 0; all && i < sk_GENERAL_NAME_num(names); ++i) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        all = name->type == GEN_DNS &&
              X509_check_host(other, (const char *)ASN1_STRING_get0_data(name->d.dNSName),
                              (size_t)ASN1_STRING_length(name->d.dNSName), X509_CHECK_FLAG_NO_WILDCARDS, NULL) == 1;
    }
    GENERAL_NAMES_free(names);
    return all;
}

static bool have_same_kind_of_key(X509 *a, X509 *b)
{
    return EVP_PKEY_get_base_id(X509_get0_pubkey(a)) == EVP_PKEY_get_base_id(X509_get0_pubkey(b));
}

/* If there are an ECDSA and an RSA certificate for the same names, each client should get the one it supports. OpenSSL
 * chooses among the certificates of one SSL_CTX, which holds one for each kind of key. The first of a kind stays. */
static void stand_in(SSL_CTX *ssl, SSL_CTX *other)
{
    X509 *own = SSL_CTX_get0_certificate(ssl), *leaf = SSL_CTX_get0_certificate(other);
    STACK_OF(X509) *chain = NULL;
    if (have_same_kind_of_key(own, leaf) || !has_names_of(leaf, own))
        return;
    SSL_CTX_get0_chain_certs(other, &chain);
    (void)SSL_CTX_use_cert_and_key(ssl, leaf, SSL_CTX_get0_privatekey(other), chain, 0);
    ERR_clear_error();
    SSL_CTX_select_current_cert(ssl, own); /* find_face() goes by its names */
}

static void stand_in_for_each_other(const struct tls_context *context)
{
    for (size_t i = 0; i < context->count; ++i) {
        for (size_t j = 0; j < context->count; ++j) {
            if (i != j)
                stand_in(context->faces[i].ssl, context->faces[j].ssl);
        }
    }
}

struct tls_context *tls_context_read(const struct listener *listener, struct tls_tickets *tickets,
                                     const struct tls_report *report)
{
    bool good = true;
    const size_t count = listener->certificate_count;
    struct tls_context *context = memory_zeroed(1, sizeof(*context) + count * sizeof(context->faces[0]));
    atomic_init(&context->references, 1);
    context->count = count;
    for (size_t i = 0; i < count; ++i) {
        struct face *face = &context->faces[i];
        face->ssl = new_ssl(context, tickets);
        good &= tls_certificate_use(face->ssl, &listener->certificates[i], report, &face->facts);
    }
    if (good) {
        stand_in_for_each_other(context);
        return context;
    }
    tls_context_release(context);
    return NULL;
}

struct tls_context *tls_context_hold(struct tls_context *context)
{
    if (context != NULL)
        atomic_fetch_add(&context->references, 1);
    return context;
}

void tls_context_release(struct tls_context *context)
{
    if (context == NULL || atomic_fetch_sub(&context->references, 1) > 1)
        return;
    for (size_t i = 0; i < context->count; ++i)
        SSL_CTX_free(context->faces[i].ssl);
    free(context);
}

SSL_CTX *tls_context_first(const struct tls_context *context)
{
    return context->faces[0].ssl;
}

bool tls_context_serves(const struct tls_context *context, const char *name)
{
    for (size_t i = 0; i < context->count; ++i) {
        if (X509_check_ip_asc(SSL_CTX_get0_certificate(context->faces[i].ssl), name, 0) == 1)
            return true;
    }
    return find_face(context, name, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS) != NULL;
}

const struct tls_facts *tls_context_facts(const struct tls_context *context, size_t i)
{
    return &context->faces[i].facts;
}
