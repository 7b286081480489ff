/* Leaks that LeakSanitizer should not report: libh2o 2.2.5 keeps a thread's recycled blocks when the thread ends, and
 * never frees a context's message queue. Both are a few kilobytes, once, at exit. Nothing calls these functions in a
 * build without the sanitizer. */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the sanitizer's own names */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_options(void);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

const char *__lsan_default_suppressions(void)
{
    return "leak:h2o_mem_alloc_recycle\n"
           "leak:h2o_multithread_create_queue\n";
}

const char *__lsan_default_options(void)
{
    return "print_suppressions=0";
}
