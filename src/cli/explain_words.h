/* Why a request is answered as it is, and how to ask better, in an operator's words. Private to this folder. */
#ifndef SSOFERRY_CLI_EXPLAIN_WORDS_H
#define SSOFERRY_CLI_EXPLAIN_WORDS_H

#include "command.h"
#include "ssoferry/decision.h"

/* What the operator wants to know; decision->explanation is for the person at the browser. Static; empty if there is
 * nothing to say. */
const char *explain_reason(const struct decision *decision);

/* Whether it is a sign-in whose RelayState names nobody, sent to where unknown identifiers go. */
bool explain_is_nameless(const struct decision *decision);

/* What was asked, and what came of it; all borrowed. */
struct explained {
    const struct arguments *arguments;
    const struct request *request;
    const struct decision *decision;
};

/* What to write in the explain command instead, or to add to it. Static; NULL if it is fine. */
const char *explain_advice(const struct explained *explained);

#endif
