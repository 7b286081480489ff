/* The bytes of a YAML file: read once from its start, counted and hashed on the way; and looked at again where a fault
 * lies. For yaml.c only. */
#ifndef SSOFERRY_BASE_YAML_INPUT_H
#define SSOFERRY_BASE_YAML_INPUT_H

#include <openssl/evp.h>
#include <stdio.h>

#include "ssoferry/error.h"

struct yaml_input {
    char *path; /* as faults show it */
    int fd;     /* can seek */
    uint64_t read, total;
    int read_error; /* errno of a failed read */
    EVP_MD_CTX *digest;
};

/* Opens a file, "-" for standard input. *copy is a temporary file with its bytes where it cannot seek (a pipe), whose
 * owner the caller is, or NULL. False where it cannot be opened or read, with nothing to be closed. */
bool yaml_input_open(struct yaml_input *input, const char *path, FILE **copy, struct error *error)
    __attribute__((warn_unused_result));

/* One that is all zeros is fine. */
void yaml_input_close(struct yaml_input *input);

/* Reads once, as read() does. */
ssize_t yaml_input_read(struct yaml_input *input, unsigned char *buffer, size_t size);

/* Reads what is left. `hex` as for yaml_sha256(). */
bool yaml_input_sha256(struct yaml_input *input, char *hex, struct error *error) __attribute__((warn_unused_result));

/* Line and column, from 1, of a byte, counted as libyaml counts them. */
void yaml_input_place(const struct yaml_input *input, uint64_t offset, unsigned *line, unsigned *column);

/* Where the UTF-8 sequence starts that the byte at `offset` does not go on with. */
uint64_t yaml_input_sequence(const struct yaml_input *input, uint64_t offset);

/* libyaml would read UTF-16 as well; sizes, places and digests here are those of UTF-8. */
bool yaml_input_is_utf16(const struct yaml_input *input);

#endif
