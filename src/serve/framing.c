#include "ssoferry/framing.h"

#include "characters.h"
#include "ssoferry/bytes.h"

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

/* What has been read of a head so far. */
struct head {
    bool old; /* HTTP/1.0 */
    unsigned lengths, codings, hosts;
    bool length_zero;
};

static bool is_host(struct text value)
{
    unsigned all = CHARACTER_IN_HOST;
#pragma GCC unroll 4
    for (size_t i = 0; i < value.size; ++i)
        all &= character_places[(unsigned char)value.at[i]];
    return all != 0;
}

/* Whether the line begins with a token followed by a colon. */
static bool has_name(struct text line)
{
    size_t size = 0;
    while (size < line.size && character_in_token(line.at[size]))
        ++size;
    return size < line.size && line.at[size] == ':';
}

static enum framing read_request_line(struct head *head, struct text line)
{
    size_t method_end = 0; /* it is only a few bytes, so a loop is cheaper than a call */
    while (method_end < line.size && line.at[method_end] != ' ')
        ++method_end;
    size_t target_end = text_find(line, ' ', method_end + 1);
    if (method_end == 0 || target_end >= line.size)
        return FRAMING_BAD_TARGET;
    struct text target = text_slice(line.at + method_end + 1, target_end - method_end - 1);
    head->old = text_equal(text_from(line, target_end + 1), TEXT("HTTP/1.0"));
    bool asterisk = target.size == 1 && target.at[0] == '*';
    return asterisk || (target.size > 0 && target.at[0] == '/') ? FRAMING_GOOD : FRAMING_BAD_TARGET;
}

static enum framing read_host(struct head *head, struct text value)
{
    if (head->hosts++ > 0)
        return FRAMING_HOST_TWICE;
    return is_host(text_trim(value)) ? FRAMING_GOOD : FRAMING_BAD_HOST;
}

static enum framing read_length(struct head *head, struct text value)
{
    uint64_t number = 0;
    if (head->lengths++ > 0 || !text_to_number(text_trim(value), INT64_MAX, &number))
        return FRAMING_LENGTH_TWICE;
    head->length_zero = number == 0;
    return FRAMING_GOOD;
}

/* Whether the line begins with `name`, which is in lower case, ends with the colon and is 8 to 24 bytes long. Compares
 * eight bytes at a time; the last eight may overlap the others. */
static inline bool is_field(struct text line, struct text name)
{
    return line.size >= name.size && bytes_same_fold(line.at, name.at) &&
           (name.size <= 16 || bytes_same_fold(line.at + 8, name.at + 8)) &&
           bytes_same_fold(line.at + name.size - 8, name.at + name.size - 8);
}

static inline bool is_host_field(struct text line)
{
    const char *at = line.at;
    return line.size >= 5 && at[4] == ':' && (at[0] | 0x20) == 'h' && (at[1] | 0x20) == 'o' && (at[2] | 0x20) == 's' &&
           (at[3] | 0x20) == 't';
}

static inline struct text behind(struct text line, struct text name)
{
    return text_from(line, name.size);
}

static enum framing read_field(struct head *head, struct text line)
{
    static const struct text host = {"host:", 5}, length = {"content-length:", 15}, coding = {"transfer-encoding:", 18};
    if (line.at[0] == ' ' || line.at[0] == '\t')
        return FRAMING_FOLDED_LINE;
    if (line.at[0] == '\r') /* it has no name; the parser has refused it already */
        return FRAMING_GOOD;
    if (is_host_field(line))
        return read_host(head, behind(line, host));
    if (is_field(line, length))
        return read_length(head, behind(line, length));
    if (is_field(line, coding))
        return head->codings++ > 0 ? FRAMING_CODING_TWICE : FRAMING_GOOD;
    /* A shortcut for two fields that nearly every request has. */
    if (is_field(line, TEXT("content-type:")) || is_field(line, TEXT("cache-control:")))
        return FRAMING_GOOD;
    return has_name(line) ? FRAMING_GOOD : FRAMING_BAD_FIELD;
}

static enum framing judge(const struct head *head)
{
    if (head->lengths > 0 && head->codings > 0)
        return FRAMING_LENGTH_AND_CODING;
    if (head->codings > 0 && head->old)
        return FRAMING_CODING_IN_OLD_HTTP;
    if (head->hosts == 0 && !head->old)
        return FRAMING_NO_HOST;
    /* libh2o's chunk reader is lenient, and proxies disagree about bodies in HTTP/1.0. */
    bool body = head->codings > 0 || (head->lengths > 0 && !head->length_zero);
    return head->codings > 0 || (head->old && body) ? FRAMING_CLOSE : FRAMING_GOOD;
}

/* -- lines -- */

/* Finds all line feeds among the first BYTES_BLOCK bytes at once; one bit each. */
static inline uint64_t feeds_in(struct text t)
{
    char block[BYTES_BLOCK];
    if (t.size >= BYTES_BLOCK)
        return bytes_where(t.at, '\n');
    memset(block, 0, sizeof(block));
    memcpy(block, t.at, t.size);
    return bytes_where(block, '\n');
}

/* The head's parser (ours in head_parser.h, or libh2o's own) has already refused names that are not tokens. So only
 * lines that are empty or folded, or begin like one of the three fields, are examined; examining all would be most of
 * this check's cost. */
static const bool is_looked_into[256] = {
    [' '] = true, ['\t'] = true, ['\r'] = true, ['C'] = true, ['c'] = true,
    ['H'] = true, ['h'] = true,  ['T'] = true,  ['t'] = true,
};

/* Reads the lines after the request line, up to and including the empty one; *size is set to their size in bytes. */
static enum framing read_fields(struct head *head, struct text rest, size_t *size)
{
    const char *line = rest.at;
    for (size_t at = 0; at < rest.size; at += BYTES_BLOCK) {
        const char *block = rest.at + at;
        for (uint64_t feeds = feeds_in(text_slice(block, rest.size - at)); feeds != 0; feeds &= feeds - 1) {
            const char *feed = &block[__builtin_ctzll(feeds)];
            if (feed[-1] != '\r') /* nor is it if the line is only a line feed */
                return FRAMING_BARE_LINE_FEED;
            if (is_looked_into[(unsigned char)*line]) {
                if (line + 1 == feed) {
                    *size = (size_t)(feed + 1 - rest.at);
                    return judge(head);
                }
                enum framing framing = read_field(head, text_slice(line, (size_t)(feed - line) - 1));
                if (framing != FRAMING_GOOD)
                    return framing;
            }
            line = feed + 1;
        }
    }
    return FRAMING_BARE_LINE_FEED;
}

enum framing framing_check(struct text input, size_t *head_size)
{
    struct head head = {0};
    const char *start = input.at;
    if (text_starts(input, TEXT("\r\n")))
        input = text_from(input, 2);
    size_t feed = text_find(input, '\n', 0);
    if (feed == input.size || feed == 0 || input.at[feed - 1] != '\r')
        return FRAMING_BARE_LINE_FEED;
    struct text rest = text_from(input, feed + 1);
    enum framing framing = read_request_line(&head, text_slice(input.at, feed - 1));
    size_t size = 0;
    if (framing == FRAMING_GOOD)
        framing = read_fields(&head, rest, &size);
    if (framing <= FRAMING_CLOSE)
        *head_size = (size_t)(rest.at - start) + size;
    return framing;
}
