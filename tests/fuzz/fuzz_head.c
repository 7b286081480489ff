/* Input: how many fields there is room for and how many bytes were there before, a byte each; a request's head. It is
 * taken or refused as libh2o's own parser does, and what is taken lies within it. */
#include "fuzz.h"
#include "head_pair.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct parsed_head parsed;
    if (size < 2)
        return 0;
    struct text head = text_slice((const char *)data + 2, size - 2);
    MUST(both_read_alike(head, data[0] % (HEAD_FIELDS_MAX + 1), data[1] % (head.size + 1), &parsed));
    MUST(parsed.size <= (int)head.size);
    return 0;
}
