/* Session tickets between two ends in memory: good for their time, and not after it. */
#include "check.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "ssoferry/tls_tickets.h"

struct ends {
    SSL_CTX *server, *client;
    struct tls_tickets *tickets;
    SSL_SESSION *session; /* the newest that the client was given */
};

static void certify(SSL_CTX *context)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    X509_set_version(certificate, X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    assert_int_equal(SSL_CTX_use_certificate(context, certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(context, key), 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static struct ends open_ends(int version)
{
    struct ends ends = {SSL_CTX_new(TLS_server_method()), SSL_CTX_new(TLS_client_method()), tls_tickets_new(), NULL};
    certify(ends.server);
    tls_tickets_use(ends.tickets, ends.server);
    SSL_CTX_set_min_proto_version(ends.client, version);
    SSL_CTX_set_max_proto_version(ends.client, version);
    return ends;
}

static void close_ends(struct ends *ends)
{
    SSL_SESSION_free(ends->session);
    SSL_CTX_free(ends->server);
    SSL_CTX_free(ends->client);
    tls_tickets_free(ends->tickets);
}

/* One connection with a byte to read, so that tickets arrive, the newest of which is kept. Whether the session was
 * taken up. Takes over `session`. */
static bool connect_with(struct ends *ends, SSL_SESSION *session)
{
    char byte;
    BIO *here = NULL;
    BIO *there = NULL;
    SSL *server = SSL_new(ends->server);
    SSL *client = SSL_new(ends->client);
    BIO_new_bio_pair(&here, 0, &there, 0);
    SSL_set_bio(server, here, here);
    SSL_set_bio(client, there, there);
    if (session != NULL)
        SSL_set_session(client, session);
    for (int turns = 0; turns < 10; ++turns) {
        SSL_connect(client);
        SSL_accept(server);
    }
    assert_int_equal(SSL_write(server, "x", 1), 1);
    assert_int_equal(SSL_read(client, &byte, 1), 1);
    bool resumed = SSL_session_reused(server) == 1;
    assert_int_equal(SSL_session_reused(client), resumed);
    SSL_shutdown(client);
    SSL_SESSION_free(session);
    SSL_SESSION_free(ends->session);
    ends->session = SSL_get1_session(client);
    SSL_free(server);
    SSL_free(client);
    return resumed;
}

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

static void a_ticket_is_good_until_its_key_is_the_third_oldest(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; ++i) {
        struct ends ends = open_ends(versions[i]);
        assert_false(connect_with(&ends, NULL));
        SSL_SESSION *first = SSL_SESSION_dup(ends.session);
        for (int rotations = 0; rotations < TLS_TICKETS_KEYS; ++rotations) {
            assert_true(connect_with(&ends, SSL_SESSION_dup(first)));
            tls_tickets_rotate(ends.tickets);
        }
        assert_false(connect_with(&ends, first));
        close_ends(&ends);
    }
}

static void a_ticket_of_an_older_key_is_replaced(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; ++i) {
        struct ends ends = open_ends(versions[i]);
        assert_false(connect_with(&ends, NULL));
        for (int rotations = 0; rotations < 3 * TLS_TICKETS_KEYS; ++rotations) {
            tls_tickets_rotate(ends.tickets);
            assert_true(connect_with(&ends, SSL_SESSION_dup(ends.session)));
        }
        close_ends(&ends);
    }
}

static void a_ticket_of_another_process_is_no_ticket(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; ++i) {
        struct ends one = open_ends(versions[i]);
        struct ends other = open_ends(versions[i]);
        assert_false(connect_with(&one, NULL));
        assert_false(connect_with(&other, SSL_SESSION_dup(one.session)));
        close_ends(&one);
        close_ends(&other);
    }
}

static void a_ticket_is_encrypted_anew_and_says_its_time(void **state)
{
    enum { NAME_SIZE = 16, IV_SIZE = 16 }; /* RFC 5077 4 */
    (void)state;
    for (size_t i = 0; i < 2; ++i) {
        const unsigned char *one = NULL, *other = NULL;
        size_t size = 0;
        struct ends ends = open_ends(versions[i]);
        assert_false(connect_with(&ends, NULL));
        SSL_SESSION *first = SSL_SESSION_dup(ends.session);
        assert_false(connect_with(&ends, NULL));
        SSL_SESSION_get0_ticket(first, &one, &size);
        assert_true(size > NAME_SIZE + IV_SIZE);
        SSL_SESSION_get0_ticket(ends.session, &other, &size);
        assert_memory_equal(one, other, NAME_SIZE);
        assert_memory_not_equal(one + NAME_SIZE, other + NAME_SIZE, IV_SIZE);
        assert_int_equal(SSL_SESSION_get_ticket_lifetime_hint(first), TLS_TICKETS_LIFE_S);
        SSL_SESSION_free(first);
        close_ends(&ends);
    }
}

static void nothing_is_kept_of_a_session(void **state)
{
    (void)state;
    struct ends ends = open_ends(TLS1_2_VERSION);
    SSL_CTX_set_options(ends.client, SSL_OP_NO_TICKET);
    assert_false(connect_with(&ends, NULL));
    assert_false(connect_with(&ends, SSL_SESSION_dup(ends.session)));
    assert_int_equal(SSL_CTX_sess_number(ends.server), 0);
    close_ends(&ends);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ticket_is_good_until_its_key_is_the_third_oldest),
        cmocka_unit_test(a_ticket_of_an_older_key_is_replaced),
        cmocka_unit_test(a_ticket_of_another_process_is_no_ticket),
        cmocka_unit_test(a_ticket_is_encrypted_anew_and_says_its_time),
        cmocka_unit_test(nothing_is_kept_of_a_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
