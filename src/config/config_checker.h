/* Checks made after the whole file was read. Private to this folder. */
#ifndef SSOFERRY_CONFIG_CHECKER_H
#define SSOFERRY_CONFIG_CHECKER_H

#include "config_building.h"

struct checker {
    struct building *building;
    struct faults *faults;
    unsigned file;
};

/* Add an error or a warning at `place`: `what`, directly followed by `detail`. */
void checker_fault(struct checker *checker, const struct place *place, const char *what, const char *detail);
void checker_warning(struct checker *checker, const struct place *place, const char *what, const char *detail);

/* Turns drafts into routes, and checks them against each other and the allowed hosts. */
void checker_build_routes(struct checker *checker);

/* Checks keys against each other. The routes must be built. */
void checker_check_keys(struct checker *checker);

/* Whether a legacy URL may be used: NULL, or what is wrong with it. A `pattern` may hold `{identifier}` or `{path}`. */
const char *checker_legacy_problem(const struct checker *checker, struct text url, bool pattern);

#endif
