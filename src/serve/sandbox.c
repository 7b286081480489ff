#include "sandbox.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <unistd.h>

#include "landlock.h"
#include "privileges.h"
#include "system_calls.h"
#include "ssoferry/log.h"
#include "ssoferry/memory.h"

/* Allows the whole directory, because replacing a file creates a new one in it. */
static bool allow_directory_of(int rules, const char *path, enum landlock_use use)
{
    char *directory = memory_string(text_directory(path));
    bool allowed = landlock_allow(rules, directory, use);
    free(directory);
    return allowed;
}

/* For a file that is read again: allows its directory, and that of the file it links to. */
static bool allow_rereading(int rules, const char *path)
{
    char *real = realpath(path, NULL);
    bool allowed = allow_directory_of(rules, path, LANDLOCK_READ) &&
                   (real == NULL || allow_directory_of(rules, real, LANDLOCK_READ));
    free(real);
    return allowed;
}

/* The daemon removes its unix socket's file when it ends. */
static bool allow_removing(int rules, const struct address *address)
{
    return address == NULL || address->family != ADDRESS_UNIX ||
           allow_directory_of(rules, address->path, LANDLOCK_REMOVE);
}

/* Allows what sanitizers and coverage open when the program ends. */
static bool allow_instruments(int rules)
{
    bool allowed = true;
#ifdef SSOFERRY_SANITIZED
    static const char *const read[] = {"/proc", "/usr", "/lib", "/lib64"};
    for (size_t i = 0; i < sizeof(read) / sizeof(read[0]); ++i)
        allowed = allowed && landlock_allow(rules, read[i], LANDLOCK_READ);
    allowed = allowed && allow_rereading(rules, "/proc/self/exe");
#endif
#ifdef SSOFERRY_COVERAGE_DIRECTORY
    allowed = allowed && landlock_allow(rules, SSOFERRY_COVERAGE_DIRECTORY, LANDLOCK_WRITE);
#endif
    (void)rules;
    return allowed;
}

static bool allow_listener(int rules, const struct listener *listener)
{
    bool allowed = allow_removing(rules, &listener->address);
    for (size_t i = 0; i < listener->certificate_count; ++i)
        allowed = allowed && allow_rereading(rules, listener->certificates[i].certificate.path) &&
                  allow_rereading(rules, listener->certificates[i].key.path);
    return allowed;
}

static bool allow_files(int rules, const struct config *config, const char *config_path)
{
    bool allowed =
        allow_rereading(rules, config_path) && allow_removing(rules, config->admin) && allow_instruments(rules);
    for (size_t i = 0; i < config->listen_count; ++i)
        allowed = allowed && allow_listener(rules, &config->listen[i]);
    /* The table is already open, and is read through its descriptor; another that is put in its place is looked at. The
     * usage file may be created and reopened beside it, after a child has read it with output to /dev/null. */
    return allowed && allow_directory_of(rules, config->store, config->usage ? LANDLOCK_WRITE : LANDLOCK_READ) &&
           (!config->usage || landlock_allow(rules, "/dev/null", LANDLOCK_DEVICE));
}

static void restrict_files(const struct config *config, const char *config_path)
{
    int rules = landlock_begin();
    if (rules < 0 && (errno == ENOSYS || errno == EOPNOTSUPP))
        log_info("sandbox: this kernel has no Landlock; files are guarded by their permissions alone");
    else if (rules < 0 || !allow_files(rules, config, config_path) || !landlock_enter(rules))
        log_warning("sandbox: Landlock is refused (%s); files are guarded by their permissions alone", strerror(errno));
    if (rules >= 0)
        close(rules);
}

void sandbox_close_files(const struct config *config, const char *config_path)
{
    struct error error;
    if (!config->sandbox)
        return;
    /* Make libcrypto read its own configuration now; otherwise it would do so at first use. */
    OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
    if (!privileges_shed_capabilities(&error))
        log_warning("sandbox: %s", error.message);
    if (geteuid() == 0)
        log_info("sandbox: the daemon stays root; set the key `user` to an account for it to become instead");
    restrict_files(config, config_path);
}

void sandbox_close_calls(const struct config *config, bool usage_awaited)
{
    if (config->sandbox && !system_calls_restrict(usage_awaited))
        log_warning("sandbox: seccomp is refused (%s); every system call stays open", strerror(errno));
}
