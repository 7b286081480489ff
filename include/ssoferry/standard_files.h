/* Standard input, output and error. */
#ifndef SSOFERRY_STANDARD_FILES_H
#define SSOFERRY_STANDARD_FILES_H

/* To be called before anything is opened: takes the numbers 0 to 2 where the caller has closed them, for the next file
 * that is opened would get them, and what is printed would be written into it. Reading and writing there fails with
 * EBADF as before. */
void standard_files_hold(void);

#endif
