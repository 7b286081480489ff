/* YAML read as a stream of nodes with their places. The subset that configuration and mapping files use: one document
 * of mappings, sequences and scalars; anchors, aliases, tags and further documents are faults. Memory does not grow
 * with the file. */
#ifndef SSOFERRY_YAML_H
#define SSOFERRY_YAML_H

#include "ssoferry/error.h"
#include "ssoferry/faults.h"
#include "ssoferry/text.h"

enum yaml_kind {
    YAML_END, /* of the document, or of what could be read of it */
    YAML_SCALAR,
    YAML_MAPPING, /* keys and values follow, in turn, up to YAML_CLOSE */
    YAML_SEQUENCE,
    YAML_CLOSE,
};

struct yaml_node {
    enum yaml_kind kind;
    struct text value; /* a scalar's text; lives until the next yaml_next(); NUL-terminated */
    bool plain;        /* a scalar without quotes */
    bool refused;      /* an alias: the fault is told, and the empty value is nobody's */
    unsigned line;     /* 1-based */
    unsigned column;   /* 1-based, in characters */
    unsigned length;   /* characters on this line that the node takes up, at least 1 */
};

struct yaml;

/* Opens a file ("-" is standard input, read into a temporary file first) and registers it with `faults`, which must
 * outlive the reader; faults go there. False where the file cannot be opened or read. */
bool yaml_open(struct yaml **yaml, const char *path, struct faults *faults, struct error *error)
    __attribute__((warn_unused_result));
void yaml_close(struct yaml *yaml);

/* The next node. After a syntax error, which is added to the faults, it answers YAML_END from then on. An empty file or
 * document gives YAML_END at once. An alias is a fault and reads as an empty scalar. */
void yaml_next(struct yaml *yaml, struct yaml_node *node);

/* Reads past the rest of `node`, which yaml_next() just gave: nothing for a scalar, up to its YAML_CLOSE for a
 * collection. */
void yaml_skip(struct yaml *yaml, const struct yaml_node *node);

/* Whether a syntax error ended the stream early, so that a missing key is no news. */
bool yaml_broken(const struct yaml *yaml);

/* After YAML_END: whether the file ends with the last character of `node`, a plain scalar, without so much as a line
 * break behind it. It may have been cut off there. */
bool yaml_ends_in(const struct yaml *yaml, const struct yaml_node *node);

/* Adds an error at `node`; none at a YAML_END that a syntax error made, since what was expected there may well be in
 * the file. */
void yaml_fault(struct yaml *yaml, const struct yaml_node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void yaml_warning(struct yaml *yaml, const struct yaml_node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The path as faults show it: "<stdin>" for "-". Lives as long as the reader. */
const char *yaml_path(const struct yaml *yaml);

/* The number that stands for this file in faults_add(). */
unsigned yaml_file(const struct yaml *yaml);

/* Bytes read so far and in all, for a progress bar. Either may be NULL. */
void yaml_progress(const struct yaml *yaml, uint64_t *read, uint64_t *total);

/* Lower-case hexadecimal SHA-256 of the whole file as it was read. `hex` holds 65 bytes. Call after YAML_END. False
 * where it could not be read to its end. */
bool yaml_sha256(struct yaml *yaml, char *hex, struct error *error) __attribute__((warn_unused_result));

#endif
