/* Revisions: what each committed change did to the table, and the table as it was before. Kept for the last
 * TABLE_REVISIONS_KEPT. */
#ifndef SSOFERRY_REVISION_H
#define SSOFERRY_REVISION_H

#include "ssoferry/table.h"

/* What is written down about a revision. Freed by revision_release(). */
struct revision {
    uint64_t number;
    int64_t changed_at; /* microseconds UTC since 1970 */
    struct change_counts counts;
    const char *command;
    const char *actor;
    const char *message; /* "" where none was given */
    struct revision_file *files;
    size_t file_count;
    void *block; /* what the strings point into */
};

/* Reads one revision's note: LOOKUP_FOUND, LOOKUP_ABSENT where it is not kept any more or not there yet, LOOKUP_FAILED.
 * The history, newest first, is this from snapshot_state()->revision downwards up to LOOKUP_ABSENT. */
enum lookup_result revision_read(const struct snapshot *snapshot, uint64_t number, struct revision *revision,
                                 struct error *error) __attribute__((warn_unused_result));
void revision_release(struct revision *revision); /* a zeroed one is fine */

/* Calls `on_difference` for each row that revision `number` added, changed or removed, in key order, never with
 * DIFFERENCE_NONE. It returns false to stop, having set *error. ERROR_INPUT where the revision is not kept. */
bool revision_differences(struct snapshot *snapshot, uint64_t number,
                          bool (*on_difference)(void *context, const struct difference *difference,
                                                struct error *error),
                          void *context, struct error *error) __attribute__((warn_unused_result));

/* Calls `on_revision` for each kept revision that touched the row of `key`, the newest first, with what it did to that;
 * a row that was changed and changed back within one is left out. It returns false to stop, which is no failure. Reads
 * what each kept revision touched up to that key: a second or two where all of them were of a million rows. */
bool revision_walk_row(struct snapshot *snapshot, struct text key,
                       bool (*on_revision)(void *context, const struct revision *revision,
                                           const struct difference *difference),
                       void *context, struct error *error) __attribute__((warn_unused_result));

/* As revision_differences(), for what revision_rollback() to `number` would do: `before` is the row as it is now. */
bool revision_distance(struct snapshot *snapshot, uint64_t number,
                       bool (*on_difference)(void *context, const struct difference *difference, struct error *error),
                       void *context, struct error *error) __attribute__((warn_unused_result));

/* Calls `on_key` for each row that was not there after revision `number` and was added since, in key order; it may be
 * gone again. ERROR_INPUT where a revision after `number` is not kept. */
bool revision_newcomers(const struct snapshot *snapshot, uint64_t number,
                        void (*on_key)(void *context, struct text key), void *context, struct error *error)
    __attribute__((warn_unused_result));

/* Puts and removes rows so that the table is as it was after revision `number` (0: empty, as before the first). The
 * change must not have changed anything yet; the caller commits it. ERROR_INPUT where there is no such revision, or one
 * after it is not kept any more. */
bool revision_rollback(struct change *change, uint64_t number, struct error *error) __attribute__((warn_unused_result));

#endif
