/* Remembers which organization each connection was seen with. A connection belongs to one organization, so a second one
 * is probably a pasting mistake. */
#ifndef SSOFERRY_ORGANIZATIONS_H
#define SSOFERRY_ORGANIZATIONS_H

#include "ssoferry/text.h"

/* Bounded whatever it is given: remembers the first 32,768 connections, in one MiB allocated at the first of them. */
struct organizations;

/* Never NULL; free it with organizations_free(). */
struct organizations *organizations_new(void);
void organizations_free(struct organizations *organizations); /* NULL is fine */

/* Whether the connection was seen with another organization before; remembers the pair if it is new. Neither is empty.
 */
bool organizations_contradict(struct organizations *organizations, struct text connection, struct text organization);

#endif
