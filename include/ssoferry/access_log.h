/* The request log: JSON lines on one file descriptor, written by a thread of its own. A worker only copies a line into
 * memory; so logging costs no system call a request, and a reader that has stopped never stops a sign-in: lines are
 * dropped then, and counted. */
#ifndef SSOFERRY_ACCESS_LOG_H
#define SSOFERRY_ACCESS_LOG_H

#include "ssoferry/access_line.h"

struct access_log;
struct log_lane; /* one a worker thread */

/* Starts the writing thread on `fd`, which stays the caller's, with `lanes` lanes. */
bool access_log_open(struct access_log **log, int fd, size_t lanes, struct error *error)
    __attribute__((warn_unused_result));

/* Writes what is left, and ends the thread. A reader that has stopped is waited for at most two seconds, however many
 * lanes there are; what it has not read by then is lost, and a warning says how many lines. A terminal may hold the
 * thread in a write for ever: after four seconds it is left there, with the log's memory. NULL is fine. */
void access_log_close(struct access_log *log);

/* Lives as long as the log. Only one thread may add to it. */
struct log_lane *access_log_lane(struct access_log *log, size_t index);

/* Lines dropped so far, because whoever reads the log was too slow or has gone, or its disk was full. Any thread may
 * ask. */
uint64_t access_log_dropped(struct access_log *log);

/* Adds a line. Never waits for the file. */
void access_log_add(struct log_lane *lane, const struct access_record *record);

#endif
