#include "output.h"

#include <stdlib.h>
#include <unistd.h>
#include <wchar.h>

/* The columns that a piece of text_shown() takes. */
static size_t columns_of(struct text shown)
{
    wchar_t wide;
    mbstate_t state = {0};
    if ((unsigned char)shown.at[0] < 0x80)
        return shown.size;
    if (mbrtowc(&wide, shown.at, shown.size, &state) == shown.size && wcwidth(wide) >= 0)
        return (size_t)wcwidth(wide);
    return 1;
}

/* How many bytes at the start of `t` are plain ASCII. */
static size_t plain_run(struct text t)
{
    size_t size = 0;
    while (size < t.size && t.at[size] >= 0x20 && t.at[size] < 0x7f)
        ++size;
    return size;
}

/* A blank at either end is invisible too, yet makes a different identifier. */
static size_t walk_blank(FILE *out, struct text *t, bool at_end)
{
    static const char shown[] = "\\x20";
    if (t->size == 0 || t->at[at_end ? t->size - 1 : 0] != ' ')
        return 0;
    *t = text_slice(at_end ? t->at : t->at + 1, t->size - 1);
    if (out != NULL)
        fputs(shown, out);
    return sizeof(shown) - 1;
}

/* Returns how many columns a text takes; also prints it unless `out` is NULL. */
static size_t walk(FILE *out, struct text t)
{
    size_t width = walk_blank(out, &t, false);
    struct text end = t;
    (void)walk_blank(NULL, &t, true);
    while (t.size > 0) {
        char escape[TEXT_ESCAPE_SIZE];
        const size_t plain = plain_run(t);
        const struct text rest = t, shown = plain > 0 ? text_slice(t.at, plain) : text_shown(&t, escape);
        if (plain > 0)
            t = text_from(rest, plain);
        if (out != NULL)
            fwrite(shown.at, 1, shown.size, out);
        width += columns_of(shown);
    }
    return width + walk_blank(out, &end, true);
}

void output_text(FILE *out, struct text t)
{
    walk(out, t);
}

const char *number_text(uint64_t number, char *buffer)
{
    char digits[NUMBER_SIZE];
    size_t count = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    for (size_t i = 0; i < count; ++i)
        buffer[i] = digits[count - 1 - i];
    buffer[count] = '\0';
    return buffer;
}

const char *number_grouped(uint64_t number, char *buffer)
{
    char digits[NUMBER_SIZE] = "";
    size_t count = strlen(number_text(number, digits));
    char *out = buffer;
    for (size_t i = 0; i < count; ++i) {
        if (i > 0 && (count - i) % 3 == 0)
            *out++ = ',';
        *out++ = digits[i];
    }
    *out = '\0';
    return buffer;
}

const char *number_bytes(uint64_t bytes, char *buffer)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    if (bytes < 1024) {
        snprintf(buffer, NUMBER_SIZE, "%llu bytes", (unsigned long long)bytes);
        return buffer;
    }
    double value = (double)bytes / 1024;
    size_t unit = 0;
    while (value >= 1023.95 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        value /= 1024;
        ++unit;
    }
    snprintf(buffer, NUMBER_SIZE, "%.1f %s", value, units[unit]);
    return buffer;
}

const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

bool output_is_coloured(void)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    return isatty(STDOUT_FILENO) && (no_color == NULL || no_color[0] == '\0') && term != NULL &&
           strcmp(term, "dumb") != 0;
}

void grid_start(struct grid *grid, size_t columns, const char *const *headings)
{
    *grid = (struct grid){.columns = columns, .headings = headings};
    for (size_t i = 0; i < columns; ++i)
        grid->width[i] = strlen(headings[i]);
}

/* A cell that is wider than its column moves the rest of its own line. */
static size_t blanks_behind(size_t width, size_t used)
{
    return (used < width ? width - used : 0) + 2;
}

static void print_row(const struct grid *grid, const struct text *cells)
{
    size_t last = grid->columns;
    while (last > 0 && cells[last - 1].size == 0)
        --last;
    for (size_t i = 0; i < last; ++i) {
        if (grid->hidden[i])
            continue;
        const size_t used = walk(stdout, cells[i]);
        for (size_t pad = blanks_behind(grid->width[i], used); i + 1 < last && pad > 0; --pad)
            putc_unlocked(' ', stdout);
    }
    putchar('\n');
}

void grid_row(struct grid *grid, const struct text *cells)
{
    if (grid->printing) {
        print_row(grid, cells);
        return;
    }
    for (size_t i = 0; i < grid->columns; ++i) {
        const size_t width = walk(NULL, cells[i]), widens = width < GRID_WIDTH_MAX ? width : GRID_WIDTH_MAX;
        if (widens > grid->width[i])
            grid->width[i] = widens;
    }
}

void grid_measured(struct grid *grid)
{
    grid->printing = true;
    struct text cells[GRID_COLUMNS_MAX];
    for (size_t i = 0; i < grid->columns; ++i)
        cells[i] = text_of(grid->headings[i]);
    print_row(grid, cells);
}

void output_json(json_t *object)
{
    /* jansson's message for a failed write is lost here; standard_files_finish() reports the failure. */
    int ignored = json_dumpf(object, stdout, JSON_COMPACT);
    (void)ignored;
    putchar('\n');
    json_decref(object);
}
