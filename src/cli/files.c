#include "files.h"

#include <stdlib.h>

#include "output.h"
#include "rows.h"
#include "ssoferry/audit.h"
#include "ssoferry/log.h"
#include "ssoferry/memory.h"

enum { SOURCES_SHOWN = 5 };

static void on_progress(void *context, uint64_t read, uint64_t total)
{
    progress_update(context, read, total);
}

static int complain_unread(struct files *files, const char *path, const struct error *error)
{
    files->unread[files->unread_count++] = (struct files_unread){path, *error};
    return complain(error);
}

/* Reads every file even if one cannot be opened, so that all problems are reported together. */
static int read_all(struct files *files, const struct arguments *arguments, struct progress *progress)
{
    const struct mapping_progress report = {on_progress, progress};
    int status = STATUS_DONE;
    for (size_t i = 0; i < arguments->word_count; ++i) {
        struct error error = {0};
        const char *path = arguments->words[i], *slash = strrchr(path, '/');
        char phase[256];
        snprintf(phase, sizeof(phase), "reading %s",
                 strcmp(path, "-") == 0 ? "standard input"
                 : slash != NULL        ? slash + 1
                                        : path);
        progress_phase(progress, phase);
        bool fine = mapping_read(files->mapping, path, files->faults, &report, &error);
        progress_phase(progress, "sorting");
        if (!fine) {
            progress_erase(progress);
            const int told = complain_unread(files, path, &error);
            if (status != STATUS_FAILED) /* which outweighs what the caller can mend */
                status = told;
        }
    }
    return status;
}

void files_print_count(const struct faults *faults, const char *coda)
{
    char errors[NUMBER_SIZE], warnings[NUMBER_SIZE];
    size_t error_count = faults_errors(faults), warning_count = faults_warnings(faults);
    number_grouped(error_count, errors);
    number_grouped(warning_count, warnings);
    if (error_count + warning_count == 0)
        return;
    if (error_count == 0)
        log_info("%s warning%s", warnings, plural(warning_count));
    else if (warning_count == 0)
        log_info("%s error%s%s", errors, plural(error_count), coda);
    else
        log_info("%s error%s, %s warning%s%s", errors, plural(error_count), warnings, plural(warning_count), coda);
}

/* -- what the routes make of the rows -- */

/* The current rows: those of one source in one file, with the first row of each oddity. */
struct watch {
    struct audit audit;
    struct faults *faults;
    char source[SOURCE_SIZE_MAX];
    size_t source_size;
    unsigned file;
    struct {
        uint64_t count;
        unsigned line, column, length;
        char identifier[IDENTIFIER_SIZE_MAX];
        size_t identifier_size;
    } found[ODDITIES];
};

/* Reports the current rows: each oddity once, at its first row. */
static void tell(struct watch *watch)
{
    char text[ODDITY_TEXT_SIZE], count[NUMBER_SIZE], more[NUMBER_SIZE + 32];
    for (unsigned i = ODDITY_NONE + 1; i < ODDITIES; ++i) {
        if (watch->found[i].count == 0)
            continue;
        oddity_text((enum oddity)i, text_slice(watch->source, watch->source_size),
                    text_slice(watch->found[i].identifier, watch->found[i].identifier_size), text);
        snprintf(more, sizeof(more), " (and %s more like it)", number_grouped(watch->found[i].count - 1, count));
        faults_add(watch->faults, FAULT_WARNING, watch->file, watch->found[i].line, watch->found[i].column,
                   watch->found[i].length, "%s%s", text,
                   watch->found[i].count > 1 && i != ODDITY_UNREACHED ? more : "");
        watch->found[i].count = 0;
    }
}

static void on_row(void *context, const struct mapping_row *row)
{
    struct watch *watch = context;
    enum oddity oddity = audit_row(&watch->audit, row->source, row->identifier, row->row);
    if (oddity == ODDITY_NONE)
        return;
    if (watch->file != row->file || !text_equal(row->source, text_slice(watch->source, watch->source_size))) {
        tell(watch);
        watch->file = row->file;
        watch->source_size = row->source.size;
        memcpy(watch->source, row->source.at, row->source.size);
    }
    if (watch->found[oddity].count++ > 0)
        return;
    watch->found[oddity].line = row->line;
    watch->found[oddity].column = row->column;
    watch->found[oddity].length = row->length;
    watch->found[oddity].identifier_size = row->identifier.size;
    memcpy(watch->found[oddity].identifier, row->identifier.at, row->identifier.size);
}

/* -- reading -- */

int files_read(struct files *files, const struct context *context, const struct arguments *arguments,
               struct progress *progress, const char *coda)
{
    *files = (struct files){0};
    if (arguments->merge && arguments->all_sources) {
        log_error("--merge removes nothing and --all-sources what no file names: give one of them");
        return STATUS_USAGE;
    }
    files->faults = faults_new();
    files->mapping = mapping_new(&context->config->rules);
    files->watch = memory_zeroed(1, sizeof(*files->watch));
    files->watch->audit.config = context->config;
    files->watch->audit.owners = owners_new();
    files->watch->faults = files->faults;
    mapping_watch(files->mapping, on_row, files->watch);

    struct error error = {0};
    files->unread = memory_zeroed(arguments->word_count + 1, sizeof(*files->unread));
    int status = read_all(files, arguments, progress);
    bool fine = status != STATUS_DONE || mapping_finish(files->mapping, files->faults, &error);
    progress_erase(progress);
    if (!fine)
        status = complain_unread(files, NULL, &error);

    tell(files->watch);
    faults_log(files->faults);
    files_print_count(files->faults, coda);
    if (status == STATUS_DONE && faults_errors(files->faults) > 0)
        status = STATUS_USAGE;
    return status;
}

void files_close(struct files *files)
{
    mapping_free(files->mapping);
    faults_free(files->faults);
    if (files->watch != NULL)
        owners_free(files->watch->audit.owners);
    free(files->watch);
    free(files->unread);
}

void files_print_sources(const struct files *files, FILE *out)
{
    const struct text *sources;
    size_t count = mapping_sources(files->mapping, &sources);
    fprintf(out, "source%s ", plural(count));
    for (size_t i = 0; i < count && i < SOURCES_SHOWN; ++i)
        fprintf(out, "%s%.*s", i > 0 ? ", " : "", TEXT_ARGS(sources[i]));
    if (count > SOURCES_SHOWN)
        fprintf(out, " and %zu more", count - SOURCES_SHOWN);
}

bool files_claim_sources(struct files *files, struct snapshot *snapshot, const struct arguments *arguments,
                         struct error *error)
{
    char name[SOURCE_SIZE_MAX + 1] = "";
    enum lookup_result result = LOOKUP_ABSENT;
    if (!arguments->all_sources || snapshot == NULL)
        return true;
    while ((result = rows_next_source(snapshot, text_of(name), name, error)) == LOOKUP_FOUND)
        mapping_add_source(files->mapping, text_of(name));
    return result == LOOKUP_ABSENT;
}

static bool compare_with_nothing(struct rowset *rows,
                                 bool (*on_difference)(void *context, const struct difference *difference,
                                                       struct error *error),
                                 void *context, struct error *error)
{
    if (!rowset_rewind(rows, error))
        return false;
    struct rowset_row row;
    enum lookup_result result;
    while ((result = rowset_next(rows, &row, error)) == LOOKUP_FOUND) {
        struct difference difference = {.kind = DIFFERENCE_ADDED, .key = row.row.key, .after = row.row.record};
        if (!on_difference(context, &difference, error))
            return false;
    }
    return result == LOOKUP_ABSENT;
}

bool files_compare(const struct files *files, struct snapshot *snapshot, const struct arguments *arguments,
                   bool (*on_difference)(void *context, const struct difference *difference, struct error *error),
                   void *context, struct error *error)
{
    if (snapshot == NULL)
        return compare_with_nothing(mapping_rows(files->mapping), on_difference, context, error);
    const enum mapping_mode mode = arguments->merge ? MAPPING_MERGE : MAPPING_REPLACE;
    return mapping_compare(files->mapping, snapshot, mode, on_difference, context, error);
}
