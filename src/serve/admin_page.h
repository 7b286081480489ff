/* The operator's page: the migration at a glance, in one HTML file that asks for /report.json again and again. */
#ifndef SSOFERRY_ADMIN_PAGE_H
#define SSOFERRY_ADMIN_PAGE_H

#include "ssoferry/page.h"

/* The page is these one after another. embed.cmake makes them of assets/ when the program is built. */
struct admin_page_parts {
    struct text html_head; /* ends with <style> */
    struct text css;
    struct text html_middle; /* </style> to <script> */
    struct text script;
    struct text html_tail; /* begins with </script> */
};
extern const struct admin_page_parts admin_page_parts;

/* The page, and the Content-Security-Policy that lets its own style and script run and nothing else. What is made for
 * it comes from `memory`. */
void admin_page_build(struct page *page, struct memory memory);

#endif
