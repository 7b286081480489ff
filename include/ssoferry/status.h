/* The HTTP statuses that this gateway answers with. */
#ifndef SSOFERRY_STATUS_H
#define SSOFERRY_STATUS_H

/* The reason phrase (RFC 9110, 15; RFC 6585, 5842); "" for a status that is never used. Static. */
const char *status_phrase(unsigned status);

#endif
