#include "ssoferry/request.h"

enum method method_parse(struct text name)
{
    /* Constant sizes let the compiler compare each name as a word. */
    if (name.size == 4 && memcmp(name.at, "POST", 4) == 0)
        return METHOD_POST;
    if (name.size == 3 && memcmp(name.at, "GET", 3) == 0)
        return METHOD_GET;
    return name.size == 4 && memcmp(name.at, "HEAD", 4) == 0 ? METHOD_HEAD : METHOD_OTHER;
}
