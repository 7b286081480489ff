#include "ssoferry/json_value.h"

#include <stdlib.h>

#include "ssoferry/memory.h"
#include "ssoferry/time_text.h"

json_t *json_text(struct text t)
{
    json_t *string = t.size > 0 ? json_stringn(t.at, t.size) : json_string("");
    if (string != NULL)
        return string;

    char *escaped = memory_allocate(t.size * 4 + 1);
    size_t size = 0;
    for (size_t i = 0; i < t.size; ++i) {
        unsigned char byte = (unsigned char)t.at[i];
        if (byte >= 0x20 && byte < 0x7f)
            escaped[size++] = (char)byte;
        else
            size += (size_t)sprintf(escaped + size, "\\x%02x", byte);
    }
    string = json_stringn(escaped, size);
    free(escaped);
    return string;
}

json_t *json_text_or_null(struct text t)
{
    return t.size > 0 ? json_text(t) : json_null();
}

json_t *json_number(uint64_t number)
{
    return json_integer((json_int_t)number);
}

json_t *json_time(int64_t time)
{
    char buffer[TIME_SIZE];
    return time != 0 ? json_string(time_text(time, buffer)) : json_null();
}
