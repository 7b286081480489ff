/* The configuration while it is being read. Private to this folder. */
#ifndef SSOFERRY_CONFIG_BUILDING_H
#define SSOFERRY_CONFIG_BUILDING_H

#include "config_keys.h"
#include "ssoferry/yaml.h"

/* A list of texts as it grows; its memory is the arena's, so that growing leaves the old block behind until the end. */
struct text_list {
    struct text *items;
    size_t count;
};

/* What a key was set to, for telling what a reload changed. */
struct setting {
    const struct config_key *key;
    struct text name; /* "routes[0].match" */
    struct text value;
    size_t listener; /* the number of the one that it is of, or would be */
};

/* What a route says of itself where its preset has a word, too. */
enum said { SAID_NOTHING, SAID_NO, SAID_YES };

/* A value as it is written. */
struct written {
    struct text text;
    struct place place;
};

/* A route as it is written. */
struct route_draft {
    struct written match, preset, host, legacy_url, relay_state_key;
    struct text source;
    enum identify_by identify_by;
    enum redirect_kind redirect;
    enum said fold_case, fold_path;
    bool unknown_is_legacy, observe;
    bool mistyped; /* what it needs may be there by another name */
    struct text_list legacy_relay_states;
    struct place place, redirect_place;
    size_t first_route, route_count; /* what was built of it */
};

/* The configuration as it is being built; `config` comes first, so that a struct config * of ours is one of these. */
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
    bool is_mapping;           /* it is a mapping file by its first key: said once */
    bool mistyped[KEY_SCOPES]; /* in what is being read, a key that is needed may be there by another name */
    struct place live_place, test_place, unmatched_place, routes_place, redirect_place, health_place, uri_limit_place,
        observe_place;
};

/* Nothing but Stytch's own hosts yet; the keys' defaults are not set. */
struct building *building_new(void);
void building_free(struct building *building);

/* Points the finished configuration at what was built for it. */
struct config *building_finish(struct building *building);

/* Reads the whole document. What is wrong goes to the file's faults. */
void building_read(struct building *building, struct yaml *yaml);

/* Copies into the arena; NUL-terminated. */
struct text building_copy(struct building *building, struct text t);
void building_append(struct building *building, struct text_list *list, struct text t);

/* A listener begins with one certificate, its own, which is taken out at its end where none was written; those of its
 * list follow. The ends add what is missing to the faults, at `node`. */
void building_add_listener(struct building *building);
void building_add_certificate(struct building *building);
void building_end_listener(struct building *building, struct yaml *yaml, const struct yaml_node *node);
void building_end_certificate(struct building *building, struct yaml *yaml, const struct yaml_node *node,
                              enum key_scope scope);
void building_free_listeners(struct building *building);

/* Begins a route, written at `place`. */
void building_add_draft(struct building *building, const struct place *place);

/* The listener, or the route, that is being read: the last one. */
struct listener *building_listener(struct building *building);
struct route_draft *building_draft(struct building *building);

/* The certificate that `scope` is about: a listener's own, or the last one of its list. */
struct certificate_files *building_certificate(struct building *building, enum key_scope scope);

/* Notes that `key` was set to `value` (one item of it, for a list). */
void building_note(struct building *building, const struct config_key *key, struct text value);

#endif
