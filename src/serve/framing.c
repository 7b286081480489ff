#include "ssoferry/framing.h"

static const char *const codes[FRAMINGS] = {
    [FRAMING_GOOD] = "",
    [FRAMING_CLOSE] = "",
    [FRAMING_BARE_LINE_FEED] = "bare_line_feed",
    [FRAMING_FOLDED_LINE] = "folded_line",
    [FRAMING_BAD_FIELD] = "bad_field",
    [FRAMING_LENGTH_TWICE] = "length_twice",
    [FRAMING_LENGTH_AND_CODING] = "length_and_coding",
    [FRAMING_CODING_TWICE] = "coding_twice",
    [FRAMING_CODING_IN_OLD_HTTP] = "coding_in_old_http",
    [FRAMING_NO_HOST] = "no_host",
    [FRAMING_HOST_TWICE] = "host_twice",
    [FRAMING_BAD_HOST] = "bad_host",
    [FRAMING_BAD_TARGET] = "bad_target",
};

const char *framing_code(enum framing framing)
{
    return codes[framing];
}

/* A head as it is being read. */
struct head {
    bool old; /* HTTP/1.0 */
    unsigned lengths, codings, hosts;
    bool length_zero;
};

/* Takes the next line off `rest`, without its CRLF. False where it ends with a bare LF, or not at all. */
static inline bool next_line(struct text *rest, struct text *line)
{
    size_t end = text_find(*rest, '\n', 0);
    if (end == rest->size || end == 0 || rest->at[end - 1] != '\r')
        return false;
    *line = text_slice(rest->at, end - 1);
    rest->at += end + 1;
    rest->size -= end + 1;
    return true;
}

/* What a byte may be part of.
 * TOKEN: tchar, RFC 9110 5.6.2: letters, digits and !#$%&'*+-.^_`|~
 * HOST: uri-host [ ":" port ] (RFC 9110 7.2), loosely: what is visible, less "#/<>?@\^`{|}, which could be taken for
 * another part of a URL or for a second host. */
enum { TOKEN = 1, HOST = 2, BOTH = TOKEN | HOST };
#define REPEAT_10(value) value, value, value, value, value, value, value, value, value, value
#define REPEAT_26(value) REPEAT_10(value), REPEAT_10(value), value, value, value, value, value, value
static const unsigned char classes[256] = {
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

/* How many bytes at the start are of a class. */
static inline size_t count_class(struct text t, unsigned char class)
{
    size_t size = 0;
    while (size < t.size && (classes[(unsigned char)t.at[size]] & class) != 0)
        ++size;
    return size;
}

static enum framing read_request_line(struct head *head, struct text line)
{
    size_t method_end = text_find(line, ' ', 0);
    size_t target_end = text_find(line, ' ', method_end + 1);
    if (method_end == 0 || target_end >= line.size)
        return FRAMING_BAD_TARGET;
    struct text target = text_slice(line.at + method_end + 1, target_end - method_end - 1);
    head->old = text_equal(text_slice(line.at + target_end + 1, line.size - target_end - 1), TEXT("HTTP/1.0"));
    bool asterisk = text_equal(target, TEXT("*"));
    return asterisk || text_starts(target, TEXT("/")) ? FRAMING_GOOD : FRAMING_BAD_TARGET;
}

static enum framing read_framing_field(struct head *head, struct text name, struct text value)
{
    if (text_equal_fold(name, TEXT("content-length"))) {
        uint64_t number = 0;
        if (head->lengths++ > 0 || !text_to_number(text_trim(value), INT64_MAX, &number))
            return FRAMING_LENGTH_TWICE;
        head->length_zero = number == 0;
    } else if (text_equal_fold(name, TEXT("transfer-encoding"))) {
        if (head->codings++ > 0)
            return FRAMING_CODING_TWICE;
    } else if (text_equal_fold(name, TEXT("host"))) {
        if (head->hosts++ > 0)
            return FRAMING_HOST_TWICE;
        value = text_trim(value);
        if (count_class(value, HOST) < value.size)
            return FRAMING_BAD_HOST;
    }
    return FRAMING_GOOD;
}

/* libh2o's parser has refused names that are no tokens; so only lines that may be one of the three fields are looked
 * into, which is most of what this check would cost. */
static enum framing read_field(struct head *head, struct text line)
{
    char first = (char)(line.at[0] | 0x20);
    if (line.at[0] == ' ' || line.at[0] == '\t')
        return FRAMING_FOLDED_LINE;
    if (first != 'c' && first != 't' && first != 'h')
        return FRAMING_GOOD;
    size_t colon = count_class(line, TOKEN);
    if (colon == line.size || line.at[colon] != ':')
        return FRAMING_BAD_FIELD;
    struct text name = text_slice(line.at, colon);
    struct text value = text_slice(line.at + colon + 1, line.size - colon - 1);
    return read_framing_field(head, name, value);
}

static enum framing judge(const struct head *head)
{
    if (head->lengths > 0 && head->codings > 0)
        return FRAMING_LENGTH_AND_CODING;
    if (head->codings > 0 && head->old)
        return FRAMING_CODING_IN_OLD_HTTP;
    if (head->hosts == 0 && !head->old)
        return FRAMING_NO_HOST;
    /* libh2o's chunk reader is lenient, and proxies differ on bodies in HTTP/1.0. */
    bool body = head->codings > 0 || (head->lengths > 0 && !head->length_zero);
    return head->codings > 0 || (head->old && body) ? FRAMING_CLOSE : FRAMING_GOOD;
}

enum framing framing_check(struct text input, size_t *head_size)
{
    const char *start = input.at;
    struct head head = {0};
    struct text line;
    if (text_starts(input, TEXT("\r\n")))
        input = text_slice(input.at + 2, input.size - 2);
    if (!next_line(&input, &line))
        return FRAMING_BARE_LINE_FEED;
    enum framing framing = read_request_line(&head, line);
    while (framing == FRAMING_GOOD) {
        if (!next_line(&input, &line))
            return FRAMING_BARE_LINE_FEED;
        if (line.size == 0) {
            *head_size = (size_t)(input.at - start);
            return judge(&head);
        }
        framing = read_field(&head, line);
    }
    return framing;
}
