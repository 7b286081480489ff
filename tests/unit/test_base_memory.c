/* Memory in pages of its own. */
#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ssoferry/memory.h"

enum { HUGE_PAGE_SIZE = 2 * 1024 * 1024 };

/* Whether a page is mapped, by whomever. */
static bool is_mapped(char *page)
{
    unsigned char there;
    if (mincore(page, 1, &there) == 0)
        return true;
    assert_int_equal(errno, ENOMEM);
    return false;
}

static void pages_are_zeroed_and_given_back_whole(void **state)
{
    static const size_t sizes[] = {1, 4096, HUGE_PAGE_SIZE - 1, HUGE_PAGE_SIZE, 2 * HUGE_PAGE_SIZE + 1};
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); ++i) {
        char *pages = memory_pages(sizes[i]);
        assert_non_null(pages);
        memory_pages_widen(pages, sizes[i]);
        for (size_t at = 0; at < sizes[i]; at += page) {
            assert_int_equal(pages[at], 0);
            pages[at] = 1;
        }
        memory_pages_free(pages, sizes[i]);
        for (size_t at = 0; at < sizes[i]; at += page)
            assert_false(is_mapped(pages + at));
    }
    memory_pages_free(NULL, 0);
}

/* How many pages this process has mapped. */
static long mapped_pages(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld", &pages), 1);
    fclose(file);
    return pages;
}

static void nothing_stays_mapped(void **state)
{
    (void)state;
    memory_pages_free(memory_large(3 * HUGE_PAGE_SIZE / 2), 3 * HUGE_PAGE_SIZE / 2);
    const long before = mapped_pages();
    for (int i = 0; i < 100; ++i)
        memory_pages_free(memory_large(3 * HUGE_PAGE_SIZE / 2), 3 * HUGE_PAGE_SIZE / 2);
    assert_true(mapped_pages() - before < 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_are_zeroed_and_given_back_whole),
        cmocka_unit_test(nothing_stays_mapped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
