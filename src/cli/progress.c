#include "progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ssoferry/clock.h"

enum { WAIT_MS = 500, REDRAW_MS = 100, BAR_WIDTH_MAX = 40, LINE_SIZE = 512 };

void progress_start(struct progress *progress)
{
    const char *term = getenv("TERM");
    *progress = (struct progress){
        .wanted = isatty(STDERR_FILENO) && term != NULL && strcmp(term, "dumb") != 0,
        .started_ms = clock_monotonic_ms(),
        .phase = "",
    };
}

void progress_phase(struct progress *progress, const char *phase)
{
    progress->phase = phase;
}

void progress_count(struct progress *progress, const char *phase, uint64_t total)
{
    progress->phase = phase;
    progress->done = 0;
    progress->total = total;
}

static bool goes_to_a_file(int fd)
{
    struct stat facts;
    return fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode);
}

void progress_count_printed(struct progress *progress, uint64_t total)
{
    progress_erase(progress);
    progress->wanted = progress->wanted && goes_to_a_file(STDOUT_FILENO);
    progress_count(progress, "printing rows", total);
}

static size_t terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return 80;
    return size.ws_col;
}

/* Draws "reading customers.yaml  [#########...........]  45 %", never wider than the terminal: a wrapped bar could not
 * be erased. */
static void draw(struct progress *progress, uint64_t done, uint64_t total)
{
    unsigned percent = total == 0 || done >= total ? 100 : (unsigned)((double)done * 100 / (double)total);
    size_t room = terminal_width();
    size_t fixed = sizeof("  []  100 %");
    size_t name = strlen(progress->phase);
    if (name > room / 2)
        name = room / 2;
    size_t bar = room > fixed + name ? room - fixed - name : 0;
    if (bar > BAR_WIDTH_MAX)
        bar = BAR_WIDTH_MAX;

    char line[LINE_SIZE];
    int size = snprintf(line, sizeof(line), "\r\033[K%.*s", (int)(name < LINE_SIZE / 2 ? name : LINE_SIZE / 2),
                        progress->phase);
    for (char *at = line + strlen("\r\033[K"); *at != '\0'; ++at) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = '?'; /* a file name may contain anything */
    }
    if (bar > 0) {
        char fill[BAR_WIDTH_MAX + 1];
        size_t full = bar * percent / 100;
        memset(fill, '#', full);
        memset(fill + full, '.', bar - full);
        fill[bar] = '\0';
        size += snprintf(line + size, sizeof(line) - (size_t)size, "  [%s]  %3u %%", fill, percent);
    }
    fwrite(line, 1, (size_t)size, stderr);
    fflush(stderr);
    progress->drawn = true;
}

void progress_update_now(struct progress *progress, uint64_t done, uint64_t total)
{
    if (!progress->wanted)
        return;
    uint64_t now = clock_monotonic_ms();
    if (now - progress->started_ms < WAIT_MS)
        return;
    progress->drawn_ms = now;
    draw(progress, done, total);
}

void progress_update(struct progress *progress, uint64_t done, uint64_t total)
{
    if (progress->wanted && clock_monotonic_ms() - progress->drawn_ms >= REDRAW_MS)
        progress_update_now(progress, done, total);
}

void progress_erase(struct progress *progress)
{
    if (!progress->drawn)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    progress->drawn = false;
}
