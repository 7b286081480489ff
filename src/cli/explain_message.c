#include "explain_message.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ssoferry/memory.h"

/* A stream that collects its output in memory. */
struct writing {
    FILE *out;
    char *text;
    size_t size;
};

static void begin(struct writing *writing)
{
    *writing = (struct writing){0};
    writing->out = open_memstream(&writing->text, &writing->size);
    if (writing->out == NULL)
        memory_exhausted();
}

static void end(struct writing *writing)
{
    if (fclose(writing->out) != 0)
        memory_exhausted();
}

static void put_xml_text(FILE *out, const char *text)
{
    for (; *text != '\0'; ++text) {
        switch (*text) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        default:
            putc(*text, out);
        }
    }
}

static void put_form_text(FILE *out, const char *text, size_t size)
{
    for (size_t i = 0; i < size; ++i) {
        unsigned char byte = (unsigned char)text[i];
        bool plain = byte < 0x80 && (isalnum(byte) || memchr("-._~", byte, 4) != NULL);
        fprintf(out, plain ? "%c" : "%%%02X", byte);
    }
}

static void put_response(FILE *out, const char *issuer)
{
    fputs("<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"_explain\" Version=\"2.0\">", out);
    if (issuer != NULL) {
        fputs("<saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">", out);
        put_xml_text(out, issuer);
        fputs("</saml:Issuer>", out);
    }
    fputs("</samlp:Response>", out);
}

static void put_base64_of_response(FILE *out, const char *issuer)
{
    struct writing xml;
    begin(&xml);
    put_response(xml.out, issuer);
    end(&xml);
    unsigned char *base64 = memory_allocate(xml.size / 3 * 4 + 5); /* whole groups of four, and a terminating 0 */
    int size = EVP_EncodeBlock(base64, (const unsigned char *)xml.text, (int)xml.size);
    put_form_text(out, (const char *)base64, (size_t)size);
    free(base64);
    free(xml.text);
}

char *explain_message(const char *issuer, const char *relay_state, size_t *size)
{
    struct writing form;
    begin(&form);
    fputs("SAMLResponse=", form.out);
    put_base64_of_response(form.out, issuer);
    if (relay_state != NULL) {
        fputs("&RelayState=", form.out);
        put_form_text(form.out, relay_state, strlen(relay_state));
    }
    end(&form);
    *size = form.size;
    return form.text;
}
