/* Whether sign-ins should be sent to this process. */
#ifndef SSOFERRY_HEALTH_H
#define SSOFERRY_HEALTH_H

#include "serving.h"
#include "ssoferry/gateway.h"
#include "ssoferry/page.h"
#include "ssoferry/table.h"

/* What is wrong. If it drains, that is the only problem given. */
enum health_problem { HEALTH_FINE, HEALTH_DRAINING, HEALTH_STORE, HEALTH_NOT_LOADED };

struct health {
    enum health_problem problem;
    bool ready; /* without a problem, or in a rehearsal that needs no table */
    bool table_readable;
    struct table_state table; /* set even if draining; all zeros if the table cannot be read */
    const char *reason;       /* one word, such as "not_loaded"; "" if healthy; static */
    const char *message;      /* a sentence; static */
};

/* Reads the table's state and, as canaries, rows that need not exist. `lookup` is the calling thread's own. */
void health_check(const struct serving *serving, const struct gateway_settings *settings, struct lookup *lookup,
                  struct health *health);

/* Answers a load balancer's probe: fills the page, whose body comes from `memory`, and returns the status, 200 or 503.
 */
unsigned health_page(const struct serving *serving, const struct gateway_settings *settings, struct lookup *lookup,
                     struct page *page, struct memory memory);

#endif
