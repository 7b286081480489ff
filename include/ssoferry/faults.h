/* The problems found in files: each with its place, and shown the way compilers do. */
#ifndef SSOFERRY_FAULTS_H
#define SSOFERRY_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { FAULTS_MAX = 100 };

enum fault_severity { FAULT_WARNING, FAULT_ERROR };

/* The faults of one or more files. Keeps up to FAULTS_MAX errors and as many warnings; any more are only counted. Not
 * for use by several threads at once. */
struct faults;

struct faults *faults_new(void);         /* never NULL */
void faults_free(struct faults *faults); /* NULL is fine */

/* Registers a file and returns the number that stands for it in faults_add(). `path` is copied. `text` is the source of
 * the caret lines: a seekable stream, which faults_free() closes, or NULL to open `path` when they are written. */
unsigned faults_file(struct faults *faults, const char *path, FILE *text);

/* Adds a fault. `line` and `column` count from 1, columns in characters; line 0 means the file as a whole. `length` is
 * the number of characters to underline (at least one). */
void faults_add(struct faults *faults, enum fault_severity severity, unsigned file, unsigned line, unsigned column,
                unsigned length, const char *format, ...) __attribute__((format(printf, 7, 8)));

/* How many there are, including those not kept. */
size_t faults_errors(const struct faults *faults);
size_t faults_warnings(const struct faults *faults);

/* A fault as passed to faults_each(). The texts live as long as the faults. */
struct fault_seen {
    enum fault_severity severity;
    const char *path, *message; /* a NULL path: not about any one file */
    unsigned line, column;      /* line 0: about the file as a whole */
};

/* Calls `on_fault` for each kept fault in the order of faults_write(), then once per severity that has faults not kept,
 * with their number; that message lives only for the call. */
void faults_each(struct faults *faults, void (*on_fault)(void *context, const struct fault_seen *fault), void *context);

/* Writes all faults to `out`, ordered by file, line and column:
 *     FILE:LINE:COLUMN: error: MESSAGE
 *         the line
 *         ^~~~
 * then how many were not kept, if any. A fault at line 0 is just "FILE: error: MESSAGE". A tab is shown as a space,
 * other control characters, hidden ones and broken UTF-8 as '?', and a long line is cut around the column. Lines end
 * where YAML 1.1 says: LF, CR, CR LF, U+0085, U+2028, U+2029. */
void faults_write(struct faults *faults, FILE *out);

/* The same, written with log_lines(). */
void faults_log(struct faults *faults);

#endif
