/* The bytes of a YAML file: read once from the start, counted and hashed on the way, and read again to place a fault.
 * For yaml.c only. */
#ifndef SSOFERRY_BASE_YAML_INPUT_H
#define SSOFERRY_BASE_YAML_INPUT_H

#include <openssl/evp.h>
#include <stdio.h>

#include "ssoferry/error.h"

struct yaml_input {
    char *path; /* as shown in faults */
    int fd;     /* seekable */
    uint64_t read, total;
    int read_error;         /* errno of a failed read */
    bool within_line;       /* after the last byte read */
    uint64_t percent_lines; /* that begin with '%', as YAML's directives do */
    unsigned hidden_break;  /* the first line break that nobody sees, U+0085, U+2028 or U+2029; 0: there is none */
    uint64_t hidden_at;     /* its offset */
    unsigned char tail[2];  /* the last two bytes read */
    EVP_MD_CTX *digest;
};

/* Opens a file, or standard input for "-". *copy is NULL, or a temporary file that holds the bytes of an input that
 * cannot seek; the caller owns it. On false nothing needs closing. */
bool yaml_input_open(struct yaml_input *input, const char *path, FILE **copy, struct error *error)
    __attribute__((warn_unused_result));

/* All zeros is fine. */
void yaml_input_close(struct yaml_input *input);

/* Reads like read(), but goes on after EINTR. Counts and hashes the bytes, counts the lines that begin with '%', and
 * looks for hidden line breaks. */
ssize_t yaml_input_read(struct yaml_input *input, unsigned char *buffer, size_t size);

/* False if a read has failed. */
bool yaml_input_was_read(const struct yaml_input *input, struct error *error) __attribute__((warn_unused_result));

/* Reads the rest, then writes the digest. `hex` as for yaml_sha256(). */
bool yaml_input_sha256(struct yaml_input *input, char *hex, struct error *error) __attribute__((warn_unused_result));

/* Line and column of a byte, from 1, counted as libyaml does where there is no hidden line break before it. */
void yaml_input_place(const struct yaml_input *input, uint64_t offset, unsigned *line, unsigned *column);

/* The start of the UTF-8 sequence that the byte at `offset` fails to continue. */
uint64_t yaml_input_sequence(const struct yaml_input *input, uint64_t offset);

/* Whether it starts with a UTF-16 byte order mark. libyaml would read such a file, but sizes, places and digests here
 * are those of UTF-8. */
bool yaml_input_is_utf16(const struct yaml_input *input);

/* What to say of a file that is no text at all, by the first bytes of it; NULL if it may be one. Static. */
const char *yaml_input_other_format(const struct yaml_input *input);

#endif
