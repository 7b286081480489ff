/* Input: a mapping file. If it is accepted, its rows are put into a table, exported, and read again: they must be the
 * same. The change is never committed. */
#include "ssoferry/mapping_file.h"
#include "file.h"

struct reading {
    struct allowed_hosts *hosts;
    struct connection_rules rules;
    struct faults *faults;
    struct mapping *mapping;
};

/* Whether the file is valid. */
static bool read_mapping(struct reading *reading, struct text bytes)
{
    char path[64];
    const char *why;
    struct error error = {ERROR_NONE, ""};
    int fd = memory_file(bytes, path);
    reading->hosts = allowed_hosts_new();
    allowed_hosts_add_stytch(reading->hosts);
    MUST(allowed_hosts_add(reading->hosts, TEXT("legacy.example.net"), &why));
    reading->rules = (struct connection_rules){.stytch = reading->hosts, .legacy = reading->hosts};
    reading->faults = faults_new();
    reading->mapping = mapping_new(&reading->rules);
    MUST(mapping_read(reading->mapping, path, reading->faults, NULL, &error));
    MUST(mapping_finish(reading->mapping, reading->faults, &error));
    show_faults(reading->faults);
    close(fd);
    return faults_errors(reading->faults) == 0;
}

static void release(struct reading *reading)
{
    mapping_free(reading->mapping);
    faults_free(reading->faults);
    allowed_hosts_free(reading->hosts);
}

static bool put_row(void *context, const struct difference *difference, struct error *error)
{
    MUST(difference->kind == DIFFERENCE_ADDED);
    return change_put(context, difference->key, difference->after, error);
}

/* Every row obeys the rules, and stays the same when decoded and encoded. */
static void check_row(const struct reading *reading, const struct table_row *row)
{
    struct error error;
    struct text source, identifier;
    struct connection_buffer buffer;
    struct connection_problem problem;
    char record[CONNECTION_RECORD_SIZE_MAX];
    MUST(connection_key_split(row->key, &source, &identifier));
    MUST(source_problem(source) == NULL && identifier_problem(identifier) == NULL);
    MUST(connection_decode(row->record, &buffer, &error));
    MUST(connection_check(&buffer.row, &reading->rules, &problem));
    MUST(text_equal(text_slice(record, connection_encode(&buffer.row, record)), row->record));
}

static void check_same(const struct reading *first, const struct reading *second)
{
    struct error error;
    struct rowset_row a, b;
    enum lookup_result result;
    MUST(rowset_count(mapping_rows(first->mapping)) == rowset_count(mapping_rows(second->mapping)));
    MUST(rowset_rewind(mapping_rows(first->mapping), &error) && rowset_rewind(mapping_rows(second->mapping), &error));
    while ((result = rowset_next(mapping_rows(first->mapping), &a, &error)) == LOOKUP_FOUND) {
        MUST(rowset_next(mapping_rows(second->mapping), &b, &error) == LOOKUP_FOUND);
        MUST(text_equal(a.row.key, b.row.key) && text_equal(a.row.record, b.row.record));
        check_row(first, &a.row);
    }
    MUST(result == LOOKUP_ABSENT);
}

static void check_export(struct reading *first)
{
    static struct table *table;
    char *exported = NULL;
    size_t size = 0;
    uint64_t rows = 0;
    struct error error;
    struct change *change = NULL;
    struct reading second;
    table = table != NULL ? table : nameless_table();
    FILE *out = open_memstream(&exported, &size);
    MUST(out != NULL && change_begin(&change, table, &error));
    MUST(mapping_compare(first->mapping, change_snapshot(change), MAPPING_REPLACE, put_row, change, &error));
    MUST(mapping_export(change_snapshot(change), TEXT(""), out, NULL, &rows, &error));
    change_abort(change);
    fclose(out);
    MUST(rows == rowset_count(mapping_rows(first->mapping)));
    MUST(read_mapping(&second, text_slice(exported, size)));
    check_same(first, &second);
    release(&second);
    free(exported);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reading reading;
    if (read_mapping(&reading, text_slice((const char *)data, size)))
        check_export(&reading);
    release(&reading);
    return 0;
}
