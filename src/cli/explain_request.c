/* Builds the request for explain from its arguments. */
#include "explain_request.h"

#include <errno.h>
#include <stdio.h>

#include "address.h"
#include "explain_message.h"
#include "ssoferry/memory.h"

enum { BODY_SIZE_MAX = 64 * 1024 * 1024 };

/* *body is set to what was read, even on failure. */
static bool read_body(const char *path, char **body, size_t *body_size, struct error *error)
{
    FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    if (in == NULL)
        return error_set_errno(error, ERROR_INPUT, errno, "cannot read the body from %s", path);
    size_t size = 0, room = 0, got;
    do {
        if (size == room) {
            room = room == 0 ? 64 * 1024 : room * 2;
            *body = memory_resize(*body, room);
        }
        got = fread(*body + size, 1, room - size, in);
        size += got;
    } while (got > 0 && size <= BODY_SIZE_MAX);
    int errnum = ferror(in) ? errno : 0;
    if (in != stdin)
        fclose(in);
    *body_size = size;
    const enum error_kind kind = errnum == EISDIR ? ERROR_INPUT : ERROR_FAILED;
    return errnum == 0 || error_set_errno(error, kind, errnum, "cannot read the body from %s", path);
}

/* Sets *body like read_body(); it stays NULL if nothing is posted. */
static bool make_body(const struct arguments *arguments, char **body, size_t *size, struct error *error)
{
    bool made_up = arguments->issuer != NULL || arguments->relay_state != NULL;
    if (made_up && (arguments->body != NULL || arguments->content_type != NULL))
        return error_set(error, ERROR_INPUT,
                         "--issuer and --relay-state make up the body: leave out --body and --content-type");
    if (made_up)
        *body = explain_message(arguments->issuer, arguments->relay_state, size);
    return arguments->body == NULL || read_body(arguments->body, body, size, error);
}

bool explain_request(const struct arguments *arguments, struct request *request, char **body, struct error *error)
{
    size_t size = 0;
    if (!address_split(text_of(arguments->words[0]), request))
        return error_set(error, ERROR_INPUT, "'%s' is not a URL: give https://HOST/PATH, or a path that starts with /",
                         arguments->words[0]);
    if (!make_body(arguments, body, &size, error))
        return false;
    request->body = text_slice(*body, size);
    if (arguments->host != NULL)
        request->host = text_of(arguments->host);
    request->method = *body != NULL ? METHOD_POST : METHOD_GET;
    if (arguments->method != NULL)
        request->method = method_parse(text_of(arguments->method));
    if (arguments->content_type != NULL)
        request->content_type = text_of(arguments->content_type);
    else if (request->method == METHOD_POST)
        request->content_type = TEXT("application/x-www-form-urlencoded");
    return true;
}
