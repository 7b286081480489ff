/* How often names came lately: what a sketch says of them, of too many of them, and of those of long ago. */
#include "check.h"
#include "ssoferry/sketch.h"

/* As a keyed hash would be: all of its bits differ from name to name (SplitMix64, G. Steele, D. Lea, C. Flood, 2014).
 */
static uint64_t hash_of(uint64_t name)
{
    name += UINT64_C(0x9e3779b97f4a7c15) * (name + 1);
    name = (name ^ (name >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    name = (name ^ (name >> 27)) * UINT64_C(0x94d049bb133111eb);
    return name ^ (name >> 31);
}

static void names_are_counted_apart(void **state)
{
    (void)state;
    struct sketch sketch = {0};
    for (uint32_t round = 1; round <= 3; ++round) {
        for (uint32_t name = 1; name <= 1000; ++name)
            assert_int_equal(sketch_add(&sketch, hash_of(name), name), round * name);
    }
    sketch_release(&sketch);
    assert_int_equal(sketch_add(&sketch, hash_of(1), 1), 1);
    sketch_release(&sketch);
}

static void a_count_stops_at_its_bound(void **state)
{
    (void)state;
    struct sketch sketch = {0};
    assert_int_equal(sketch_add(&sketch, hash_of(1), UINT16_MAX - 1), UINT16_MAX - 1);
    for (int i = 0; i < 3; ++i)
        assert_int_equal(sketch_add(&sketch, hash_of(1), 1), UINT16_MAX);
    assert_int_equal(sketch_add(&sketch, hash_of(2), UINT32_MAX), UINT16_MAX);
    sketch_release(&sketch);
}

/* What comes once each, `count` names of it; returns the most that was said of one. */
static uint32_t flood(struct sketch *sketch, uint64_t first, uint32_t count)
{
    uint32_t most = 0;
    for (uint64_t name = first; name < first + count; ++name) {
        uint32_t said = sketch_add(sketch, hash_of(name), 1);
        most = said > most ? said : most;
    }
    return most;
}

/* A period's end halves, and so forgets what came once. */
static void what_was_long_ago_counts_less(void **state)
{
    (void)state;
    struct sketch sketch = {0};
    sketch_add(&sketch, hash_of(1), 4000);
    sketch_add(&sketch, hash_of(2), 4000);
    assert_in_range(flood(&sketch, 1000, SKETCH_PERIOD - 3), 1, 4);
    assert_int_equal(sketch_add(&sketch, hash_of(1), 1), 4001); /* the period's last call */
    assert_int_equal(sketch_add(&sketch, hash_of(2), 1), 2001);
    assert_int_equal(sketch_add(&sketch, hash_of(1), 1), 2001);
    assert_in_range(flood(&sketch, 1000 + SKETCH_PERIOD, SKETCH_PERIOD - 2), 1, 4);
    assert_int_equal(sketch_add(&sketch, hash_of(2), 1), 1001);
    sketch_release(&sketch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_counted_apart),
        cmocka_unit_test(a_count_stops_at_its_bound),
        cmocka_unit_test(what_was_long_ago_counts_less),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
