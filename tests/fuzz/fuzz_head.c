/* Input: one byte for how many fields there is room for, one byte for how many bytes were there before, and a request's
 * head. It must be accepted or refused just as by libh2o's own parser, and everything found must lie within it. */
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
