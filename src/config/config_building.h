/* The configuration while it is being read. Private to this folder. */
#ifndef SSOFERRY_CONFIG_BUILDING_H
#define SSOFERRY_CONFIG_BUILDING_H

#include "config_keys.h"
#include "ssoferry/yaml.h"

/* A growing list of texts. Its memory is the arena's: when it grows, the old block stays allocated until the end. */
struct text_list {
    struct text *items;
    size_t count;
};

/* What a key was set to, for reporting what a reload changed. */
struct setting {
    const struct config_key *key;
    struct text name; /* "routes[0].match" */
    struct text value;
    size_t room;     /* that its items can grow in; 0: none yet */
    size_t listener; /* index of its listener, or of the one it would belong to */
};

/* A route's own setting of something that its preset may also set. */
enum said { SAID_NOTHING, SAID_NO, SAID_YES };

struct written {
    struct text text;
    struct place place;
};

struct route_draft {
    struct written match, preset, host, legacy_url, relay_state_key;
    struct text source;
    enum identify_by identify_by;
    enum redirect_kind redirect;
    enum said fold_case, fold_path;
    bool unknown_is_legacy, observe;
    bool mistyped; /* it may have a required key mistyped or as an alias */
    struct text_list legacy_relay_states;
    struct place place, redirect_place;
    size_t first_route, route_count; /* the routes built from it */
};

/* The configuration being built. `config` comes first, so that one of our struct config * can be cast to this. */
struct building {
    struct config config;
    struct arena *arena;
    struct allowed_hosts *stytch_hosts, *legacy_hosts;
    struct text_list own_hosts, onward_sources;
    struct listener *listen;
    size_t listen_count;
    struct network *trusted_proxies;
    size_t trusted_proxy_count;
    struct setting *settings;
    size_t setting_count;
    struct route_draft *drafts;
    size_t draft_count;
    struct route *routes;
    size_t route_count;
    struct address admin;
    bool admin_allow_remote;
    bool is_mapping;           /* its first key is that of a mapping file: reported only once */
    bool mistyped[KEY_SCOPES]; /* what is being read may have a required key mistyped or as an alias */
    struct place live_place, test_place, onward_place, unmatched_place, routes_place, redirect_place, health_place,
        uri_limit_place, observe_place;
};

/* Has only Stytch's own hosts; the keys' defaults are not set. Never NULL; free it with building_free() or, once
 * finished, with config_free(). */
struct building *building_new(void);
void building_free(struct building *building);

/* The CSP sources that browsers are sent to next, separated by spaces. If the operator names none: any https page, and
 * a developer's own machine. Otherwise the gateway's own names besides, unless any page is among them: the old system
 * takes itself to be there, and redirects to them. */
struct text building_onward_sources(struct building *building);

/* Connects the finished configuration to what was built for it. Returns the same memory. */
struct config *building_finish(struct building *building);

/* Reads the whole document. Problems go to the file's faults. */
void building_read(struct building *building, struct yaml *yaml);

/* Copies a text into the arena; NUL-terminated. */
struct text building_copy(struct building *building, struct text t);
void building_append(struct building *building, struct text_list *list, struct text t);

/* A listener starts with one certificate of its own, which is removed at the end if none was written; those of its list
 * come after it. The end functions report missing keys as faults at `node`. */
void building_add_listener(struct building *building);
void building_add_certificate(struct building *building);
void building_end_listener(struct building *building, struct yaml *yaml, const struct yaml_node *node);
void building_end_certificate(struct building *building, struct yaml *yaml, const struct yaml_node *node,
                              enum key_scope scope);
void building_free_listeners(struct building *building);

/* Starts a route that is written at `place`. */
void building_add_draft(struct building *building, const struct place *place);

/* The listener, or the route, being read: the last one. */
struct listener *building_listener(struct building *building);
struct route_draft *building_draft(struct building *building);

/* The certificate that `scope` refers to: a listener's own, or the last of its list. */
struct certificate_files *building_certificate(struct building *building, enum key_scope scope);

/* Records that `key` was set to `value` (for a list: one item). */
void building_note(struct building *building, const struct config_key *key, struct text value);

#endif
