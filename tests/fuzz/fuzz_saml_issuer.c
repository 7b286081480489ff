/* Input: a digit that says how to use the rest: 0 a POST's field, 1 a query's field, 2 the XML of a POST, 3 what a
 * query's base64 contains. The last two are base64-encoded here, so that mutations reach the decoded content. */
#include "fuzz.h"

#include "ssoferry/connection.h"
#include "ssoferry/saml_issuer.h"

static struct text base64_of(struct text in, struct memory memory)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char *out = memory.allocate(memory.context, in.size * 4 / 3 + 4);
    size_t size = 0;
    for (size_t i = 0; i < in.size; i += 3) {
        uint32_t bits = 0;
        for (size_t j = 0; j < 3; j++)
            bits = bits << 8 | (i + j < in.size ? (unsigned char)in.at[i + j] : 0);
        for (size_t j = 0; j < 4 && i + j <= in.size; j++)
            out[size++] = letters[bits >> (18 - 6 * j) & 63];
    }
    return text_slice(out, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct arena *arena = arena_new();
    struct text field = text_slice((const char *)data + 1, size - 1), issuer;
    enum saml_encoding encoding = data[0] % 2 == 0 ? SAML_POST_BINDING : SAML_REDIRECT_BINDING;
    if (data[0] % 4 >= 2)
        field = base64_of(field, arena_memory(arena));
    enum saml_issuer_result result = saml_issuer_read(field, encoding, arena_memory(arena), &issuer);
    if (result == SAML_ISSUER_FOUND)
        MUST(identifier_problem(issuer) == NULL);
    else
        MUST(issuer.size == 0);
    MUST(data[0] % 4 < 2 || result != SAML_ISSUER_BAD_BASE64);
    arena_free(arena);
    return 0;
}
