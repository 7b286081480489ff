/* The operator's page: the migration at a glance, in a single HTML file that polls /report.json. */
#ifndef SSOFERRY_ADMIN_PAGE_H
#define SSOFERRY_ADMIN_PAGE_H

#include "ssoferry/page.h"

/* The page is these parts in this order. embed.cmake makes them from assets/ at build time. */
struct admin_page_parts {
    struct text html_head; /* ends with <style> */
    struct text css;
    struct text html_middle; /* </style> to <script> */
    struct text script;
    struct text html_tail; /* begins with </script> */
};
extern const struct admin_page_parts admin_page_parts;

/* Builds the page, with a Content-Security-Policy that allows its own style and script and nothing else. Its texts come
 * from `memory` and live as long as that. */
void admin_page_build(struct page *page, struct memory memory);

#endif
