/* The answer for identity providers whose page forbids redirects (Chromium and Safari check Content-Security-Policy's
 * form-action on every hop): a page of our own that posts the same fields again. */
#ifndef SSOFERRY_FORM_POST_H
#define SSOFERRY_FORM_POST_H

#include "ssoferry/form.h"
#include "ssoferry/page.h"

/* The size of the page that posts `fields` to `location`, in bytes. */
size_t form_post_size(const struct form_fields *fields, struct text location);

/* The size of that page's policy, in bytes. */
size_t form_post_policy_size(struct text location, struct text onward);

/* Builds the page that posts `fields` to `location`, in `memory`. `size` is what form_post_size() gave for them. Its
 * policy allows the form to lead to the target's origin and on to `onward`, CSP sources separated by spaces: Chromium
 * checks form-action on every redirect that follows, and Stytch answers a sign-in with a redirect to the application.
 */
void form_post_page(struct page *page, const struct form_fields *fields, struct text location, struct text onward,
                    size_t size, struct memory memory);

#endif
