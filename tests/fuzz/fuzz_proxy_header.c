/* Input: the first bytes from a balancer. However they are cut into reads, the result must be the same. */
#include "fuzz.h"
#include "ssoferry/proxy_header.h"

static void check(enum proxy_header answer, struct text input, const struct proxied *proxied)
{
    if (answer == PROXY_HEADER_MORE)
        MUST(input.size < PROXY_HEADER_SIZE_MAX);
    if (answer == PROXY_HEADER_LOCAL || answer == PROXY_HEADER_ADDRESS)
        MUST(proxied->size > 0 && proxied->size <= input.size && proxied->size <= PROXY_HEADER_SIZE_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proxied first = {0}, later = {0};
    enum proxy_header answer = PROXY_HEADER_MORE;
    for (size_t taken = 0; taken <= size; taken++) {
        struct text input = text_slice((const char *)data, taken);
        enum proxy_header now = proxy_header_read(input, &later);
        check(now, input, &later);
        if (answer != PROXY_HEADER_MORE)
            MUST(now == answer && (now == PROXY_HEADER_BAD || later.size == first.size));
        if (answer == PROXY_HEADER_MORE)
            first = later;
        answer = now;
    }
    return 0;
}
