/* What is checked when the whole file has been read. Private to this folder. */
#ifndef SSOFERRY_CONFIG_CHECKER_H
#define SSOFERRY_CONFIG_CHECKER_H

#include "config_building.h"

/* What is checked, and where what is wrong goes. */
struct checker {
    struct building *building;
    struct faults *faults;
    unsigned file;
};

/* An error, or a warning, at `place`: `what`, and `detail` right behind it. */
void checker_fault(struct checker *checker, const struct place *place, const char *what, const char *detail);
void checker_warning(struct checker *checker, const struct place *place, const char *what, const char *detail);

/* Turns drafts into routes and checks them against each other and against the allowed hosts. */
void checker_build_routes(struct checker *checker);

/* Checks what keys have to do with each other. The routes are built. */
void checker_check_keys(struct checker *checker);

/* Whether a legacy URL may be used: NULL, or what is wrong with it. `{identifier}` or `{path}` in it is allowed where
 * `pattern`. */
const char *checker_legacy_problem(const struct checker *checker, struct text url, bool pattern);

#endif
