/* Whether sign-ins should be sent here. */
#ifndef SSOFERRY_HEALTH_H
#define SSOFERRY_HEALTH_H

#include "serving.h"
#include "ssoferry/page.h"
#include "ssoferry/table.h"

/* Why not; one that drains says only that. */
enum health_problem { HEALTH_FINE, HEALTH_DRAINING, HEALTH_STORE, HEALTH_NOT_LOADED };

struct health {
    enum health_problem problem;
    bool table_readable;
    struct table_state table; /* also of one that drains; zeroes where it cannot be read */
    const char *reason;       /* a word: "not_loaded"; "" where all is well; static */
    const char *message;      /* a sentence; static */
};

/* Asks the table by `lookup`, of the calling thread: its state, and one row that need not be there (a canary read). */
void health_check(const struct serving *serving, struct lookup *lookup, struct health *health);

/* The answer to a load balancer's probe: fills the page and returns the status, 200 or 503. */
unsigned health_page(const struct serving *serving, struct lookup *lookup, struct page *page, struct memory memory);

#endif
