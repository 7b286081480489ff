/* What the files of src/config share: the table of keys and the configuration while it is being read. */
#ifndef SSOFERRY_CONFIG_INTERNAL_H
#define SSOFERRY_CONFIG_INTERNAL_H

#include "ssoferry/config.h"
#include "ssoferry/yaml.h"

enum key_scope { KEY_OF_CONFIG, KEY_OF_LISTEN, KEY_OF_CERTIFICATE, KEY_OF_ROUTE };
enum { KEY_SCOPES = 4 };

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
    bool mistyped[KEY_SCOPES]; /* in what is being read, a key that is needed may be there by another name */
    struct place live_place, test_place, unmatched_place, routes_place, redirect_place, health_place, uri_limit_place;
};

/* KEY_RESTART: what it says is opened or begun once, at start, and a reload cannot change it. */
enum key_flag { KEY_PLAIN = 0, KEY_LIST = 1, KEY_RESTART = 2 };

/* One key of the file. */
struct config_key {
    const char *name; /* "limits.body"; within lists "routes[].match" */
    enum key_scope scope;
    const char *type;     /* for people: "size", "duration", "url", ... */
    const char *fallback; /* the default, as it would be written; "" for none */
    const char *help;
    /* Stores a value; for a list, one item. NULL, or what is wrong with it: a phrase behind "KEY ". */
    const char *(*set)(struct building *building, struct text value, const struct place *place,
                       const struct config_key *key);
    unsigned flags; /* of enum key_flag */
    uint64_t least, most;
    size_t offset; /* of the field, for the plain kinds: in struct building, listener, certificate_files, route_draft */
};

extern const struct config_key config_keys[];
extern const size_t config_key_count;

/* The key called `name` in `scope`; NULL where there is none. */
const struct config_key *config_key_find(enum key_scope scope, struct text name);

/* What a key is called within its scope: "match" of "routes[].match". */
struct text config_key_last(const struct config_key *key);

/* The lists of mappings: how each is called, in what, and what an item may look like. */
struct config_list {
    enum key_scope scope, parent;
    const char *name, *example;
};
extern const struct config_list config_lists[];
extern const size_t config_list_count;

/* The key, section or list, or the preset, that a name is a typing mistake of; empty where nothing is near. */
struct text guess_key(enum key_scope scope, struct text name);
struct text guess_preset(struct text name);

/* A listener begins with one certificate, its own, which is taken out at its end where none was written; those of its
 * list follow. The ends add what is missing to the faults, at `node`. */
void building_add_listener(struct building *building);
void building_add_certificate(struct building *building);
void building_end_listener(struct building *building, struct yaml *yaml, const struct yaml_node *node);
void building_end_certificate(struct building *building, struct yaml *yaml, const struct yaml_node *node,
                              enum key_scope scope);
void building_free_listeners(struct building *building);

/* The listener, or the route, that is being read: the last one. */
struct listener *building_listener(struct building *building);
struct route_draft *building_draft(struct building *building);

/* The certificate that `scope` is about: a listener's own, or the last one of its list. */
struct certificate_files *building_certificate(struct building *building, enum key_scope scope);

/* Copies into the arena; NUL-terminated. */
struct text building_copy(struct building *building, struct text t);
void building_append(struct building *building, struct text_list *list, struct text t);

/* Notes that `key` was set to `value` (one item of it, for a list). */
void building_note(struct building *building, const struct config_key *key, struct text value);

/* What is checked when the whole file has been read, and where what is wrong goes. */
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

/* Whether a legacy URL may be used: NULL, or what is wrong with it. `{identifier}` in it is allowed where `pattern`. */
const char *building_legacy_problem(const struct building *building, struct text url, bool pattern);

/* Checks what keys have to do with each other. The routes are built. */
void checker_check_keys(struct checker *checker);

#endif
