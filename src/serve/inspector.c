#include "inspector.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include <openssl/evp.h>

#include "ssoferry/background.h"
#include "ssoferry/clock.h"
#include "ssoferry/log.h"
#include "ssoferry/memory.h"
#include "ssoferry/shell_word.h"

enum {
    ROWS_AT_ONCE = 256, /* take a few tenths of a millisecond */
    PAUSE_SHARE = 3,    /* pause per unit of work */
    POLL_NS = 500 * 1000 * 1000,
    NAMES_SHOWN = 3,
    NAME_SIZE = 96,
    CHECKSUM_BYTES = 6, /* Prometheus holds whole numbers exactly up to 53 bits */
    LINE_SIZE = 2000,
};

/* The first names found of a kind, for the message. */
struct named {
    size_t count;
    char names[NAMES_SHOWN][NAME_SIZE];
};

/* One walk through the table. */
struct inspection {
    struct lookup_walk walk;
    struct audit audit;
    uint64_t revision; /* at the start of the walk */
    bool changed;      /* the revision has changed since */
    uint64_t rows;
    uint64_t unusable[UNUSABLES];
    struct named named[UNUSABLES];
};

struct inspector {
    struct lookup *lookup;
    const char *config_path;
    EVP_MD_CTX *digest;
    pthread_t thread;
    pthread_mutex_t mutex; /* for everything below; held for one step at a time */
    pthread_cond_t changed;
    const struct config *config;
    bool stopping;
    bool walking;
    bool asked;           /* the next result is to be reported because of a start or a reload */
    uint64_t coming;      /* the newer revision seen at the last poll */
    uint64_t seen;        /* the last revision that was walked; 0: none */
    uint64_t told;        /* unusable rows at the last report */
    char line[LINE_SIZE]; /* to be logged once the mutex is released; "": nothing */
    bool line_is_bad;
    struct inspection inspection;
    struct metrics_rows found;
};

/* -- what is said -- */

static void __attribute__((format(printf, 2, 3))) append(char *line, const char *format, ...)
{
    va_list arguments;
    size_t used = strlen(line);
    va_start(arguments, format);
    vsnprintf(line + used, LINE_SIZE - used, format, arguments);
    va_end(arguments);
}

static void append_kind(char *line, const struct inspection *inspection, int kind)
{
    const struct named *named = &inspection->named[kind];
    append(line, "%" PRIu64 " %s", inspection->unusable[kind], unusable_phrase((enum unusable)kind));
    for (size_t i = 0; i < named->count; ++i)
        append(line, "%s%s", i == 0 ? " (" : ", ", named->names[i]);
    if (named->count > 0)
        append(line, "%s)", inspection->unusable[kind] > named->count ? ", ..." : "");
}

static void write_line(struct inspector *inspector, uint64_t unusable)
{
    const struct inspection *inspection = &inspector->inspection;
    char *line = inspector->line;
    const char *joint = ": ";
    append(line, "%" PRIu64 " of %" PRIu64 " row%s cannot be used with this configuration", unusable, inspection->rows,
           inspection->rows == 1 ? "" : "s");
    for (int kind = UNUSABLE_NOT + 1; kind < UNUSABLES; ++kind) {
        if (inspection->unusable[kind] == 0)
            continue;
        append(line, "%s", joint);
        append_kind(line, inspection, kind);
        joint = ", ";
    }
    char *config = shell_word(text_of(inspector->config_path));
    append(line, "; `ssoferry -c %s check --table` says which and why", config);
    free(config);
}

/* Always reports after a start or a reload; after a change of rows only if the number has changed. */
static void tell(struct inspector *inspector)
{
    uint64_t unusable = 0;
    for (int kind = UNUSABLE_NOT + 1; kind < UNUSABLES; ++kind)
        unusable += inspector->inspection.unusable[kind];
    inspector->line_is_bad = unusable > 0;
    if (unusable > 0 && (inspector->asked || unusable != inspector->told))
        write_line(inspector, unusable);
    else if (unusable == 0 && inspector->told > 0)
        append(inspector->line, "all rows can be used again");
    inspector->asked = false;
    inspector->told = unusable;
}

/* -- looking -- */

/* Leaves out long names, which would leave no room in the line for the advice. */
static void note_name(struct named *named, struct text source, struct text identifier)
{
    if (named->count == NAMES_SHOWN || source.size + identifier.size + sizeof(" (source )") > NAME_SIZE ||
        identifier_problem(identifier) != NULL || source_problem(source) != NULL)
        return;
    char *name = named->names[named->count++];
    if (text_equal(source, TEXT("default")))
        snprintf(name, NAME_SIZE, "%.*s", TEXT_ARGS(identifier));
    else
        snprintf(name, NAME_SIZE, "%.*s (source %.*s)", TEXT_ARGS(identifier), TEXT_ARGS(source));
}

/* Includes the lengths, so that different tables never give the same sequence of bytes. */
static void digest_row(EVP_MD_CTX *digest, struct table_row row)
{
    const unsigned char sizes[] = {(unsigned char)(row.key.size >> 8), (unsigned char)row.key.size,
                                   (unsigned char)(row.record.size >> 8), (unsigned char)row.record.size};
    EVP_DigestUpdate(digest, sizes, sizeof(sizes));
    EVP_DigestUpdate(digest, row.key.at, row.key.size);
    EVP_DigestUpdate(digest, row.record.at, row.record.size);
}

static void on_row(void *context, struct table_row row)
{
    struct inspector *inspector = context;
    struct inspection *inspection = &inspector->inspection;
    struct text source, identifier;
    enum unusable unusable = UNUSABLE_UNREACHED;
    if (connection_key_split(row.key, &source, &identifier))
        unusable = audit_record(&inspection->audit, source, identifier, row.record);
    else
        source = identifier = (struct text){0};
    digest_row(inspector->digest, row);
    ++inspection->rows;
    ++inspection->unusable[unusable];
    if (unusable != UNUSABLE_NOT)
        note_name(&inspection->named[unusable], source, identifier);
}

static void begin(struct inspector *inspector, uint64_t revision)
{
    inspector->inspection = (struct inspection){.revision = revision, .audit.config = inspector->config};
    inspector->walking = EVP_DigestInit_ex(inspector->digest, EVP_sha256(), NULL) == 1;
    inspector->seen = revision;
}

static void finish(struct inspector *inspector)
{
    const struct inspection *inspection = &inspector->inspection;
    unsigned char digest[EVP_MAX_MD_SIZE] = {0};
    struct metrics_rows *found = &inspector->found;
    found->looked_through = true;
    memcpy(found->unusable, inspection->unusable, sizeof(found->unusable));
    found->has_checksum = !inspection->changed && EVP_DigestFinal_ex(inspector->digest, digest, NULL) == 1;
    found->checksum = 0;
    for (size_t i = 0; i < CHECKSUM_BYTES; ++i)
        found->checksum = found->checksum << 8 | digest[i];
    inspector->walking = false;
    tell(inspector);
}

static void give_up(struct inspector *inspector, const struct error *error)
{
    inspector->walking = false;
    inspector->asked = false;
    inspector->found = (struct metrics_rows){0};
    inspector->line_is_bad = true;
    append(inspector->line, "the rows cannot be checked: %s", error->message);
}

/* Takes one step. Returns how long to pause before the next, in nanoseconds. */
static uint64_t look_on(struct inspector *inspector)
{
    struct error error = {0};
    struct inspection *inspection = &inspector->inspection;
    const uint64_t began = clock_monotonic_ns();
    enum lookup_result result =
        lookup_walk(inspector->lookup, &inspection->walk, ROWS_AT_ONCE, on_row, inspector, &error);
    inspection->changed = inspection->changed || inspection->walk.revision != inspection->revision;
    if (result == LOOKUP_FAILED)
        give_up(inspector, &error);
    else if (result == LOOKUP_ABSENT)
        finish(inspector);
    return (clock_monotonic_ns() - began) * PAUSE_SHARE;
}

/* Returns how long to pause, in nanoseconds. An unreadable or never loaded table is reported elsewhere. */
static uint64_t look_for_change(struct inspector *inspector)
{
    struct error error;
    struct table_state state;
    if (!lookup_state(inspector->lookup, &state, &error) || state.revision == inspector->seen)
        return POLL_NS;
    if (state.revision != inspector->coming) { /* wait one more interval: changes often come in a row */
        inspector->coming = state.revision;
        return POLL_NS;
    }
    begin(inspector, state.revision);
    return 0;
}

/* -- the thread -- */

static void say(struct inspector *inspector)
{
    char line[LINE_SIZE];
    bool bad = inspector->line_is_bad;
    memcpy(line, inspector->line, sizeof(line));
    inspector->line[0] = '\0';
    pthread_mutex_unlock(&inspector->mutex); /* the reader of stderr may be slow */
    if (bad)
        log_warning("%s", line);
    else
        log_info("%s", line);
    pthread_mutex_lock(&inspector->mutex);
}

static void pause_for(struct inspector *inspector, uint64_t pause_ns)
{
    const struct timespec until = background_until(pause_ns);
    if (pause_ns > 0 && !inspector->stopping)
        pthread_cond_timedwait(&inspector->changed, &inspector->mutex, &until);
}

static void *run(void *argument)
{
    struct inspector *inspector = argument;
    pthread_mutex_lock(&inspector->mutex);
    while (!inspector->stopping) {
        uint64_t pause_ns = inspector->walking ? look_on(inspector) : look_for_change(inspector);
        if (inspector->line[0] != '\0')
            say(inspector);
        pause_for(inspector, pause_ns);
    }
    pthread_mutex_unlock(&inspector->mutex);
    return NULL;
}

static void free_inspector(struct inspector *inspector)
{
    lookup_close(inspector->lookup);
    EVP_MD_CTX_free(inspector->digest);
    pthread_cond_destroy(&inspector->changed);
    pthread_mutex_destroy(&inspector->mutex);
    free(inspector);
}

bool inspector_start(struct inspector **started, struct table *table, const struct config *config,
                     const char *config_path, struct error *error)
{
    struct inspector *inspector = memory_zeroed(1, sizeof(*inspector));
    inspector->config = config;
    inspector->config_path = config_path;
    inspector->asked = true;
    inspector->digest = EVP_MD_CTX_new();
    if (inspector->digest == NULL)
        memory_exhausted();
    pthread_mutex_init(&inspector->mutex, NULL);
    background_condition(&inspector->changed);
    bool opened = lookup_open(&inspector->lookup, table, error);
    int problem = opened ? background_start(&inspector->thread, "inspector", run, inspector) : 0;
    if (opened && problem == 0) {
        *started = inspector;
        return true;
    }
    free_inspector(inspector);
    return opened ? background_fail(problem, "its thread", error) : false;
}

void inspector_reload(struct inspector *inspector, const struct config *config)
{
    if (inspector == NULL)
        return;
    pthread_mutex_lock(&inspector->mutex);
    inspector->config = config;
    inspector->walking = false;
    inspector->asked = true;
    inspector->seen = 0;
    pthread_cond_signal(&inspector->changed);
    pthread_mutex_unlock(&inspector->mutex);
}

struct metrics_rows inspector_rows(struct inspector *inspector)
{
    if (inspector == NULL)
        return (struct metrics_rows){0};
    pthread_mutex_lock(&inspector->mutex);
    const struct metrics_rows found = inspector->found;
    pthread_mutex_unlock(&inspector->mutex);
    return found;
}

void inspector_stop(struct inspector *inspector)
{
    if (inspector == NULL)
        return;
    pthread_mutex_lock(&inspector->mutex);
    inspector->stopping = true;
    pthread_cond_signal(&inspector->changed);
    pthread_mutex_unlock(&inspector->mutex);
    pthread_join(inspector->thread, NULL);
    free_inspector(inspector);
}
