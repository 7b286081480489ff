#include "ssoferry/saml_issuer.h"
#include "ssoferry/connection.h"

#include "saml_charset.h"
#include "saml_message.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <stdlib.h>

static const char PROTOCOL[] = "urn:oasis:names:tc:SAML:2.0:protocol";
static const char ASSERTION[] = "urn:oasis:names:tc:SAML:2.0:assertion";

/* libxml2 compares each attribute of an element with all others, and each prefix with all namespaces in scope; its
 * table of names has some 4,600 lists at most; and it copies whole names and URIs into what it tells of a fault in a
 * namespace. So a message within the size limit could keep it busy for seconds. No real message comes near these:
 * comparisons of attributes, namespaces in scope, open elements, different names and URIs, faults that are not fatal.
 */
enum { PAIRS_MAX = 16 * 1024 * 1024, NAMESPACES_MAX = 64, DEPTH_MAX = 64, NAMES_MAX = 4096, FAULTS_MAX = 64 };

/* Where the Issuer being read, or the one found, stands. */
enum place { PLACE_NONE, PLACE_RESPONSE, PLACE_ASSERTION };

/* What is known while the parser walks the message. */
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
    char text[1024]; /* of the Issuer being read, without the white space before it */
    char issuer[IDENTIFIER_SIZE_MAX];
};

/* The answer is known: the rest of the message is not read. */
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

/* Whether it is known which characters these are. */
static bool is_certain(const struct reader *reader, struct text issuer)
{
    bool ascii = true;
    for (size_t i = 0; i < issuer.size; i++)
        ascii = ascii && (unsigned char)issuer.at[i] < 0x80;
    return ascii || reader->charset != SAML_CHARSET_SINGLE_BYTE;
}

/* An Issuer has been read to its end. */
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
        /* Of another Assertion. */
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

/* A child of the Response. Its own Issuer comes first (saml-schema-protocol-2.0, StatusResponseType), so that what
 * follows that Issuer ends the reading. */
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

/* What may stand between other elements, but inside an Issuer makes readers disagree on its text: some stop at a
 * comment. */
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

/* A document type could define entities, and SAML has none (saml-core-2.0-os 1.2 needs no DTD). */
static void on_doctype(void *context, const xmlChar *name, const xmlChar *external_id, const xmlChar *system_id)
{
    (void)name, (void)external_id, (void)system_id;
    decide(context, SAML_ISSUER_BAD_XML);
}

/* The first fatal fault is enough: within one comment libxml2 goes on to the end, and for each "--" copies the comment
 * so far into an error. Of those that are not, which are those of namespaces, a few are let pass. It is ended as it
 * ends itself where it has no memory; xmlStopParser() frees the bytes that it stands in, which only callbacks between
 * two pieces of markup may do. */
static void on_error(void *context, xmlErrorPtr error)
{
    struct reader *reader = context;
    if (error->level < XML_ERR_ERROR || (error->level == XML_ERR_ERROR && ++reader->faults <= FAULTS_MAX))
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
    /* Its encoding declaration is not believed: what it gets is UTF-8, so that '=' and '<' are what check_bytes() takes
     * them for, and no converter is looked for in files. */
    xmlCtxtUseOptions(parser, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_IGNORE_ENC);
    return parser;
}

/* How many attributes an element can have at most, for no attribute's value holds a '<': '='s since the last one; and
 * all the pairs of such, of all elements. */
struct attribute_count {
    unsigned equals, pairs;
};

/* Whether bytes are fit for the parser: without too many attributes, and no UTF-16, in whose bytes '<' and '=' would
 * mean something else. */
static bool check_bytes(struct text bytes, struct attribute_count *count)
{
    if (memchr(bytes.at, '\0', bytes.size) != NULL)
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

/* Whether `message`, read to its end, has one element named Issuer at most: its name then stands in a start tag and an
 * end tag only. */
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

/* Feeds the parser piece by piece. The pieces grow, since libxml2 may look back over all of an unfinished element at
 * each. */
static enum saml_issuer_result walk(struct reader *reader, struct saml_message *message)
{
    struct attribute_count attributes = {0, 0};
    bool searched = false;
    size_t fed = 0;
    for (size_t target = 1024; !reader->decided; target *= 4) {
        enum saml_issuer_result result = saml_message_read(message, target);
        if (result != SAML_ISSUER_FOUND)
            return result;
        struct text piece = text_slice(message->bytes + fed, message->size - fed);
        if (!check_bytes(piece, &attributes))
            return SAML_ISSUER_BAD_XML;
        if (fed == 0)
            reader->charset = saml_charset_of(piece);
        feed(reader, piece, message->ended);
        fed = message->size;
        if (!reader->decided && (!reader->parser->wellFormed || message->ended))
            return SAML_ISSUER_BAD_XML;
        if (reader->decided || searched || reader->found != PLACE_ASSERTION)
            continue;
        /* Another Assertion may follow, but seldom does: spare parsing up to there where no further Issuer is. */
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

/* Whether the first character behind the base64, a byte order mark and white space apart, is a '<'. */
static bool is_plain_xml(struct text field)
{
    struct saml_message message;
    saml_message_open(&message, field, false);
    bool plain = false;
    if (saml_message_read(&message, 64) == SAML_ISSUER_FOUND) {
        struct text start = text_slice(message.bytes, message.size);
        size_t at = text_starts(start, TEXT("\xef\xbb\xbf")) ? 3 : 0;
        while (at < start.size && is_white(start.at[at]))
            at++;
        plain = at < start.size && start.at[at] == '<';
    }
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
    /* A DEFLATE stream may begin like XML by chance. */
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
