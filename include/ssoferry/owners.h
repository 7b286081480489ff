/* Remembers whose each connection was when it was seen first. A connection belongs to one customer, so a row that says
 * otherwise is probably a pasting mistake. */
#ifndef SSOFERRY_OWNERS_H
#define SSOFERRY_OWNERS_H

#include "ssoferry/text.h"

/* Bounded whatever it is given: remembers the first 32,768 connections by each mark, in one MiB for each mark,
 * allocated at the first of them. */
struct owners;

/* What tells whose it is. */
enum owner_mark { OWNER_ORGANIZATION, OWNER_LABEL, OWNER_MARKS };

/* Never NULL; free it with owners_free(). */
struct owners *owners_new(void);
void owners_free(struct owners *owners); /* NULL is fine */

/* Whether the connection was seen with another such mark before; remembers the pair if it is new. Neither is empty. */
bool owners_contradict(struct owners *owners, enum owner_mark mark, struct text connection, struct text owner);

#endif
