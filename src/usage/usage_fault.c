#include "usage_fault.h"

#include <errno.h>

#include "errand.h"

static const char write_again[] = "see to the disk, then start again";
static const char move_away[] = "move it away and start again; counting then begins anew";

static const struct environment_cause causes[] = {
    {MDB_CORRUPTED, "the file is damaged", move_away},
    {MDB_PAGE_NOTFOUND, "the file is damaged", move_away},
    {MDB_NOTFOUND, "the file is damaged", move_away},
    {MDB_BAD_TXN, "the file is damaged", move_away}, /* what LMDB says after a fault that it kept to itself */
    {MDB_INVALID, "it is not a usage file of ssoferry", move_away},
    {MDB_INCOMPATIBLE, "it is not a usage file of ssoferry", move_away},
    {MDB_VERSION_MISMATCH, "another version of LMDB made it or its -lock file", "end the programs that have it open"},
    {MDB_MAP_FULL, "its map is full", "give the process more address space"},
    {MDB_READERS_FULL, "every reader slot is taken", "end some of the programs that read it"},
    {MDB_PANIC, "a write to it failed earlier", write_again},
    {ERRAND_NO_THREAD, "its thread cannot be started", "allow the process more memory and threads"},
    {EAGAIN, "a program in another container has this one's process number, by which they are told apart",
     "let the two share a PID namespace"},
    {ELOOP, "its -lock file is a link", "remove the link; see who made it"},
    {ENOSPC, "the disk is full", "free some space"},
    {EDQUOT, NULL, "free some space"},
    {EIO, NULL, write_again},
    {EACCES, NULL, "let this user read and write it, its -lock file and their directory"},
    {EPERM, NULL, "let this user read and write it, its -lock file and their directory"},
    {EISDIR, NULL, "move it away"},
};

bool usage_give_up(const char *path, int code, struct error *error)
{
    return error_set(error, ERROR_FAILED, "%s: %s: see to its disk, and move the file away; counting then begins anew",
                     path, code == EIO ? "a page of the usage file cannot be read" : "the usage file is damaged");
}

bool usage_fail(const char *path, int code, const char *doing, struct error *error)
{
    return environment_fail(causes, sizeof(causes) / sizeof(causes[0]), path, code, doing, error);
}
