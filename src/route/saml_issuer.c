#include "ssoferry/saml_issuer.h"
#include "ssoferry/connection.h"

#include "saml_charset.h"
#include "saml_message.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <stdlib.h>

static const char PROTOCOL[] = "urn:oasis:names:tc:SAML:2.0:protocol";
static const char ASSERTION[] = "urn:oasis:names:tc:SAML:2.0:assertion";

/* Limits against messages of legal size that could keep libxml2 busy for seconds: it compares each attribute of an
 * element with all others, and each prefix with all namespaces in scope; its table of names has at most some 4,600
 * lists; it copies whole names and URIs into each namespace error; and a tag costs it as much as 40 bytes of text. No
 * real message comes near these: pairs of attributes, namespaces in scope, open elements, distinct names and URIs,
 * non-fatal faults, and marks (tags, references and carriage returns) up to where the Issuer is sure. */
enum {
    PAIRS_MAX = 1024 * 1024,
    NAMESPACES_MAX = 64,
    DEPTH_MAX = 64,
    NAMES_MAX = 4096,
    FAULTS_MAX = 64,
    MARKS_MAX = 32 * 1024
};

/* Where the Issuer is that is being read, or that was found. */
enum place { PLACE_NONE, PLACE_RESPONSE, PLACE_ASSERTION };

struct reader {
    xmlParserCtxtPtr parser;
    enum saml_charset charset;
    bool decided;
    enum saml_issuer_result result;
    unsigned depth; /* open elements */
    unsigned namespaces_open, namespaces[DEPTH_MAX];
    unsigned faults;
    bool in_assertion, assertion_has_issuer;
    enum place reading, found;
    size_t size, found_size;
    char text[1024]; /* of the Issuer being read, without leading white space */
    char issuer[IDENTIFIER_SIZE_MAX];
};

/* Sets the answer; the rest of the message is not read. */
static void decide(struct reader *reader, enum saml_issuer_result result)
{
    if (reader->decided)
        return;
    reader->decided = true;
    reader->result = result;
    xmlStopParser(reader->parser);
}

static bool is_white(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Whether the encoding is understood well enough to know these characters. */
static bool is_certain(const struct reader *reader, struct text issuer)
{
    bool ascii = true;
    for (size_t i = 0; i < issuer.size; i++)
        ascii = ascii && (unsigned char)issuer.at[i] < 0x80;
    return ascii || reader->charset != SAML_CHARSET_SINGLE_BYTE;
}

/* Called at the end of an Issuer. */
static void take_issuer(struct reader *reader)
{
    enum place place = reader->reading;
    reader->reading = PLACE_NONE;
    while (reader->size > 0 && is_white(reader->text[reader->size - 1]))
        reader->size--;
    struct text issuer = text_slice(reader->text, reader->size);
    if (identifier_problem(issuer) != NULL || !is_certain(reader, issuer)) {
        decide(reader, SAML_ISSUER_UNFIT);
        return;
    }
    if (reader->found != PLACE_NONE) {
        /* Belongs to another Assertion. */
        if (!text_equal(issuer, text_slice(reader->issuer, reader->found_size)))
            decide(reader, SAML_ISSUER_TWICE);
        return;
    }
    memcpy(reader->issuer, issuer.at, issuer.size);
    reader->found_size = issuer.size;
    reader->found = place;
}

static void begin_issuer(struct reader *reader, enum place place)
{
    reader->reading = place;
    reader->size = 0;
}

/* Enters a child of the Response. The Response's own Issuer comes first (saml-schema-protocol-2.0, StatusResponseType),
 * so whatever follows it ends the reading. */
static void enter_child(struct reader *reader, bool is_issuer, bool is_assertion)
{
    if (is_issuer && reader->found != PLACE_NONE)
        decide(reader, SAML_ISSUER_TWICE);
    else if (is_issuer)
        begin_issuer(reader, PLACE_RESPONSE);
    else if (reader->found == PLACE_RESPONSE)
        decide(reader, SAML_ISSUER_FOUND);
    reader->in_assertion = is_assertion;
    reader->assertion_has_issuer = false;
}

static void enter_grandchild(struct reader *reader, bool is_issuer)
{
    if (!reader->in_assertion || !is_issuer)
        return;
    if (reader->assertion_has_issuer) {
        decide(reader, SAML_ISSUER_TWICE);
        return;
    }
    reader->assertion_has_issuer = true;
    begin_issuer(reader, PLACE_ASSERTION);
}

static bool is_named(const xmlChar *name, const xmlChar *uri, const char *wanted_name, const char *wanted_uri)
{
    return uri != NULL && strcmp((const char *)name, wanted_name) == 0 && strcmp((const char *)uri, wanted_uri) == 0;
}

static bool has_too_many_names(const struct reader *reader)
{
    return xmlDictSize(reader->parser->dict) > NAMES_MAX;
}

static void on_start(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int namespace_count,
                     const xmlChar **namespaces, int attribute_count, int defaulted_count, const xmlChar **attributes)
{
    (void)prefix, (void)namespaces, (void)attribute_count, (void)defaulted_count, (void)attributes;
    struct reader *reader = context;
    if (reader->decided)
        return;
    unsigned depth = reader->depth;
    if (depth == DEPTH_MAX || reader->namespaces_open + (unsigned)namespace_count > NAMESPACES_MAX ||
        has_too_many_names(reader)) {
        decide(reader, SAML_ISSUER_BAD_XML);
        return;
    }
    reader->namespaces[depth] = (unsigned)namespace_count;
    reader->namespaces_open += (unsigned)namespace_count;
    reader->depth++;
    if (reader->reading != PLACE_NONE)
        decide(reader, SAML_ISSUER_UNFIT);
    else if (depth == 0 && !is_named(name, uri, "Response", PROTOCOL))
        decide(reader, SAML_ISSUER_NOT_RESPONSE);
    else if (depth == 1)
        enter_child(reader, is_named(name, uri, "Issuer", ASSERTION), is_named(name, uri, "Assertion", ASSERTION));
    else if (depth == 2)
        enter_grandchild(reader, is_named(name, uri, "Issuer", ASSERTION));
}

static void on_end(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    (void)name, (void)prefix, (void)uri;
    struct reader *reader = context;
    if (reader->decided)
        return;
    reader->depth--;
    reader->namespaces_open -= reader->namespaces[reader->depth];
    if (reader->reading != PLACE_NONE)
        take_issuer(reader);
    if (reader->depth == 0)
        decide(reader, reader->found != PLACE_NONE ? SAML_ISSUER_FOUND : SAML_ISSUER_MISSING);
}

static void on_characters(void *context, const xmlChar *bytes, int count)
{
    struct reader *reader = context;
    if (reader->decided || reader->reading == PLACE_NONE)
        return;
    const char *at = (const char *)bytes, *end = at + count;
    while (reader->size == 0 && at < end && is_white(*at))
        at++;
    size_t size = (size_t)(end - at);
    if (size > sizeof reader->text - reader->size) {
        decide(reader, SAML_ISSUER_UNFIT);
        return;
    }
    memcpy(reader->text + reader->size, at, size);
    reader->size += size;
}

/* Refuses what is harmless elsewhere, but makes readers disagree on an Issuer's text: some stop at a comment. */
static void refuse_in_issuer(struct reader *reader)
{
    if (reader->reading != PLACE_NONE)
        decide(reader, SAML_ISSUER_UNFIT);
}

static void on_comment(void *context, const xmlChar *text)
{
    (void)text;
    refuse_in_issuer(context);
}

static void on_cdata(void *context, const xmlChar *bytes, int count)
{
    (void)bytes, (void)count;
    refuse_in_issuer(context);
}

static void on_instruction(void *context, const xmlChar *target, const xmlChar *data)
{
    (void)target, (void)data;
    refuse_in_issuer(context);
    if (has_too_many_names(context))
        decide(context, SAML_ISSUER_BAD_XML);
}

static void on_reference(void *context, const xmlChar *name)
{
    (void)name;
    refuse_in_issuer(context);
}

/* A document type could define entities. SAML needs none (saml-core-2.0-os 1.2 needs no DTD). */
static void on_doctype(void *context, const xmlChar *name, const xmlChar *external_id, const xmlChar *system_id)
{
    (void)name, (void)external_id, (void)system_id;
    decide(context, SAML_ISSUER_BAD_XML);
}

#if LIBXML_VERSION >= 21200
typedef const xmlError *told_error;
#else
typedef xmlError *told_error;
#endif

/* Stops at the first fatal error: within a comment libxml2 would go on to the end, copying the comment so far into an
 * error at each "--". A few errors that are not fatal, which concern namespaces, and warnings are tolerated: libxml2
 * puts a text together for each, even for a warning that nobody wants. Parsing is stopped the way libxml2 itself does
 * when memory is out; xmlStopParser() frees the bytes being parsed, so only callbacks between two pieces of markup may
 * call it. */
static void on_error(void *context, told_error error)
{
    struct reader *reader = context;
    if (error->level < XML_ERR_FATAL && ++reader->faults <= FAULTS_MAX)
        return;
    reader->parser->wellFormed = 0;
    reader->parser->disableSAX = 1;
    reader->parser->instate = XML_PARSER_EOF;
}

static xmlParserCtxtPtr parser_new(struct reader *reader)
{
    xmlSAXHandler handler = {
        .initialized = XML_SAX2_MAGIC,
        .internalSubset = on_doctype,
        .reference = on_reference,
        .characters = on_characters,
        .ignorableWhitespace = on_characters,
        .processingInstruction = on_instruction,
        .comment = on_comment,
        .cdataBlock = on_cdata,
        .startElementNs = on_start,
        .endElementNs = on_end,
        .serror = on_error,
    };
    xmlParserCtxtPtr parser = xmlCreatePushParserCtxt(&handler, reader, NULL, 0, NULL);
    if (parser == NULL)
        memory_exhausted();
    /* Ignore the declared encoding: the input is already UTF-8, so '=' and '<' mean what check_bytes() takes them for,
     * and libxml2 looks for no converter in files. */
    xmlCtxtUseOptions(parser, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_IGNORE_ENC);
    return parser;
}

/* Upper bounds on what the parser meets. Of attributes: `equals` counts '=' since the last '<', which no attribute
 * value can contain, and so bounds the attributes of one element; `pairs` sums the pairs of such over all elements. */
struct byte_count {
    unsigned equals, pairs, marks;
};

static bool count_marks(struct text bytes, struct byte_count *count)
{
    static const char marks[] = {'<', '&', '\r'};
    for (size_t i = 0; i < sizeof marks; i++) {
        for (size_t at = 0; (at = text_find(bytes, marks[i], at)) < bytes.size; at++) {
            if (++count->marks > MARKS_MAX)
                return false;
        }
    }
    return true;
}

/* Whether bytes may be fed to the parser: not too many attributes and marks, and no UTF-16, which has other bytes for
 * '<' and '='. */
static bool check_bytes(struct text bytes, struct byte_count *count)
{
    if (memchr(bytes.at, '\0', bytes.size) != NULL || !count_marks(bytes, count))
        return false;
    const char *at = bytes.at, *end = bytes.at + bytes.size;
    while (at < end) {
        const char *open = memchr(at, '<', (size_t)(end - at));
        const char *stop = open != NULL ? open : end;
        for (; (at = memchr(at, '=', (size_t)(stop - at))) != NULL; at++) {
            count->pairs += count->equals++;
            if (count->pairs > PAIRS_MAX)
                return false;
        }
        if (open == NULL)
            break;
        count->equals = 0;
        at = open + 1;
    }
    return true;
}

/* Whether the whole `message` has at most one element named Issuer, whose name is in one start and one end tag only. */
static bool names_one_issuer(struct text message)
{
    unsigned count = 0;
    const char *at = message.at, *end = message.at + message.size;
    while (count < 3 && (at = memmem(at, (size_t)(end - at), "Issuer", 6)) != NULL) {
        count++;
        at += 6;
    }
    return count <= 2;
}

static void feed(struct reader *reader, struct text piece, bool last)
{
    if (reader->charset == SAML_CHARSET_UTF8) {
        xmlParseChunk(reader->parser, piece.at, (int)piece.size, last);
        return;
    }
    char *converted = memory_allocate(2 * piece.size + 1);
    size_t size = saml_latin1_to_utf8(piece, converted);
    xmlParseChunk(reader->parser, converted, (int)size, last);
    free(converted);
}

/* Whether it starts with '<', ignoring a byte order mark of UTF-8 and white space. Otherwise libxml2 may take it for
 * EBCDIC, even if it is to ignore the declared encoding: there '<' and '=' are other bytes than check_bytes() counts.
 */
static bool starts_with_tag(struct text start)
{
    size_t at = text_starts(start, TEXT("\xef\xbb\xbf")) ? 3 : 0;
    while (at < start.size && is_white(start.at[at]))
        at++;
    return at < start.size && start.at[at] == '<';
}

/* Feeds the parser piece by piece. The pieces grow, as libxml2 may look back over an unfinished element at each. */
static enum saml_issuer_result walk(struct reader *reader, struct saml_message *message)
{
    struct byte_count count = {0};
    bool searched = false;
    size_t fed = 0;
    for (size_t target = 1024; !reader->decided; target *= 4) {
        enum saml_issuer_result result = saml_message_read(message, target);
        if (result != SAML_ISSUER_FOUND)
            return result;
        struct text piece = text_slice(message->bytes + fed, message->size - fed);
        if ((fed == 0 && !starts_with_tag(piece)) || !check_bytes(piece, &count))
            return SAML_ISSUER_BAD_XML;
        if (fed == 0)
            reader->charset = saml_charset_of(piece);
        feed(reader, piece, message->ended);
        fed = message->size;
        if (!reader->decided && (!reader->parser->wellFormed || message->ended))
            return SAML_ISSUER_BAD_XML;
        if (reader->decided || searched || reader->found != PLACE_ASSERTION)
            continue;
        /* Another Assertion may follow, but seldom does: if there is no further Issuer, skip parsing up to it. */
        searched = true;
        result = saml_message_read(message, SIZE_MAX);
        if (result != SAML_ISSUER_FOUND)
            return result;
        if (names_one_issuer(text_slice(message->bytes, message->size)))
            return SAML_ISSUER_FOUND;
    }
    return reader->result;
}

static enum saml_issuer_result read_message(struct text field, bool deflated, struct memory memory, struct text *issuer)
{
    struct reader reader = {.result = SAML_ISSUER_BAD_XML};
    struct saml_message message;
    saml_message_open(&message, field, deflated);
    reader.parser = parser_new(&reader);
    enum saml_issuer_result result = walk(&reader, &message);
    if (result == SAML_ISSUER_FOUND) {
        char *copy = memory.allocate(memory.context, reader.found_size);
        memcpy(copy, reader.issuer, reader.found_size);
        *issuer = text_slice(copy, reader.found_size);
    }
    xmlFreeParserCtxt(reader.parser);
    saml_message_close(&message);
    return result;
}

/* Whether the decoded message starts with '<'. */
static bool is_plain_xml(struct text field)
{
    struct saml_message message;
    saml_message_open(&message, field, false);
    bool plain = saml_message_read(&message, 64) == SAML_ISSUER_FOUND &&
                 starts_with_tag(text_slice(message.bytes, message.size));
    saml_message_close(&message);
    return plain;
}

enum saml_issuer_result saml_issuer_read(struct text field, enum saml_encoding encoding, struct memory memory,
                                         struct text *issuer)
{
    *issuer = text_slice(NULL, 0);
    bool plain = encoding == SAML_POST_BINDING || is_plain_xml(field);
    enum saml_issuer_result result = read_message(field, !plain, memory, issuer);
    if (result != SAML_ISSUER_BAD_XML || !plain || encoding == SAML_POST_BINDING)
        return result;
    /* A DEFLATE stream may look like XML at its start by chance. */
    enum saml_issuer_result deflated = read_message(field, true, memory, issuer);
    return deflated == SAML_ISSUER_BAD_DEFLATE ? result : deflated;
}

void saml_issuer_startup(void)
{
    xmlInitParser();
}

void saml_issuer_cleanup(void)
{
    xmlCleanupParser();
}
