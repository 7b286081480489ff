/* The request that explain is asked about, from its arguments. Private to this folder. */
#ifndef SSOFERRY_CLI_EXPLAIN_REQUEST_H
#define SSOFERRY_CLI_EXPLAIN_REQUEST_H

#include "command.h"
#include "ssoferry/error.h"
#include "ssoferry/request.h"

/* Fills in the request; its texts are those of the arguments and of *body, which is allocated where there is one and is
 * the caller's to free, also on false. */
bool explain_request(const struct arguments *arguments, struct request *request, char **body, struct error *error)
    __attribute__((warn_unused_result));

#endif
