/* Legacy stacks with a fixed ACS template: a name in the configuration stands for their routes. */
#ifndef SSOFERRY_PRESETS_H
#define SSOFERRY_PRESETS_H

#include "ssoferry/route.h"

enum { PRESET_ROUTES_MAX = 4 };

struct preset_route {
    const char *match; /* template, without a host */
    enum identify_by identify_by;
};

struct preset {
    const char *name;                              /* "keycloak" */
    const char *stack;                             /* "Keycloak identity broker" */
    struct preset_route routes[PRESET_ROUTES_MAX]; /* ends at the first without a match; the more specific first */
    bool fold_case;
    bool fold_path;   /* the stack's web server ignored the case of paths */
    const char *note; /* what the operator should know; may be "" */
};

/* All of them, sorted by name. Static. */
const struct preset *presets(size_t *count);

/* The preset called `name`; NULL if there is none. Static. */
const struct preset *preset_find(struct text name);

#endif
