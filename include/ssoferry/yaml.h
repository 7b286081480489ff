/* Reads YAML as a stream of nodes with their places. Only the subset that configuration and mapping files need: one
 * document of mappings, sequences and scalars; anchors, aliases, tags and further documents are faults. Memory does not
 * grow with the file. */
#ifndef SSOFERRY_YAML_H
#define SSOFERRY_YAML_H

#include "ssoferry/error.h"
#include "ssoferry/faults.h"
#include "ssoferry/text.h"

enum yaml_kind {
    YAML_END, /* end of the document, or of its readable part */
    YAML_SCALAR,
    YAML_MAPPING, /* keys and values follow alternately, up to YAML_CLOSE */
    YAML_SEQUENCE,
    YAML_CLOSE,
};

struct yaml_node {
    enum yaml_kind kind;
    struct text value; /* a scalar's text, NUL-terminated; lives until the next yaml_next() */
    bool plain;        /* a scalar without quotes */
    bool goes_on;      /* a plain scalar that the next line, being indented further, is part of */
    bool refused;      /* an alias: already reported as a fault; its value is empty */
    unsigned line;     /* 1-based */
    unsigned column;   /* 1-based, in characters */
    unsigned length;   /* characters of the node on this line, at least 1 */
};

struct yaml;

/* Opens a file ("-" is standard input, which is first copied to a temporary file) and registers it with `faults`, which
 * must outlive the reader and receives its faults. False if the file cannot be opened or read. Close with yaml_close().
 */
bool yaml_open(struct yaml **yaml, const char *path, struct faults *faults, struct error *error)
    __attribute__((warn_unused_result));
void yaml_close(struct yaml *yaml);

/* Gives the next node. A syntax error is added to the faults, and every call from then on gives YAML_END. So it does
 * after a failure to read, of which the faults have nothing: ask yaml_was_read(). An empty file or document gives
 * YAML_END at once. An alias is a fault and reads as an empty scalar. */
void yaml_next(struct yaml *yaml, struct yaml_node *node);

/* Skips the rest of `node`, which yaml_next() just gave: nothing for a scalar, else everything up to its YAML_CLOSE. */
void yaml_skip(struct yaml *yaml, const struct yaml_node *node);

/* Whether a syntax error or a failure to read ended the stream early; missing keys then need not be reported. */
bool yaml_broken(const struct yaml *yaml);

/* After YAML_END: false if a part of the file could not be read, so that what was given may be only its beginning. */
bool yaml_was_read(const struct yaml *yaml, struct error *error) __attribute__((warn_unused_result));

/* After YAML_END: whether the file ends with the last character of `node`, a plain scalar, without even a line break.
 * It may have been truncated there. */
bool yaml_ends_in(const struct yaml *yaml, const struct yaml_node *node);

/* Add an error or a warning at `node`. They add nothing at an alias, since what it stands for may be right, nor at a
 * YAML_END caused by a syntax error, since what was expected there may well be in the file. */
void yaml_fault(struct yaml *yaml, const struct yaml_node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void yaml_warning(struct yaml *yaml, const struct yaml_node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The path as shown in faults: "<stdin>" for "-". Lives as long as the reader. */
const char *yaml_path(const struct yaml *yaml);

/* The file's number for faults_add(). */
unsigned yaml_file(const struct yaml *yaml);

/* Bytes read so far and in total, for a progress bar. Either may be NULL. */
void yaml_progress(const struct yaml *yaml, uint64_t *read, uint64_t *total);

/* Writes the SHA-256 of the whole file as read, in lower-case hexadecimal, to `hex`, which holds 65 bytes. Call after
 * YAML_END. False if the file could not be read to its end. */
bool yaml_sha256(struct yaml *yaml, char *hex, struct error *error) __attribute__((warn_unused_result));

#endif
