/* The legacy stacks whose ACS template is fixed: a name in the configuration stands for their routes. */
#ifndef SSOFERRY_PRESETS_H
#define SSOFERRY_PRESETS_H

#include "ssoferry/route.h"

enum { PRESET_ROUTES_MAX = 4 };

struct preset_route {
    const char *match; /* template, without host */
    enum identify_by identify_by;
};

struct preset {
    const char *name;                              /* "keycloak" */
    const char *stack;                             /* "Keycloak identity broker" */
    struct preset_route routes[PRESET_ROUTES_MAX]; /* up to the first without match; the more particular first */
    bool fold_case;
    bool fold_path;   /* its web server took a path in any case */
    const char *note; /* what the operator should know; may be "" */
};

/* All of them, sorted by name. Static. */
const struct preset *presets(size_t *count);

/* NULL where there is none of that name. */
const struct preset *preset_find(struct text name);

#endif
