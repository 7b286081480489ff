/* The answer for identity providers whose page forbids redirects (Content-Security-Policy: form-action is checked on
 * every hop by Chromium and Safari): a page of our own, which posts the same fields again. */
#ifndef SSOFERRY_FORM_POST_H
#define SSOFERRY_FORM_POST_H

#include "ssoferry/form.h"
#include "ssoferry/page.h"

/* Builds the page that posts `fields` to `location`. Its policy lets the form lead to the target's origin and on to
 * `onward`, a list of CSP sources with spaces between: Chromium checks form-action on every redirect that follows, and
 * Stytch answers a sign-in with a redirect to the application. */
void form_post_page(struct page *page, const struct form_fields *fields, struct text location, struct text onward,
                    struct memory memory);

#endif
