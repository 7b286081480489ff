#include "ssoferry/request.h"

enum method method_parse(struct text name)
{
    static const struct {
        struct text name;
        enum method method;
    } methods[] = {
        {{"GET", 3}, METHOD_GET},
        {{"HEAD", 4}, METHOD_HEAD},
        {{"POST", 4}, METHOD_POST},
    };
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (text_equal(methods[i].name, name))
            return methods[i].method;
    return METHOD_OTHER;
}
