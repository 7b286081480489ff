#include "characters.h"

enum { TOKEN = CHARACTER_IN_TOKEN, HOST = CHARACTER_IN_HOST, BOTH = TOKEN | HOST };

#define REPEAT_10(value) value, value, value, value, value, value, value, value, value, value
#define REPEAT_26(value) REPEAT_10(value), REPEAT_10(value), value, value, value, value, value, value
const unsigned char character_places[256] = {
    ['!'] = BOTH,
    ['#'] = TOKEN,
    ['$'] = BOTH,
    ['%'] = BOTH,
    ['&'] = BOTH,
    ['\''] = BOTH,
    ['('] = HOST,
    [')'] = HOST,
    ['*'] = BOTH,
    ['+'] = BOTH,
    ['-'] = BOTH,
    ['.'] = BOTH,
    [':'] = HOST,
    [';'] = HOST,
    ['='] = HOST,
    ['['] = HOST,
    [']'] = HOST,
    ['^'] = TOKEN,
    ['_'] = BOTH,
    ['`'] = TOKEN,
    ['|'] = TOKEN,
    ['~'] = BOTH,
    ['0'] = REPEAT_10(BOTH),
    ['A'] = REPEAT_26(BOTH),
    ['a'] = REPEAT_26(BOTH),
};
