/* The answer to a load balancer's probe: alive, and whether to send sign-ins here. */
#ifndef SSOFERRY_HEALTH_H
#define SSOFERRY_HEALTH_H

#include "ssoferry/page.h"
#include "worker.h"

/* Fills the page and returns the status: 200, or 503 with the reason while the table was never loaded, cannot be read, or the daemon is going
 * away. */
unsigned health_page(struct worker *worker, struct page *page, struct memory memory);

#endif
