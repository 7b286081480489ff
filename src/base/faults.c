#include "ssoferry/faults.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include "ssoferry/log.h"
#include "ssoferry/memory.h"

enum {
    MESSAGE_SIZE = 1024,
    SHOWN_MAX = 120,   /* characters of a line to show */
    SHOWN_BEFORE = 60, /* of those, before the column, if the line is cut on the left */
    CHARACTER_BYTES = 4,
};

struct fault {
    enum fault_severity severity;
    unsigned file, line, column, length;
    size_t order;
    char *message;
};

struct file {
    char *path;
    FILE *text; /* NULL: open `path` */
};

struct faults {
    struct file *files;
    size_t file_count;
    struct fault kept[2 * FAULTS_MAX];
    size_t kept_count;
    size_t errors, warnings; /* including those not kept */
};

struct faults *faults_new(void)
{
    return memory_zeroed(1, sizeof(struct faults));
}

void faults_free(struct faults *faults)
{
    if (faults == NULL)
        return;
    for (size_t i = 0; i < faults->file_count; i++) {
        free(faults->files[i].path);
        if (faults->files[i].text != NULL)
            fclose(faults->files[i].text);
    }
    for (size_t i = 0; i < faults->kept_count; i++)
        free(faults->kept[i].message);
    free(faults->files);
    free(faults);
}

unsigned faults_file(struct faults *faults, const char *path, FILE *text)
{
    faults->files = memory_resize(faults->files, (faults->file_count + 1) * sizeof faults->files[0]);
    faults->files[faults->file_count] = (struct file){memory_string(text_of(path)), text};
    return (unsigned)faults->file_count++;
}

size_t faults_errors(const struct faults *faults)
{
    return faults->errors;
}

size_t faults_warnings(const struct faults *faults)
{
    return faults->warnings;
}

void faults_add(struct faults *faults, enum fault_severity severity, unsigned file, unsigned line, unsigned column,
                unsigned length, const char *format, ...)
{
    size_t *count = severity == FAULT_ERROR ? &faults->errors : &faults->warnings;
    if ((*count)++ >= FAULTS_MAX)
        return;
    char message[MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    faults->kept[faults->kept_count] = (struct fault){severity,
                                                      file,
                                                      line,
                                                      column > 0 ? column : 1,
                                                      length > 0 ? length : 1,
                                                      faults->kept_count,
                                                      memory_string(text_of(message))};
    faults->kept_count++;
}

/* -- characters -- */

struct character {
    char bytes[CHARACTER_BYTES];
    unsigned size;
    bool breaks; /* ends a line */
};

/* Decides how a character that was read is shown. */
static void settle(struct character *character)
{
    const char *at = character->bytes;
    struct text t = text_slice(at, character->size);
    character->breaks = *at == '\n' || *at == '\r';
    if (*at == '\t')
        character->bytes[0] = ' ';
    else if (!text_is_utf8(t) || text_has_control(t) || text_has_hidden(t))
        *character = (struct character){{'?'}, 1, character->breaks};
}

static unsigned sequence_length(int lead)
{
    return lead < 0xc2 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 1;
}

/* Whether bytes of the character are missing. */
static bool is_begun(const struct character *character)
{
    return character->size < sequence_length((unsigned char)character->bytes[0]);
}

static bool add_byte(struct character *character, int byte)
{
    const bool goes_on = (byte & 0xc0) == 0x80; /* EOF does not */
    if (goes_on)
        character->bytes[character->size++] = (char)byte;
    return goes_on;
}

/* Reads one character; a byte that is not part of one counts as a character. False at the end of the file. */
static bool read_character(FILE *text, struct character *character)
{
    int byte = getc(text);
    if (byte == EOF)
        return false;
    *character = (struct character){{(char)byte}, 1, false};
    while (is_begun(character) && add_byte(character, byte = getc(text))) {
    }
    if (is_begun(character) && byte != EOF)
        ungetc(byte, text);
    bool carriage_return = character->bytes[0] == '\r';
    settle(character);
    if (carriage_return && (byte = getc(text)) != '\n' && byte != EOF)
        ungetc(byte, text);
    return true;
}

/* The same for a text that is not empty, and moves past the character. */
static struct character take_character(struct text *rest)
{
    struct character character = {{*rest->at}, 1, false};
    while (is_begun(&character) && character.size < rest->size && add_byte(&character, rest->at[character.size])) {
    }
    *rest = text_from(*rest, character.size);
    settle(&character);
    return character;
}

/* -- the caret lines -- */

static void skip_byte_order_mark(FILE *text)
{
    /* NOLINTNEXTLINE(misc-redundant-expression): each call takes the next byte */
    if (getc(text) != 0xef || getc(text) != 0xbb || getc(text) != 0xbf)
        rewind(text);
}

/* Faults come in the order of their places, so each file is read only once, however many faults are far down in it. */
struct reader {
    const struct file *file; /* NULL: none yet */
    FILE *text;              /* NULL: it cannot be opened */
    unsigned line, column;   /* the place it last went to */
    off_t offset;            /* of that place, in bytes */
};

static void close_text(struct reader *reader)
{
    if (reader->text != NULL && reader->text != reader->file->text)
        fclose(reader->text);
}

/* False if the file is gone. */
static bool open_text(struct reader *reader, const struct file *file)
{
    if (reader->file == file)
        return reader->text != NULL;
    close_text(reader);
    *reader = (struct reader){file, file->text != NULL ? file->text : fopen(file->path, "re"), 1, 1, 0};
    if (reader->text == NULL)
        return false;
    rewind(reader->text);
    skip_byte_order_mark(reader->text);
    reader->offset = ftello(reader->text);
    return true;
}

/* Goes to a place that is not before the last one. False if the file has no such place. */
static bool go_to(struct reader *reader, unsigned line, unsigned column)
{
    struct character character;
    unsigned at_line = reader->line, at = reader->column;
    if (fseeko(reader->text, reader->offset, SEEK_SET) != 0)
        return false;
    while (at_line < line || at < column) {
        if (!read_character(reader->text, &character) || (character.breaks && at_line == line))
            return false;
        at = character.breaks ? 1 : at + 1;
        at_line += character.breaks;
    }
    reader->line = line;
    reader->column = column;
    reader->offset = ftello(reader->text);
    return true;
}

/* Writes the part of the line around the fault, from column `first` on, where `text` is. Returns the number of
 * characters from the fault's column on. */
static unsigned write_line(FILE *text, unsigned column, unsigned first, FILE *out)
{
    struct character character;
    unsigned behind = 0;
    fputs(first > 1 ? "    ..." : "    ", out);
    for (unsigned at = first; read_character(text, &character) && !character.breaks; at++) {
        if (at >= first + SHOWN_MAX) {
            fputs("...", out);
            break;
        }
        fwrite(character.bytes, 1, character.size, out);
        behind += at >= column;
    }
    fputc('\n', out);
    return behind;
}

static void write_place(const struct fault *fault, struct reader *reader, FILE *out)
{
    unsigned first = fault->column > SHOWN_MAX - SHOWN_BEFORE / 2 ? fault->column - SHOWN_BEFORE : 1;
    if (!go_to(reader, fault->line, first))
        return;
    unsigned behind = write_line(reader->text, fault->column, first, out);
    fprintf(out, "%*s^", (int)(fault->column - first + (first > 1 ? 7 : 4)), "");
    for (unsigned i = 1; i < fault->length && i < behind; i++)
        fputc('~', out);
    fputc('\n', out);
}

/* -- all faults -- */

static int compare_faults(const void *a, const void *b)
{
    const struct fault *first = a, *second = b;
    const unsigned keys[][2] = {
        {first->file, second->file}, {first->line, second->line}, {first->column, second->column}};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (keys[i][0] != keys[i][1])
            return keys[i][0] < keys[i][1] ? -1 : 1;
    }
    return first->order < second->order ? -1 : 1;
}

/* Writes a message or file name so that it can neither end the line nor control the terminal. */
static void write_masked(const char *string, FILE *out)
{
    struct text rest = text_of(string);
    while (rest.size > 0) {
        const struct character character = take_character(&rest);
        fwrite(character.bytes, 1, character.size, out);
    }
}

static void write_fault(const struct faults *faults, const struct fault *fault, struct reader *reader, FILE *out)
{
    const struct file *file = &faults->files[fault->file];
    write_masked(file->path, out);
    if (fault->line > 0)
        fprintf(out, ":%u:%u", fault->line, fault->column);
    fputs(fault->severity == FAULT_ERROR ? ": error: " : ": warning: ", out);
    write_masked(fault->message, out);
    fputc('\n', out);
    if (fault->line > 0 && open_text(reader, file))
        write_place(fault, reader, out);
}

/* Calls `on_rest` for each severity that has faults not kept, with their number. */
static void each_rest(const struct faults *faults, void (*on_rest)(void *context, const struct fault_seen *fault),
                      void *context)
{
    char message[64];
    for (unsigned i = 0; i < 2; i++) {
        const enum fault_severity severity = i == 0 ? FAULT_ERROR : FAULT_WARNING;
        const size_t count = severity == FAULT_ERROR ? faults->errors : faults->warnings;
        if (count <= FAULTS_MAX)
            continue;
        snprintf(message, sizeof message, "%zu more %s%s not shown", count - FAULTS_MAX,
                 severity == FAULT_ERROR ? "error" : "warning", count - FAULTS_MAX == 1 ? " is" : "s are");
        on_rest(context, &(struct fault_seen){.severity = severity, .message = message});
    }
}

static void write_rest(void *out, const struct fault_seen *fault)
{
    fprintf(out, "%s\n", fault->message);
}

static void sort(struct faults *faults)
{
    qsort(faults->kept, faults->kept_count, sizeof faults->kept[0], compare_faults);
}

void faults_each(struct faults *faults, void (*on_fault)(void *context, const struct fault_seen *fault), void *context)
{
    sort(faults);
    for (size_t i = 0; i < faults->kept_count; i++) {
        const struct fault *fault = &faults->kept[i];
        on_fault(context, &(struct fault_seen){fault->severity, faults->files[fault->file].path, fault->message,
                                               fault->line, fault->column});
    }
    each_rest(faults, on_fault, context);
}

void faults_write(struct faults *faults, FILE *out)
{
    struct reader reader = {0};
    sort(faults);
    for (size_t i = 0; i < faults->kept_count; i++)
        write_fault(faults, &faults->kept[i], &reader, out);
    close_text(&reader);
    each_rest(faults, write_rest, out);
}

void faults_log(struct faults *faults)
{
    char *lines = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&lines, &size);
    if (out == NULL)
        memory_exhausted();
    faults_write(faults, out);
    if (fclose(out) != 0)
        memory_exhausted();
    log_lines(text_slice(lines, size));
    free(lines);
}
