/* Calls into LMDB that may write, on a thread which is there for nothing else. For this folder only.
 *
 * If a page cannot be read, such a call has to be left in the middle of a transaction, which holds LMDB's lock for
 * writers; and nobody can end a transaction that was left so. But the lock is robust: when its thread ends, the kernel
 * marks its owner as dead, and the next writer, in this process or another, takes it over and recovers, as after
 * kill -9. So a thread whose call was left ends, nobody waits for the lock, and the next call gets a new thread. */
#ifndef SSOFERRY_USAGE_ERRAND_H
#define SSOFERRY_USAGE_ERRAND_H

#include <stdbool.h>

enum { ERRAND_NO_THREAD = -1 }; /* neither an errno nor a code of LMDB's */

/* Who runs errands: one at a time. Its thread begins with the first. */
struct errands;
struct errands *errands_new(void);          /* never NULL */
void errands_free(struct errands *errands); /* ends the thread; NULL is fine */

/* Runs `run` on the thread and waits for it. Returns what it returned, or ERRAND_NO_THREAD; or, with *left true, why it
 * was left: see guard_run(). */
int errand_run(struct errands *errands, int (*run)(void *context), void *context, bool *left);

#endif
