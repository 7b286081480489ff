#include "config_kinds.h"

/* The field of a key, in the object that its scope refers to. */
static void *field_of(struct building *building, const struct config_key *key)
{
    char *whole = NULL;
    switch (key->scope) {
    case KEY_OF_CONFIG:
        whole = (char *)building;
        break;
    case KEY_OF_LISTEN:
        whole = (char *)building_listener(building);
        break;
    case KEY_OF_CERTIFICATE:
        whole = (char *)building_certificate(building, key->scope);
        break;
    case KEY_OF_ROUTE:
        whole = (char *)building_draft(building);
        break;
    }
    return whole + key->offset;
}

/* Reads digits and a unit. False if it is neither that nor within the key's range. */
static bool number_with_unit(struct text value, const struct config_key *key, const struct text *units,
                             const uint64_t *factors, size_t count, uint64_t *number)
{
    size_t digits = 0;
    while (digits < value.size && value.at[digits] >= '0' && value.at[digits] <= '9')
        ++digits;
    const struct text unit = text_from(value, digits);
    size_t i = 0;
    while (i < count && !text_equal(unit, units[i]))
        ++i;
    if (i == count || !text_to_number(text_slice(value.at, digits), key->most / factors[i], number))
        return false;
    *number *= factors[i];
    return *number >= key->least;
}

CONFIG_SETTER(set_size)
{
    static const struct text units[] = {{"KiB", 3}, {"MiB", 3}, {"GiB", 3}, {"B", 1}};
    static const uint64_t factors[] = {1024, 1024 * 1024, 1024 * 1024 * 1024, 1};
    return number_with_unit(value, key, units, factors, 4, field_of(building, key))
               ? NULL
               : "is not a size (B, KiB, MiB, GiB)";
}

CONFIG_SETTER(set_duration)
{
    static const struct text units[] = {{"ms", 2}, {"s", 1}, {"m", 1}, {"h", 1}, {"d", 1}};
    static const uint64_t factors[] = {1, 1000, 60 * 1000, 3600 * 1000, 24 * 3600 * 1000};
    return number_with_unit(value, key, units, factors, 5, field_of(building, key))
               ? NULL
               : "is not a duration (ms, s, m, h, d)";
}

CONFIG_SETTER(set_number)
{
    uint64_t *number = field_of(building, key);
    return text_to_number(value, key->most, number) && *number >= key->least ? NULL : "is not a whole number";
}

CONFIG_SETTER(set_bool)
{
    bool *flag = field_of(building, key);
    *flag = text_equal(value, TEXT("true"));
    return *flag || text_equal(value, TEXT("false")) ? NULL : "is neither true nor false";
}

CONFIG_SETTER(set_said)
{
    enum said *said = field_of(building, key);
    *said = text_equal(value, TEXT("true")) ? SAID_YES : SAID_NO;
    return *said == SAID_YES || text_equal(value, TEXT("false")) ? NULL : "is neither true nor false";
}

CONFIG_SETTER(set_written)
{
    struct written *written = field_of(building, key);
    *written = (struct written){building_copy(building, value), *place};
    return NULL;
}

CONFIG_SETTER(set_word)
{
    (void)set_written(building, value, place, key);
    return value.size == 0 ? "is empty" : NULL;
}
