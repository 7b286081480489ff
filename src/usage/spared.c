#include "spared.h"

#include <stdlib.h>

#include "ssoferry/memory.h"
#include "ssoferry/revision.h"

enum { ROOM_AT_FIRST = 256 };

/* -- a set of hashes; 0 is a free place -- */

static uint64_t *place_of(const struct hash_set *set, uint64_t hash)
{
    size_t i = (size_t)hash & (set->room - 1);
    while (set->hashes[i] != 0 && set->hashes[i] != hash)
        i = (i + 1) & (set->room - 1);
    return &set->hashes[i];
}

static void grow(struct hash_set *set)
{
    const struct hash_set old = *set;
    set->room = old.room > 0 ? 2 * old.room : ROOM_AT_FIRST;
    set->hashes = memory_zeroed(set->room, sizeof(*set->hashes));
    for (size_t i = 0; i < old.room; ++i) {
        if (old.hashes[i] != 0)
            *place_of(set, old.hashes[i]) = old.hashes[i];
    }
    free(old.hashes);
}

static void put(struct hash_set *set, uint64_t hash)
{
    if (2 * set->count >= set->room)
        grow(set);
    uint64_t *place = place_of(set, hash);
    set->count += *place == 0;
    *place = hash;
}

static uint64_t hash_of(const struct spared *spared, struct text t)
{
    uint64_t hash = keyed_hash(&spared->hash_key, t);
    return hash != 0 ? hash : 1;
}

static bool has(const struct spared *spared, const struct hash_set *set, struct text t)
{
    return set->count > 0 && *place_of(set, hash_of(spared, t)) != 0;
}

/* -- collecting -- */

static void tell(const struct report_watch *watch)
{
    if (watch != NULL)
        watch->on_step(watch->context);
}

static bool collect_used(struct spared *spared, struct snapshot *snapshot, struct usage_reader *usage,
                         const struct report_options *options, const struct report_watch *watch, struct error *error)
{
    const int64_t from = options->now - options->idle;
    struct connection_buffer buffer;
    struct usage_row row;
    struct text source, identifier;
    enum lookup_result result;
    usage_reader_seek(usage, (struct text){0});
    while ((result = usage_reader_next(usage, &row, error)) == LOOKUP_FOUND) {
        tell(watch);
        if (!report_goes_on(options, error))
            return false;
        if (row.last_seen <= from || !connection_key_split(row.key, &source, &identifier))
            continue;
        enum lookup_result found = snapshot_find(snapshot, source, identifier, &buffer, error);
        if (found == LOOKUP_FAILED)
            return false;
        if (found == LOOKUP_FOUND && buffer.row.connection_id.size > 0)
            put(&spared->connections, hash_of(spared, buffer.row.connection_id));
    }
    return result == LOOKUP_ABSENT;
}

/* That is the revision before the first kept one that was made after `from`, or the newest. A revision dated in the
 * future says nothing about when it was made; nor does one dated long ago behind a recent one. */
bool spared_look_back(struct spared *spared, const struct snapshot *snapshot, int64_t from, int64_t now,
                      int64_t *known_since, struct error *error)
{
    enum lookup_result result = LOOKUP_FOUND;
    uint64_t added = 0, touched = 0;
    int64_t earliest = now;
    spared->newest_before = snapshot_state(snapshot)->revision;
    for (uint64_t each = spared->newest_before; each > 0 && result == LOOKUP_FOUND; --each) {
        struct revision revision = {0};
        result = revision_read(snapshot, each, &revision, error);
        added += revision.counts.added;
        touched += revision.counts.added + revision.counts.changed + revision.counts.removed;
        if (result == LOOKUP_FOUND && revision.changed_at <= now) {
            earliest = revision.changed_at;
            if (earliest > from) {
                spared->newest_before = each - 1;
                spared->added_since = added;
                spared->touched_since = touched;
            }
        }
        revision_release(&revision);
    }
    *known_since = result == LOOKUP_ABSENT && earliest > from ? earliest : 0;
    return result != LOOKUP_FAILED;
}

struct newcomers {
    struct spared *spared;
    const struct report_watch *watch;
};

static void on_touched(void *context, struct text key, bool is_new)
{
    const struct newcomers *newcomers = context;
    if (is_new)
        put(&newcomers->spared->rows, hash_of(newcomers->spared, key));
    tell(newcomers->watch);
}

bool spared_collect(struct spared *spared, struct snapshot *snapshot, struct usage_reader *usage,
                    const struct report_options *options, const struct report_watch *watch, struct error *error)
{
    struct newcomers newcomers = {spared, watch};
    spared->hash_key = hash_key_new();
    if (watch != NULL)
        watch->on_start(watch->context,
                        usage_reader_count(usage) + (spared->added_since > 0 ? spared->touched_since : 0));
    return collect_used(spared, snapshot, usage, options, watch, error) &&
           (spared->added_since == 0 ||
            revision_newcomers(snapshot, spared->newest_before, on_touched, &newcomers, error));
}

bool spared_has(const struct spared *spared, struct text key, struct text connection_id)
{
    return has(spared, &spared->rows, key) ||
           (connection_id.size > 0 && has(spared, &spared->connections, connection_id));
}

void spared_release(struct spared *spared)
{
    free(spared->connections.hashes);
    free(spared->rows.hashes);
}
