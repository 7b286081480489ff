/* Looks through all rows behind the answers: which of them nobody can sign in by, as the configuration stands, and
 * whether they are those of another daemon. At the start, after a reload, and after each change of the table; with a
 * quarter of one processor at most, and holding no page for longer than a few hundred rows take. */
#ifndef SSOFERRY_INSPECTOR_H
#define SSOFERRY_INSPECTOR_H

#include "ssoferry/metrics.h"
#include "ssoferry/table.h"

struct inspector;

/* Starts its thread; system calls may be restricted afterwards. What it finds it tells in one line on stderr, which
 * names `config_path`. All borrowed. */
bool inspector_start(struct inspector **inspector, struct table *table, const struct config *config,
                     const char *config_path, struct error *error) __attribute__((warn_unused_result));

/* Has it begin anew with another configuration. The old one is not looked at any more. NULL is fine. */
void inspector_reload(struct inspector *inspector, const struct config *config);

/* What it has found last; zeroes of NULL. */
struct metrics_rows inspector_rows(struct inspector *inspector);

/* Ends it, wherever it is. NULL is fine. */
void inspector_stop(struct inspector *inspector);

#endif
