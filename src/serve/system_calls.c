/* A call that is not listed fails with ENOSYS. Libraries take that for an older kernel and use another call, and one
 * forgotten call costs one answer. Killing the process would cost all of them. */
#include "system_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/net.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static const int allowed[] = {
    /* files; Landlock decides which */
    SCMP_SYS(open),
    SCMP_SYS(openat),
    SCMP_SYS(close),
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(pread64),
    SCMP_SYS(preadv),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(pwrite64),
    SCMP_SYS(pwritev),
    SCMP_SYS(lseek),
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(statx),
    SCMP_SYS(statfs),
    SCMP_SYS(fstatfs),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(getcwd),
    SCMP_SYS(getdents64),
    SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),
    SCMP_SYS(ftruncate),
    SCMP_SYS(fallocate),
    SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),
    SCMP_SYS(flock),
    SCMP_SYS(dup),
    SCMP_SYS(fadvise64),
    SCMP_SYS(inotify_init1),
    SCMP_SYS(inotify_add_watch),
    SCMP_SYS(inotify_rm_watch),
    /* memory, but none of it executable: see allow() */
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(msync),
    /* threads; starting more is in allow() */
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(futex),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(get_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigreturn), /* returning from a handler without SA_SIGINFO, on s390x */
    SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall),
    /* time */
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    /* incoming connections and waiting for them; none can be made: see allow() */
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(recv),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(send), /* takes no address */
    SCMP_SYS(shutdown),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt),
    SCMP_SYS(epoll_create),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(pipe),
    SCMP_SYS(pipe2),
    SCMP_SYS(eventfd2),
    /* about the machine and the process */
    SCMP_SYS(getrandom),
    SCMP_SYS(uname),
    SCMP_SYS(sysinfo),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(getrusage),
    SCMP_SYS(getrlimit),
#ifdef SSOFERRY_SANITIZED
    /* LeakSanitizer examines the process from a separate one. */
    SCMP_SYS(clone),
    SCMP_SYS(getdents),
    SCMP_SYS(getppid),
    SCMP_SYS(mincore),
    SCMP_SYS(mmap),
    SCMP_SYS(mprotect),
    SCMP_SYS(prctl),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(ptrace),
    SCMP_SYS(tgkill),
    SCMP_SYS(wait4),
#endif
#ifdef SSOFERRY_COVERAGE_DIRECTORY
    SCMP_SYS(mkdir),
    SCMP_SYS(umask),
#endif
};

/* With others, a file of our own would send a signal of one's choice to any process of the same user: F_SETOWN,
 * F_SETSIG, and a write to it. */
static const int file_commands[] = {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD,  F_SETFD,     F_GETFL,     F_SETFL,
                                    F_GETLK, F_SETLK,         F_SETLKW, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW};

#ifdef __s390__
/* On s390x, clone() takes the new thread's stack before the flags, and mmap() takes its arguments from memory, where a
 * filter cannot look. So executable memory cannot be ruled out there. */
#define CLONE_FLAGS(...) SCMP_A1(__VA_ARGS__)
#define MMAP_PROTECTION  SCMP_A0(SCMP_CMP_GE, 0)
#else
#define CLONE_FLAGS(...) SCMP_A0(__VA_ARGS__)
#define MMAP_PROTECTION  SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)
#endif

struct conditional {
    int call;
    struct scmp_arg_cmp condition;
};

static int allow_calls(scmp_filter_ctx filter, const int *calls, size_t count)
{
    int failed = 0;
    for (size_t i = 0; i < count && failed == 0; ++i)
        failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
    return failed;
}

static int allow_conditionally(scmp_filter_ctx filter, const struct conditional *rules, size_t count)
{
    int failed = 0;
    for (size_t i = 0; i < count && failed == 0; ++i)
        failed = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, rules[i].call, 1, &rules[i].condition);
    return failed;
}

static int allow_file_commands(scmp_filter_ctx filter)
{
    int failed = 0;
    for (size_t i = 0; i < sizeof(file_commands) / sizeof(file_commands[0]) && failed == 0; ++i) {
        const struct conditional rule = {SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)file_commands[i])};
        failed = allow_conditionally(filter, &rule, 1);
    }
    return failed;
}

static int allow(scmp_filter_ctx filter)
{
    const struct conditional rules[] = {
        {SCMP_SYS(mmap), MMAP_PROTECTION},
        {SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},
        /* clone3 hides its flags from filters; if it fails, glibc falls back to this. */
        {SCMP_SYS(clone), CLONE_FLAGS(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD)},
        {SCMP_SYS(prctl), SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME)},             /* naming the calling thread */
        {SCMP_SYS(tgkill), SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid())}, /* for abort() */
        /* sd_notify(3) sends to systemd's address from an unconnected socket. */
        {SCMP_SYS(socket), SCMP_A0(SCMP_CMP_EQ, AF_UNIX)},
        /* With TCP Fast Open, sending connects, even from a listening socket once it has been shut down. */
        {SCMP_SYS(sendto), SCMP_A3(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, 0)},
        {SCMP_SYS(sendmsg), SCMP_A2(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, 0)},
        /* If libc has one call for all socket operations (s390x), their arguments lie in memory, so the conditions on
         * them above cannot be enforced. libseccomp would compare whatever is in the registers. */
        {SCMP_SYS(socketcall), SCMP_A0(SCMP_CMP_EQ, SYS_SENDTO)},
        {SCMP_SYS(socketcall), SCMP_A0(SCMP_CMP_EQ, SYS_SENDMSG)},
        {SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, FIONBIO)},
        {SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, FIONREAD)},
        {SCMP_SYS(prlimit64), SCMP_A2(SCMP_CMP_EQ, 0)}, /* reading only */
    };
    int failed = allow_calls(filter, allowed, sizeof(allowed) / sizeof(allowed[0]));
    if (failed == 0)
        failed = allow_file_commands(filter);
    return failed == 0 ? allow_conditionally(filter, rules, sizeof(rules) / sizeof(rules[0])) : failed;
}

/* Allows the child that examines the usage file, and waiting for it. */
static int allow_looking(scmp_filter_ctx filter)
{
    static const int calls[] = {SCMP_SYS(wait4),       SCMP_SYS(dup2),  SCMP_SYS(dup3),
                                SCMP_SYS(close_range), SCMP_SYS(alarm), SCMP_SYS(setitimer)};
    const struct conditional rules[] = {
        /* glibc's fork(): shares nothing with the child, and gives it no new namespace. */
        {SCMP_SYS(clone), CLONE_FLAGS(SCMP_CMP_EQ, CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD)},
        {SCMP_SYS(prctl), SCMP_A0(SCMP_CMP_EQ, PR_SET_DUMPABLE)},
        {SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, F_SETOWN)}, /* by SIGIO, which ends it with its pipe */
    };
    int failed = allow_calls(filter, calls, sizeof(calls) / sizeof(calls[0]));
    return failed == 0 ? allow_conditionally(filter, rules, sizeof(rules) / sizeof(rules[0])) : failed;
}

bool system_calls_restrict(bool looks)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    if (filter == NULL) {
        errno = ENOMEM;
        return false;
    }
    int failed = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (failed == 0)
        failed = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));
    if (failed == 0)
        failed = allow(filter);
    if (failed == 0 && looks)
        failed = allow_looking(filter);
    /* The kernel remembers which calls pass whatever their arguments. For others the filter runs each time, and every
     * answer is one of these two: it comes to them first. */
    (void)seccomp_syscall_priority(filter, SCMP_SYS(sendto), UINT8_MAX);
    (void)seccomp_syscall_priority(filter, SCMP_SYS(sendmsg), UINT8_MAX);
    (void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1); /* older kernels do not support it */
    if (failed == 0)
        failed = seccomp_load(filter);
    seccomp_release(filter);
    errno = -failed;
    return failed == 0;
}
