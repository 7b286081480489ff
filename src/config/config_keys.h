/* The table of configuration keys. Private to this folder. */
#ifndef SSOFERRY_CONFIG_KEYS_H
#define SSOFERRY_CONFIG_KEYS_H

#include "ssoferry/config.h"

struct building; /* the configuration being read; see config_building.h */

enum key_scope { KEY_OF_CONFIG, KEY_OF_LISTEN, KEY_OF_CERTIFICATE, KEY_OF_ROUTE };
enum { KEY_SCOPES = 4 };

/* KEY_RESTART: the value is used only at start, so a reload cannot change it. */
enum key_flag { KEY_PLAIN = 0, KEY_LIST = 1, KEY_RESTART = 2 };

struct config_key {
    const char *name; /* "limits.body"; within lists "routes[].match" */
    enum key_scope scope;
    const char *type;     /* for people: "size", "duration", "url", ... */
    const char *fallback; /* the default, as it would be written; "" for none */
    const char *help;
    /* Stores a value; for a list, one item. Returns NULL, or what is wrong with it: a phrase that fits after "KEY ". */
    const char *(*set)(struct building *building, struct text value, const struct place *place,
                       const struct config_key *key);
    unsigned flags; /* values of enum key_flag */
    uint64_t least, most;
    size_t offset; /* of the field, for plain kinds: in struct building, listener, certificate_files or route_draft */
};

extern const struct config_key config_keys[];
extern const size_t config_key_count;

/* The key called `name` in `scope`; NULL if there is none. */
const struct config_key *config_key_find(enum key_scope scope, struct text name);

/* A key's name within its scope: "match" for "routes[].match". */
struct text config_key_last(const struct config_key *key);

/* The lists of mappings: each one's name, what it belongs to, and an example of an item. */
struct config_list {
    enum key_scope scope, parent;
    const char *name, *example;
};
extern const struct config_list config_lists[];
extern const size_t config_list_count;

/* The key, section or list, or the preset, that a name is probably a typing mistake of; empty if nothing is similar. */
struct text guess_key(enum key_scope scope, struct text name);
struct text guess_preset(struct text name);

#endif
