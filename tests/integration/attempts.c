/* For LD_PRELOAD into a daemon: what somebody would try who runs code in it. On SIGWINCH the thread that gets the
 * signal makes every attempt and appends a line for each, "THREAD NAME ERRNO", to the file $ATTEMPTS_REPORT; errno 0 is
 * a success. Calls that would do harm where they are allowed get arguments that fail in another way then. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static int report = -1;
static const char *outside; /* a file that the daemon has nothing to do with */
static const char *config;
static const char *store;

static long open_path(const char *path, int flags)
{
    long fd = syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0600);
    if (fd >= 0)
        close((int)fd);
    return fd;
}

static long read_elsewhere(void)
{
    return open_path("/etc/passwd", O_RDONLY);
}

static long write_elsewhere(void)
{
    return open_path(outside, O_WRONLY);
}

static long write_configuration(void)
{
    return open_path(config, O_WRONLY);
}

static long write_own_memory(void)
{
    return open_path("/proc/self/mem", O_RDWR);
}

static long remove_elsewhere(void)
{
    return unlink(outside) == 0 ? open_path(outside, O_WRONLY | O_CREAT) : -1;
}

/* Which it may write to. */
static long remove_the_table(void)
{
    return unlink(store);
}

static long execute(void)
{
    char *none[] = {NULL};
    return syscall(SYS_execve, "/nonexistent", none, none);
}

static long try_clone(long flags)
{
    pid_t here = 0; /* the fourth argument or the fifth */
#ifdef __s390__
    long child = syscall(SYS_clone, NULL, flags, NULL, &here, &here);
#else
    long child = syscall(SYS_clone, flags, NULL, NULL, &here, &here);
#endif
    if (child == 0)
        syscall(SYS_exit_group, 0);
    if (child > 0)
        waitpid((pid_t)child, NULL, 0);
    return child;
}

static long make_process(void)
{
    return try_clone(SIGCHLD);
}

static long try_socket(int family, int type)
{
    long fd = syscall(SYS_socket, family, type | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        close((int)fd);
    return fd;
}

static long fork_itself(void)
{
    return try_clone(CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD);
}

static long internet_socket(void)
{
    return try_socket(AF_INET, SOCK_STREAM);
}

static long netlink_socket(void)
{
    return try_socket(AF_NETLINK, SOCK_RAW);
}

static long connect_out(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    return syscall(SYS_connect, -1, &to, sizeof(to));
}

/* A listening socket that is shut down is one that sendto() can connect. */
static long connect_by_sending(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    return syscall(SYS_sendto, -1, "x", 1, MSG_FASTOPEN, &to, sizeof(to));
}

static long connect_by_message(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    const struct msghdr message = {.msg_name = &to, .msg_namelen = sizeof(to)};
    return syscall(SYS_sendmsg, -1, &message, MSG_FASTOPEN);
}

static long listen_elsewhere(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    return syscall(SYS_bind, -1, &at, sizeof(at));
}

static long trace(void)
{
    return syscall(SYS_ptrace, PTRACE_DETACH, 0, NULL, NULL);
}

static long signal_others(void)
{
    return syscall(SYS_kill, getppid(), 0);
}

/* As often as it is written to, a file sends a signal of one's choice to whoever is its owner. */
static long signal_by_a_file(void)
{
    return syscall(SYS_fcntl, report, F_SETSIG, 0);
}

static long give_a_file_an_owner(void)
{
    return syscall(SYS_fcntl, report, F_SETOWN, getpid());
}

static long run_data(void)
{
    void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? -1 : munmap(at, 4096);
}

static long make_executable(void)
{
    void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    long made = at == MAP_FAILED ? -1 : mprotect(at, 4096, PROT_READ | PROT_EXEC);
    int problem = errno;
    if (at != MAP_FAILED)
        munmap(at, 4096);
    errno = problem;
    return made;
}

static long signal_a_thread(void)
{
    return syscall(SYS_tgkill, getppid(), getppid(), 0);
}

static long read_another(void)
{
    char from = 'x', to = 0;
    const struct iovec local = {&to, 1}, remote = {&from, 1};
    return syscall(SYS_process_vm_readv, getpid(), &local, 1, &remote, 1, 0);
}

static long change_itself(void)
{
    return prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
}

static long change_limits(void)
{
    return syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, (void *)-1, NULL);
}

static long change_mode(void)
{
    return syscall(SYS_fchmodat, AT_FDCWD, "/nonexistent", 0600);
}

static long become_root(void)
{
    return syscall(SYS_setresuid, 0, 0, 0);
}

static long mount_something(void)
{
    return syscall(SYS_mount, "none", "/nonexistent", "tmpfs", 0, NULL);
}

/* With nothing that the daemon has: a thread with descriptors of its own would not hear the others any more. */
static long new_namespace(void)
{
    return syscall(SYS_unshare, CLONE_SYSVSEM);
}

static const struct {
    const char *name;
    long (*make)(void);
} attempts[] = {
    {"read_elsewhere", read_elsewhere},
    {"write_elsewhere", write_elsewhere},
    {"remove_elsewhere", remove_elsewhere},
    {"remove_the_table", remove_the_table},
    {"write_configuration", write_configuration},
    {"write_own_memory", write_own_memory},
    {"execute", execute},
    {"make_process", make_process},
    {"fork_itself", fork_itself},
    {"internet_socket", internet_socket},
    {"netlink_socket", netlink_socket},
    {"connect_out", connect_out},
    {"connect_by_sending", connect_by_sending},
    {"connect_by_message", connect_by_message},
    {"listen_elsewhere", listen_elsewhere},
    {"trace", trace},
    {"signal_others", signal_others},
    {"signal_a_thread", signal_a_thread},
    {"signal_by_a_file", signal_by_a_file},
    {"give_a_file_an_owner", give_a_file_an_owner},
    {"read_another", read_another},
    {"run_data", run_data},
    {"make_executable", make_executable},
    {"change_itself", change_itself},
    {"change_limits", change_limits},
    {"change_mode", change_mode},
    {"become_root", become_root},
    {"mount_something", mount_something},
    {"new_namespace", new_namespace},
};

static void on_signal(int number)
{
    int before = errno;
    (void)number;
    for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); ++i) {
        char line[64];
        int problem = attempts[i].make() < 0 ? errno : 0;
        int size = snprintf(line, sizeof(line), "%ld %s %d\n", syscall(SYS_gettid), attempts[i].name, problem);
        ssize_t ignored = write(report, line, (size_t)size);
        (void)ignored;
    }
    errno = before;
}

__attribute__((constructor)) static void prepare(void)
{
    const struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    const char *path = getenv("ATTEMPTS_REPORT");
    if (path == NULL)
        return;
    report = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    outside = getenv("ATTEMPTS_OUTSIDE");
    config = getenv("ATTEMPTS_CONFIG");
    store = getenv("ATTEMPTS_STORE");
    sigaction(SIGWINCH, &action, NULL);
}
