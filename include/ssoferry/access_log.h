/* The request log: JSON lines written to one file descriptor by a dedicated thread. A worker only copies its line into
 * memory, so logging costs no system call per request, and a stalled reader never stops a sign-in: lines are dropped
 * and counted instead. */
#ifndef SSOFERRY_ACCESS_LOG_H
#define SSOFERRY_ACCESS_LOG_H

#include "ssoferry/access_line.h"

struct access_log;
struct log_lane; /* one per worker thread */

/* Starts the writing thread with `lanes` lanes. `fd` stays the caller's, and open until access_log_close(). False if
 * the thread cannot be started. */
bool access_log_open(struct access_log **log, int fd, size_t lanes, struct error *error)
    __attribute__((warn_unused_result));

/* Writes what is left and ends the thread. Waits at most two seconds for a stalled reader, however many lanes there
 * are; what is still unwritten is lost, and a warning gives the number of lines. A terminal can block the thread in
 * write() for ever: after four seconds the thread is abandoned, and the log's memory with it. NULL is fine. */
void access_log_close(struct access_log *log);

/* Returns one thread's lane; only that thread may add to it. Lives as long as the log. */
struct log_lane *access_log_lane(struct access_log *log, size_t index);

/* Lines dropped so far because the reader was too slow or gone, or the disk was full. Any thread may call this. */
uint64_t access_log_dropped(struct access_log *log);

/* Adds a line. Never waits for the file. */
void access_log_add(struct log_lane *lane, const struct access_record *record);

#endif
