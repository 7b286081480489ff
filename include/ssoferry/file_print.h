/* Tells whether a file is still the one that was read. */
#ifndef SSOFERRY_FILE_PRINT_H
#define SSOFERRY_FILE_PRINT_H

#include <stdint.h>

/* A number that changes if the file is replaced, written, given another mode, removed or put there. `before` is that of
 * other files, to have one for all of them, or TEXT_FINGERPRINT_START. */
uint64_t file_print(uint64_t before, const char *path);

#endif
