/* Lookups of many threads, as the daemon makes them, while another process changes the table and makes its map larger.
 */
#include "table_fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

enum { THREADS = 4, GENERATIONS = 6, ROWS_MORE = 6000 };

/* Each generation gives row-000001 its own number and adds rows, so that the file outgrows the readers' map again and
 * again. */
static void write_generations(const char *path, int go)
{
    char byte = 0;
    struct table *table = open_table(path, TABLE_WRITE, 256 << 20);
    if (read(go, &byte, 1) != 1)
        _exit(1);
    for (unsigned generation = 2; generation <= GENERATIONS; generation++)
        load_rows(table, 1, generation * ROWS_MORE, generation * 0x1000000);
    table_close(table);
    _exit(0);
}

struct worker {
    pthread_t thread;
    struct table *table;
    const atomic_bool *written; /* all generations; however long that takes, one more lookup finds the last */
    const char *problem;        /* NULL: none */
    char message[ERROR_MESSAGE_SIZE];
};

/* The generation that a row's connection id tells. */
static unsigned generation_of(const struct connection_buffer *buffer)
{
    char digits[9] = "";
    memcpy(digits, buffer->row.connection_id.at + buffer->row.connection_id.size - 8, 8);
    return (unsigned)strtoul(digits, NULL, 16) / 0x1000000;
}

static void *look_up(void *context)
{
    struct worker *worker = context;
    struct lookup *lookup = NULL;
    struct connection_buffer buffer;
    struct error error = {0};
    unsigned seen = 0;
    bool last = false;
    worker->problem = "the last generation never came";
    if (!lookup_open(&lookup, worker->table, &error)) {
        worker->problem = "a lookup cannot be opened";
        return NULL;
    }
    for (unsigned i = 0; !last && seen < GENERATIONS; i++) {
        last = atomic_load(worker->written);
        enum lookup_result result = lookup_find(lookup, TEXT("default"), TEXT("row-000001"), &buffer, &error);
        unsigned now = result == LOOKUP_FOUND ? generation_of(&buffer) : 0;
        if (result != LOOKUP_FOUND || now < seen) {
            worker->problem = result == LOOKUP_FOUND ? "a generation came twice" : "a lookup failed";
            memcpy(worker->message, error.message, sizeof error.message);
            break;
        }
        seen = now;
        if (i % 64 == 0)
            usleep(100); /* so that the writer gets on, on a machine with few processors */
    }
    if (seen == GENERATIONS)
        worker->problem = NULL;
    lookup_close(lookup);
    return NULL;
}

static void lookups_while_the_map_grows(void **state)
{
    const char *path = scratch_path(*state, "t.mdb");
    struct worker workers[THREADS];
    atomic_bool written = false;
    int go[2], status = 0;
    struct table *table = open_table(path, TABLE_WRITE, 256 << 20);
    load_rows(table, 1, ROWS_MORE, 0x1000000);
    table_close(table);
    assert_int_equal(pipe(go), 0);
    pid_t child = fork(); /* before there are threads */
    assert_true(child >= 0);
    if (child == 0)
        write_generations(path, go[0]);
    table = open_table(path, TABLE_SERVE, 1); /* as small a map as the file allows */
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.table = table, .written = &written};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, look_up, &workers[i]), 0);
    }
    assert_int_equal(write(go[1], "g", 1), 1);
    pid_t ended = waitpid(child, &status, 0);
    atomic_store(&written, true);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(workers[i].thread, NULL);
    assert_int_equal(ended, child);
    assert_int_equal(status, 0);
    for (unsigned i = 0; i < THREADS; i++) {
        if (workers[i].problem != NULL)
            fail_msg("%s: %s", workers[i].problem, workers[i].message);
    }
    table_close(table);
    close(go[0]), close(go[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(lookups_while_the_map_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
