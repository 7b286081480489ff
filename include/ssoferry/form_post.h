/* The answer for identity providers whose page forbids redirects (Content-Security-Policy: form-action is checked on
 * every hop by Chromium and Safari): a page of our own, which posts the same fields again. */
#ifndef SSOFERRY_FORM_POST_H
#define SSOFERRY_FORM_POST_H

#include "ssoferry/page.h"

/* Builds the page that posts the fields of `body` (application/x-www-form-urlencoded) to `location`. Its policy lets
 * the form lead to the target's origin and on to `onward`, a list of CSP sources with spaces between: Chromium checks
 * form-action on every redirect that follows, and Stytch answers a sign-in with a redirect to the application. The
 * gateway has asked form_fits_in_page(): what a page cannot carry byte for byte gets a 307. */
void form_post_page(struct page *page, struct text body, struct text location, struct text onward,
                    struct memory memory);

#endif
