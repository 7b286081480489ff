/* What is wrong with a file: many faults, each with its place, shown the way compilers do. */
#ifndef SSOFERRY_FAULTS_H
#define SSOFERRY_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { FAULTS_MAX = 100 };

enum fault_severity { FAULT_WARNING, FAULT_ERROR };

/* Collects the faults of one or more files. Errors past FAULTS_MAX are counted but not kept, and so are warnings past
 * as many. */
struct faults;

struct faults *faults_new(void);         /* never NULL */
void faults_free(struct faults *faults); /* NULL is fine */

/* Names a file; the number returned stands for it in faults_add(). `path` is copied. `text` is what the caret lines are
 * cut from: a stream that can seek, closed by faults_free(), or NULL to have `path` opened when they are written. */
unsigned faults_file(struct faults *faults, const char *path, FILE *text);

/* Adds a fault at 1-based line and column (column counted in characters); line 0 speaks of the file as a whole.
 * `length`, in characters, is how much the caret line underlines (at least one). */
void faults_add(struct faults *faults, enum fault_severity severity, unsigned file, unsigned line, unsigned column,
                unsigned length, const char *format, ...) __attribute__((format(printf, 7, 8)));

/* How many there are, with those that were not kept. */
size_t faults_errors(const struct faults *faults);
size_t faults_warnings(const struct faults *faults);

/* A fault as programs want it; the texts live as long as the faults. */
struct fault_seen {
    enum fault_severity severity;
    const char *path, *message; /* a NULL path: of no file alone */
    unsigned line, column;      /* line 0: of the file as a whole */
};

/* Calls `on_fault` for each that was kept, in the order of faults_write(), and for how many were not, by severity. The
 * message of these lives as long as the call. */
void faults_each(struct faults *faults, void (*on_fault)(void *context, const struct fault_seen *fault), void *context);

/* Writes all faults to `out`, ordered by file, line and column:
 *     FILE:LINE:COLUMN: error: MESSAGE
 *         the line
 *         ^~~~
 * then, where some were not kept, how many. A fault of line 0 is just "FILE: error: MESSAGE". A tab of the line is
 * shown as a space, other control characters and broken UTF-8 as '?', as those of a message are, and a long line is cut
 * around the column. Lines end where YAML 1.1 has them end: LF, CR, CR LF, U+0085, U+2028, U+2029. */
void faults_write(struct faults *faults, FILE *out);

/* The same, by log_lines(). */
void faults_log(struct faults *faults);

#endif
