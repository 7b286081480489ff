/* Which organization each connection was seen with: a connection belongs to one, so that two are a line that was pasted
 * wrong. */
#ifndef SSOFERRY_ORGANIZATIONS_H
#define SSOFERRY_ORGANIZATIONS_H

#include "ssoferry/text.h"

/* Bounded, whatever is shown to it: the first 32,768 connections, in a mebibyte from the first of them on. */
struct organizations;

/* To be freed with organizations_free(). */
struct organizations *organizations_new(void);
void organizations_free(struct organizations *organizations); /* NULL is fine */

/* Whether the connection was seen with another organization before. Neither is empty. */
bool organizations_contradict(struct organizations *organizations, struct text connection, struct text organization);

#endif
