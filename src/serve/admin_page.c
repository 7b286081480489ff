#include "admin_page.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>

#include "ssoferry/memory.h"

enum { HASH_SIZE = 4 * ((SHA256_DIGEST_LENGTH + 2) / 3) + 1, POLICY_SIZE = 512 };

/* Base64 of the SHA-256, as CSP Level 3 (2.3.1) names an inline element's text. */
static void hash(struct text t, char *out)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)t.at, t.size, digest);
    EVP_EncodeBlock((unsigned char *)out, digest, SHA256_DIGEST_LENGTH);
}

static char *join(const struct text *parts, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; ++i)
        size += parts[i].size;
    char *out = memory_allocate(size + 1);
    char *at = out;
    for (size_t i = 0; i < count; at += parts[i++].size)
        memcpy(at, parts[i].at, parts[i].size);
    *at = '\0';
    return out;
}

void admin_page_build(char **page, char **policy)
{
    const struct admin_page_parts *from = &admin_page_parts;
    const struct text parts[] = {from->html_head, from->css, from->html_middle, from->script, from->html_tail};
    char script[HASH_SIZE];
    char style[HASH_SIZE];
    hash(from->script, script);
    hash(from->css, style);
    *page = join(parts, sizeof(parts) / sizeof(parts[0]));
    *policy = memory_allocate(POLICY_SIZE);
    snprintf(*policy, POLICY_SIZE,
             "default-src 'none'; script-src 'sha256-%s'; style-src 'sha256-%s'; connect-src 'self'; base-uri 'none'; "
             "form-action 'none'; "
             "frame-ancestors 'none'; require-trusted-types-for 'script'",
             script, style);
}
