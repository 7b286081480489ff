/* The request that explain is asked about, built from its arguments. Private to this folder. */
#ifndef SSOFERRY_CLI_EXPLAIN_REQUEST_H
#define SSOFERRY_CLI_EXPLAIN_REQUEST_H

#include "command.h"
#include "ssoferry/error.h"
#include "ssoferry/request.h"

/* Fills in the request. Its texts belong to the arguments and to *body, which must start as NULL; the caller frees
 * *body, even on failure. */
bool explain_request(const struct arguments *arguments, struct request *request, char **body, struct error *error)
    __attribute__((warn_unused_result));

#endif
