/* Checks all rows in the background: which of them nobody can sign in by with the current configuration, and a checksum
 * to compare them with another daemon's. Runs at start, after a reload and after each change of the table, with at most
 * a quarter of one processor. It holds no page for longer than a few hundred rows take. */
#ifndef SSOFERRY_INSPECTOR_H
#define SSOFERRY_INSPECTOR_H

#include "ssoferry/metrics.h"
#include "ssoferry/table.h"

struct inspector;

/* Starts its thread; system calls may be restricted afterwards. Findings go to stderr as one line, which names
 * `config_path`. Everything passed in is borrowed until inspector_stop(). */
bool inspector_start(struct inspector **inspector, struct table *table, const struct config *config,
                     const char *config_path, struct error *error) __attribute__((warn_unused_result));

/* Starts over with another configuration. When this returns, the old one is no longer used. NULL is fine. */
void inspector_reload(struct inspector *inspector, const struct config *config);

/* The latest findings; zeros if there are none yet or `inspector` is NULL. Any thread may call this. */
struct metrics_rows inspector_rows(struct inspector *inspector);

/* Stops the thread, even in mid-walk, and frees the inspector. NULL is fine. */
void inspector_stop(struct inspector *inspector);

#endif
