#include "admin_page.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

enum { HASH_SIZE = 4 * ((SHA256_DIGEST_LENGTH + 2) / 3) + 1 };

/* Base64 of the SHA-256, the form in which CSP Level 3 (2.3.1) identifies inline content. */
static struct text hash(struct text t, char out[HASH_SIZE])
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)t.at, t.size, digest);
    EVP_EncodeBlock((unsigned char *)out, digest, SHA256_DIGEST_LENGTH);
    return text_of(out);
}

void admin_page_build(struct page *page, struct memory memory)
{
    const struct admin_page_parts *from = &admin_page_parts;
    char script[HASH_SIZE], style[HASH_SIZE];
    const struct text body[] = {from->html_head, from->css, from->html_middle, from->script, from->html_tail};
    const struct text policy[] = {
        TEXT("default-src 'none'; script-src 'sha256-"),
        hash(from->script, script),
        TEXT("'; style-src 'sha256-"),
        hash(from->css, style),
        TEXT("'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
             "require-trusted-types-for 'script'"),
    };
    page->content_type = TEXT("text/html; charset=utf-8");
    page->body = text_join(body, sizeof(body) / sizeof(body[0]), memory);
    page->security_policy = text_join(policy, sizeof(policy) / sizeof(policy[0]), memory);
}
