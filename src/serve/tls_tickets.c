#include "ssoferry/tls_tickets.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "ssoferry/log.h"
#include "ssoferry/memory.h"

enum { NAME_SIZE = 16, SECRET_SIZE = 32 };

struct key {
    unsigned char name[NAME_SIZE];
    unsigned char cipher[SECRET_SIZE]; /* AES-256-CBC */
    unsigned char mac[SECRET_SIZE];    /* HMAC-SHA256 */
};

struct tls_tickets {
    pthread_mutex_t mutex;             /* for the members below */
    struct key keys[TLS_TICKETS_KEYS]; /* newest first */
    size_t count;
};

static void randomize(void *out, int size)
{
    if (RAND_bytes(out, size) == 1)
        return;
    log_error("the system gives no random numbers");
    abort();
}

struct tls_tickets *tls_tickets_new(void)
{
    struct tls_tickets *tickets = memory_zeroed(1, sizeof(*tickets));
    pthread_mutex_init(&tickets->mutex, NULL);
    tls_tickets_rotate(tickets);
    return tickets;
}

void tls_tickets_free(struct tls_tickets *tickets)
{
    if (tickets == NULL)
        return;
    pthread_mutex_destroy(&tickets->mutex);
    OPENSSL_cleanse(tickets, sizeof(*tickets));
    free(tickets);
}

void tls_tickets_rotate(struct tls_tickets *tickets)
{
    struct key key;
    randomize(&key, sizeof(key));
    pthread_mutex_lock(&tickets->mutex);
    memmove(tickets->keys + 1, tickets->keys, sizeof(key) * (TLS_TICKETS_KEYS - 1));
    tickets->keys[0] = key;
    tickets->count += tickets->count < TLS_TICKETS_KEYS;
    pthread_mutex_unlock(&tickets->mutex);
    OPENSSL_cleanse(&key, sizeof(key));
}

/* Copies the key with that name, or the newest if `name` is NULL. Returns how many rotations old it is, or -1 if there
 * is none. */
static int copy_key(struct tls_tickets *tickets, const unsigned char *name, struct key *key)
{
    int found = -1;
    pthread_mutex_lock(&tickets->mutex);
    for (size_t i = 0; i < tickets->count && found < 0; ++i) {
        if (name == NULL || memcmp(tickets->keys[i].name, name, NAME_SIZE) == 0)
            found = (int)i;
    }
    if (found >= 0)
        *key = tickets->keys[found];
    pthread_mutex_unlock(&tickets->mutex);
    return found;
}

static bool set_mac(EVP_MAC_CTX *mac, struct key *key)
{
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, SECRET_SIZE),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

/* Return values of SSL_CTX_set_tlsext_ticket_key_evp_cb(3): 1 continue, 0 no ticket, 2 valid but to be renewed, -1
 * failed. */
static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
                     int encrypt)
{
    struct tls_tickets *tickets = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    struct key key;
    int age = copy_key(tickets, encrypt ? NULL : name, &key);
    if (age < 0)
        return 0;
    if (encrypt) {
        memcpy(name, key.name, NAME_SIZE);
        randomize(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc()));
    }
    bool good = EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.cipher, iv, encrypt) == 1 && set_mac(mac, &key);
    OPENSSL_cleanse(&key, sizeof(key));
    return !good ? -1 : age > 0 ? 2 : 1;
}

void tls_tickets_use(struct tls_tickets *tickets, SSL_CTX *context)
{
    static const unsigned char name[] = "ssoferry";
    SSL_CTX_set_app_data(context, tickets);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_session_id_context(context, name, sizeof(name) - 1);
    SSL_CTX_set_timeout(context, TLS_TICKETS_LIFE_S);
    SSL_CTX_set_num_tickets(context, 1); /* a browser comes back once, and each ticket costs time */
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
}
