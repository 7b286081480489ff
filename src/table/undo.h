/* What each revision did, kept for rollback: for each row it touched, the record from before. For this folder only.
 *
 * Database `undo`: key = revision (8 bytes), chunk (4 bytes), both big-endian. An entry holds some thousand rows,
 * because an entry per row would cost as much as the table itself. A chunk:
 *     1 byte     the version, 1
 *     1 byte     1: its first key is greater than the last one of the chunk before; else 0
 *     rows       in key order, each key once:
 *       number   how many leading bytes this key shares with the one before
 *       number   how many bytes follow them
 *       number   0: the row did not exist; else 1 + the size of its record
 *       bytes    the rest of the key; the record
 * Numbers are LEB128. If a key is in two chunks of a revision, the earlier one has the record from before the
 * revision. */
#ifndef SSOFERRY_TABLE_UNDO_H
#define SSOFERRY_TABLE_UNDO_H

#include "store.h"

struct undo_writer;

struct undo_writer *undo_writer_new(MDB_txn *txn, MDB_dbi undo, uint64_t revision); /* never NULL */
void undo_writer_free(struct undo_writer *writer);

/* Notes what is under `key`; `before` is NULL if there is nothing. Copies both; does not write to the environment. */
void undo_writer_note(struct undo_writer *writer, MDB_val key, const MDB_val *before);

/* Writes a chunk once one is full. Call after each undo_writer_note(), when pointers into the transaction may die. */
int undo_writer_settle(struct undo_writer *writer); /* returns an LMDB code */

/* Writes the last chunk. Returns an LMDB code. */
int undo_writer_finish(struct undo_writer *writer);

/* Continues in another transaction after the previous one was committed. */
void undo_writer_turn(struct undo_writer *writer, MDB_txn *txn);

/* Size of all chunks so far, in bytes. */
uint64_t undo_writer_size(const struct undo_writer *writer);

/* The rows that revisions first..last touched, in key order, each once, with its record from before `first`. */
struct undo_reader;

struct undo_row {
    struct text key;
    bool was_there;
    struct text record;
};

bool undo_reader_open(struct undo_reader **reader, const struct table *table, MDB_txn *txn, uint64_t first,
                      uint64_t last, struct error *error) __attribute__((warn_unused_result));
void undo_reader_close(struct undo_reader *reader);

/* LOOKUP_FOUND, LOOKUP_ABSENT after the last, or LOOKUP_FAILED. *row lives until the next call. */
enum lookup_result undo_reader_next(struct undo_reader *reader, struct undo_row *row, struct error *error)
    __attribute__((warn_unused_result));

/* Finds what a revision noted about one row. Reads one chunk whole, but only the first keys of others, of which a large
 * revision has many. row->key is `key`, and the record is in `record`, which holds CONNECTION_RECORD_SIZE_MAX bytes.
 * LOOKUP_ABSENT if the revision did not touch the row. */
enum lookup_result undo_find(const struct table *table, MDB_txn *txn, uint64_t revision, struct text key,
                             struct undo_row *row, char *record, struct error *error)
    __attribute__((warn_unused_result));

/* Deletes the chunks of revisions up to and including `last`. Returns an LMDB code. */
int undo_forget(MDB_txn *txn, MDB_dbi undo, uint64_t last);

/* For chunks of revisions after `newest`, which are still to come or never came about: delete them, or give the size of
 * their pages in bytes. Both return an LMDB code. */
int undo_forget_coming(MDB_txn *txn, MDB_dbi undo, uint64_t newest);
int undo_coming_size(MDB_txn *txn, MDB_dbi undo, uint64_t newest, uint64_t *size);

#endif
