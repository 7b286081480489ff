/* The gateway daemon's main program: options, configuration, exit status. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "globals.h"
#include "life.h"
#include "privileges.h"
#include "server.h"
#include "ssoferry/log.h"
#include "ssoferry/memory.h"
#include "ssoferry/standard_files.h"
#include "tls.h"

#define DEFAULT_CONFIG "/etc/ssoferry/ssoferryd.yaml"

static const char usage[] =
    "usage: ssoferryd [-c FILE] [--check | --list-keys]\n"
    "\n"
    "Redirects sign-ins at old SSO addresses to the Stytch connections that have replaced them.\n"
    "\n"
    "  -c, --config FILE  the configuration (default: " DEFAULT_CONFIG ")\n"
    "      --check        check the configuration without serving, and exit\n"
    "      --list-keys    print every configuration key with its type, default and meaning, and whether a change\n"
    "                     takes a reload or a restart, and exit\n"
    "  -h, --help         print this help and exit\n"
    "  -V, --version      print the version and exit\n"
    "\n"
    "SIGTERM lets running requests finish, then ends the daemon; a second SIGTERM ends it at once.\n"
    "SIGHUP reads the configuration again. See ssoferryd(8) and ssoferryd.yaml(5).\n";

enum { OPTION_CHECK = 256, OPTION_KEYS };

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},      {"check", no_argument, NULL, OPTION_CHECK},
    {"list-keys", no_argument, NULL, OPTION_KEYS}, {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},           {NULL, 0, NULL, 0},
};

/* Only warns: a configuration may be checked on another machine, and only serving needs the user. */
static void check_user(const char *user)
{
    struct error error = {ERROR_NONE, ""};
    if (!privileges_check(user, &error))
        log_warning("%s", error.message);
}

/* The exit status after printing what was asked for. */
static int finish_printing(void)
{
    return standard_files_finish() ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int read_and_run(const char *path, bool check)
{
    struct error error = {ERROR_NONE, ""};
    struct config *config = NULL;
    struct faults *faults = faults_new();
    struct config_watch watch = {0};
    if (!check)
        life_keep_harmless_signals();
    config_watch_begin(&watch, path);
    bool done = config_read(&config, path, faults, &error) && globals_check(&error) &&
                (!check || tls_check(config, path, faults, &error));
    faults_log(faults);
    faults_free(faults);
    if (done && check) {
        check_user(config->user);
        printf("%s: good\n", path);
    }
    if (done && !check)
        done = server_run(path, &watch, &config, &error);
    config_free(config);
    if (done)
        return check ? finish_printing() : EXIT_SUCCESS;
    bool unnamed = strcmp(path, DEFAULT_CONFIG) == 0 && access(path, F_OK) != 0;
    log_error("%s%s", error.message, unnamed ? "; name your configuration with -c FILE" : "");
    return error_exit_status(&error);
}

int main(int argc, char **argv)
{
    const char *path = DEFAULT_CONFIG;
    bool check = false;
    int option = 0;
    static char name[] = "ssoferryd"; /* getopt's messages begin with it, as ours do */
    if (argc > 0)
        argv[0] = name;
    standard_files_hold();
    json_set_alloc_funcs(memory_allocate, free); /* else, out of memory, a good RelayState seems bad */
    while ((option = getopt_long(argc, argv, "c:hV", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            path = optarg;
            break;
        case OPTION_CHECK:
            check = true;
            break;
        case OPTION_KEYS:
            config_write_keys(stdout);
            return finish_printing();
        case 'h':
            fputs(usage, stdout);
            return finish_printing();
        case 'V':
            puts("ssoferryd " SSOFERRY_VERSION);
            return finish_printing();
        default:
            fputs("see ssoferryd --help\n", stderr);
            return 2;
        }
    }
    if (optind < argc) {
        fprintf(stderr,
                "ssoferryd: unexpected argument \"%s\": name the configuration with -c FILE; see ssoferryd --help\n",
                argv[optind]);
        return 2;
    }
    return read_and_run(path, check);
}
