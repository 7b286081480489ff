/* HTTP's statuses, as far as this gateway answers with them. */
#ifndef SSOFERRY_STATUS_H
#define SSOFERRY_STATUS_H

/* The reason phrase (RFC 9110, 15; RFC 6585, 5842), "" of a status that is never answered with. Static. */
const char *status_phrase(unsigned status);

#endif
