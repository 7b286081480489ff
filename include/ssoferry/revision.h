/* Revisions: what each committed change did to the table, and how to get the table as it was before. The last
 * TABLE_REVISIONS_KEPT are kept. */
#ifndef SSOFERRY_REVISION_H
#define SSOFERRY_REVISION_H

#include "ssoferry/table.h"

/* What is recorded about a revision. Release it with revision_release(). */
struct revision {
    uint64_t number;
    int64_t changed_at; /* microseconds UTC since 1970 */
    struct change_counts counts;
    const char *command;
    const char *actor;
    const char *message; /* "" if none was given */
    struct revision_file *files;
    size_t file_count;
    void *block; /* holds the strings */
};

/* Reads the record of one revision: LOOKUP_FOUND, LOOKUP_ABSENT if it is no longer kept or does not exist yet, or
 * LOOKUP_FAILED. For the history, newest first, read from snapshot_state()->revision downwards until LOOKUP_ABSENT. */
enum lookup_result revision_read(const struct snapshot *snapshot, uint64_t number, struct revision *revision,
                                 struct error *error) __attribute__((warn_unused_result));
void revision_release(struct revision *revision); /* all zeros is fine */

/* Calls `on_difference` in key order for each row that revision `number` added, changed or removed, never with
 * DIFFERENCE_NONE. To stop, the callback sets *error and returns false. ERROR_INPUT if the revision is not kept. */
bool revision_differences(struct snapshot *snapshot, uint64_t number,
                          bool (*on_difference)(void *context, const struct difference *difference,
                                                struct error *error),
                          void *context, struct error *error) __attribute__((warn_unused_result));

/* Calls `on_revision` for each kept revision that touched the row of `key`, newest first, with what it did to that row;
 * a row changed and changed back within one revision is left out. The callback returns false to stop, which is no
 * failure. Of each kept revision it reads little (undo_find()), even if they were of millions of rows. */
bool revision_walk_row(struct snapshot *snapshot, struct text key,
                       bool (*on_revision)(void *context, const struct revision *revision,
                                           const struct difference *difference),
                       void *context, struct error *error) __attribute__((warn_unused_result));

/* Like revision_differences(), for what revision_rollback() to `number` would do: `before` is the row as it is now.
 * Rows that were changed and changed back come with DIFFERENCE_NONE. */
bool revision_distance(struct snapshot *snapshot, uint64_t number,
                       bool (*on_difference)(void *context, const struct difference *difference, struct error *error),
                       void *context, struct error *error) __attribute__((warn_unused_result));

/* Calls `on_row` in key order for each row that a revision after `number` touched, and says whether it did not exist
 * after `number`: then it was added since, even if it is gone again. ERROR_INPUT if a revision after `number` is not
 * kept. */
bool revision_newcomers(const struct snapshot *snapshot, uint64_t number,
                        void (*on_row)(void *context, struct text key, bool is_new), void *context, struct error *error)
    __attribute__((warn_unused_result));

/* Puts and removes rows to restore the table as it was after revision `number` (0: empty, as before the first). The
 * change must not have changed anything yet; the caller commits it. `on_row`, which may be NULL, is called for each of
 * these rows. ERROR_INPUT if there is no such revision, or one after it is no longer kept. */
bool revision_rollback(struct change *change, uint64_t number, void (*on_row)(void *context), void *context,
                       struct error *error) __attribute__((warn_unused_result));

#endif
