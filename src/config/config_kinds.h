/* Setters for plain kinds of values. Each writes the field at the key's offset in the configuration, listener,
 * certificate or route being read. */
#ifndef SSOFERRY_CONFIG_KINDS_H
#define SSOFERRY_CONFIG_KINDS_H

#include "config_building.h"

/* The signature of a setter; see `set` in struct config_key. */
#define CONFIG_SETTER(name)                                                                                            \
    const char *name(__attribute__((unused)) struct building *building, struct text value,                             \
                     __attribute__((unused)) const struct place *place,                                                \
                     __attribute__((unused)) const struct config_key *key)

CONFIG_SETTER(set_size);     /* uint64_t, bytes */
CONFIG_SETTER(set_duration); /* uint64_t, milliseconds */
CONFIG_SETTER(set_number);   /* uint64_t */
CONFIG_SETTER(set_bool);     /* bool */
CONFIG_SETTER(set_said);     /* enum said */
CONFIG_SETTER(set_written);  /* struct written */
CONFIG_SETTER(set_word);     /* struct written, which may not be empty */

#endif
