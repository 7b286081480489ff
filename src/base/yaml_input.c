#include "yaml_input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ssoferry/memory.h"
#include "ssoferry/temporary.h"

/* -- opening -- */

/* Copies what cannot seek (standard input, a pipe) to a temporary file, because faults quote its lines later. */
static bool spool(int fd, const char *path, FILE **copied, struct error *error)
{
    char buffer[65536];
    ssize_t got = 0;
    FILE *copy = NULL;
    if (!temporary_open(&copy, error))
        return false;
    while ((got = read(fd, buffer, sizeof buffer)) > 0 || (got < 0 && errno == EINTR)) {
        if (got > 0 && fwrite(buffer, 1, (size_t)got, copy) != (size_t)got)
            break;
    }
    if (got < 0)
        error_set_errno(error, ERROR_FAILED, errno, "%s: cannot be read", path);
    else if (got > 0 || fflush(copy) != 0)
        temporary_fail(errno, error);
    else
        *copied = copy;
    if (*copied == NULL)
        fclose(copy);
    else
        rewind(copy);
    return *copied != NULL;
}

static const char stdin_name[] = "<stdin>";

/* A directory, too, by what standard_files_hold() puts in its place. */
static bool is_closed(int fd)
{
    return (fcntl(fd, F_GETFL) & O_PATH) != 0;
}

/* Whether the name is wrong or the machine is in trouble: a daemon that lacked descriptors to open its configuration is
 * worth restarting (RestartPreventExitStatus=2 in the unit). */
static enum error_kind kind_of(int errnum)
{
    static const int wrong[] = {ENOENT, ENOTDIR, EACCES, EPERM, ELOOP, ENAMETOOLONG};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (wrong[i] == errnum)
            return ERROR_INPUT;
    }
    return ERROR_FAILED;
}

/* Duplicates the copy's descriptor for ourselves; on failure closes the copy, too. */
static int share_copy(FILE **copy, struct error *error)
{
    int fd = fcntl(fileno(*copy), F_DUPFD_CLOEXEC, 0);
    if (fd >= 0)
        return fd;
    temporary_fail(errno, error);
    fclose(*copy);
    *copy = NULL;
    return -1;
}

/* Opens `path` as something that can seek. *copy is the temporary file, if one was needed; it owns the descriptor. */
static int open_seekable(const char *path, FILE **copy, uint64_t *size, struct error *error)
{
    struct stat st;
    bool standard_input = path == stdin_name;
    int fd = standard_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        error_set_errno(error, kind_of(errno), errno, "%s: cannot be read", path);
    } else if (S_ISDIR(st.st_mode)) {
        error_set(error, ERROR_INPUT, "%s: it is %s: name a file", path, is_closed(fd) ? "closed" : "a directory");
    } else if (S_ISREG(st.st_mode) && !standard_input) {
        *size = (uint64_t)st.st_size;
        return fd;
    } else if (spool(fd, path, copy, error) && fstat(fileno(*copy), &st) == 0) {
        *size = (uint64_t)st.st_size;
    }
    if (fd >= 0 && !standard_input)
        close(fd);
    return *copy != NULL ? share_copy(copy, error) : -1;
}

bool yaml_input_open(struct yaml_input *input, const char *path, FILE **copy, struct error *error)
{
    uint64_t size = 0;
    if (strcmp(path, "-") == 0)
        path = stdin_name;
    int fd = open_seekable(path, copy, &size, error);
    if (fd < 0)
        return false;
    *input =
        (struct yaml_input){.path = memory_string(text_of(path)), .fd = fd, .total = size, .digest = EVP_MD_CTX_new()};
    if (input->digest != NULL && EVP_DigestInit_ex(input->digest, EVP_sha256(), NULL) == 1)
        return true;
    error_set(error, ERROR_FAILED, "%s: cannot be read: out of memory", input->path);
    yaml_input_close(input);
    if (*copy != NULL)
        fclose(*copy);
    return false;
}

void yaml_input_close(struct yaml_input *input)
{
    if (input->path == NULL)
        return;
    EVP_MD_CTX_free(input->digest);
    close(input->fd);
    free(input->path);
}

/* -- reading -- */

static bool is_break(unsigned char byte)
{
    return byte == '\n' || byte == '\r';
}

static void count_percent_lines(struct yaml_input *input, const unsigned char *bytes, size_t size)
{
    const unsigned char *end = bytes + size;
    for (const unsigned char *at = bytes; (at = memchr(at, '%', (size_t)(end - at))) != NULL; ++at)
        input->percent_lines += at > bytes ? is_break(at[-1]) : !input->within_line;
    if (size > 0)
        input->within_line = !is_break(end[-1]);
}

static unsigned char byte_before(const struct yaml_input *input, const unsigned char *bytes, ptrdiff_t at)
{
    return at >= 0 ? bytes[at] : input->tail[2 + at];
}

/* To libyaml, which reads YAML 1.1, these end a line; to YAML 1.2 and to most editors they do not. So what looks like a
 * comment might be a row or a key. */
static void look_for_hidden_break(struct yaml_input *input, const unsigned char *bytes, size_t size)
{
    static const struct {
        unsigned character;
        unsigned char utf8[3];
        ptrdiff_t size;
    } breaks[] = {{0x85, {0xc2, 0x85}, 2}, {0x2028, {0xe2, 0x80, 0xa8}, 3}, {0x2029, {0xe2, 0x80, 0xa9}, 3}};
    const unsigned char *end = bytes + size;
    for (size_t i = 0; i < sizeof breaks / sizeof breaks[0]; i++) {
        const unsigned char *at = bytes;
        for (; (at = memchr(at, breaks[i].utf8[breaks[i].size - 1], (size_t)(end - at))) != NULL; ++at) {
            ptrdiff_t first = at - bytes - breaks[i].size + 1;
            bool found = true;
            for (ptrdiff_t j = 0; j < breaks[i].size; j++)
                found = found && byte_before(input, bytes, first + j) == breaks[i].utf8[j];
            const uint64_t offset = input->read + (uint64_t)first;
            if (found && (input->hidden_break == 0 || offset < input->hidden_at)) {
                input->hidden_break = breaks[i].character;
                input->hidden_at = offset;
            }
        }
    }
    for (size_t i = size > 2 ? size - 2 : 0; i < size; i++) {
        input->tail[0] = input->tail[1];
        input->tail[1] = bytes[i];
    }
}

ssize_t yaml_input_read(struct yaml_input *input, unsigned char *buffer, size_t size)
{
    ssize_t got;
    do
        got = read(input->fd, buffer, size);
    while (got < 0 && errno == EINTR);
    if (got < 0) {
        input->read_error = errno;
        return -1;
    }
    look_for_hidden_break(input, buffer, (size_t)got);
    input->read += (uint64_t)got;
    count_percent_lines(input, buffer, (size_t)got);
    EVP_DigestUpdate(input->digest, buffer, (size_t)got);
    return got;
}

bool yaml_input_was_read(const struct yaml_input *input, struct error *error)
{
    return input->read_error == 0 ||
           error_set_errno(error, ERROR_FAILED, input->read_error, "%s: cannot be read", input->path);
}

bool yaml_input_sha256(struct yaml_input *input, char *hex, struct error *error)
{
    unsigned char buffer[16384], digest[32];
    while (input->read_error == 0 && yaml_input_read(input, buffer, sizeof buffer) > 0) /* left unread by a fault */
        ;
    if (!yaml_input_was_read(input, error))
        return false;
    EVP_MD_CTX *copy = EVP_MD_CTX_new();
    bool good =
        copy != NULL && EVP_MD_CTX_copy_ex(copy, input->digest) == 1 && EVP_DigestFinal_ex(copy, digest, NULL) == 1;
    EVP_MD_CTX_free(copy);
    if (!good)
        return error_set(error, ERROR_FAILED, "%s: its digest cannot be computed", input->path);
    for (unsigned i = 0; i < sizeof digest; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    return true;
}

/* -- reading again -- */

void yaml_input_place(const struct yaml_input *input, uint64_t offset, unsigned *line, unsigned *column)
{
    unsigned char bytes[3] = {0}; /* the last three bytes */
    unsigned char buffer[4096];
    *line = *column = 1;
    for (uint64_t at = 0; at < offset;) {
        uint64_t wanted = offset - at < sizeof buffer ? offset - at : sizeof buffer;
        ssize_t got = pread(input->fd, buffer, wanted, (off_t)at);
        if (got <= 0)
            return;
        for (ssize_t i = 0; i < got; i++, at++) {
            bytes[0] = bytes[1], bytes[1] = bytes[2], bytes[2] = buffer[i];
            bool after_cr = bytes[1] == '\r' && bytes[2] == '\n';
            bool breaks = is_break(bytes[2]);
            *line += breaks && !after_cr;
            *column = breaks ? 1 : *column + ((bytes[2] & 0xc0) != 0x80);
            if (at == 2 && bytes[0] == 0xef && bytes[1] == 0xbb && bytes[2] == 0xbf)
                *column = 1; /* a byte order mark does not count as a character of the line */
        }
    }
}

uint64_t yaml_input_sequence(const struct yaml_input *input, uint64_t offset)
{
    unsigned char bytes[3];
    uint64_t before = offset < 3 ? offset : 3;
    if (pread(input->fd, bytes, before, (off_t)(offset - before)) != (ssize_t)before)
        return offset;
    uint64_t back = 1;
    while (back < before && (bytes[before - back] & 0xc0) == 0x80)
        back++;
    return offset - back;
}

bool yaml_input_is_utf16(const struct yaml_input *input)
{
    unsigned char start[2];
    return pread(input->fd, start, 2, 0) == 2 &&
           ((start[0] == 0xff && start[1] == 0xfe) || (start[0] == 0xfe && start[1] == 0xff));
}

const char *yaml_input_other_format(const struct yaml_input *input)
{
#define ARCHIVE "this is a spreadsheet or an archive, not text: save it as CSV and convert that (docs/mapping-file.md)"
#define STORE   "this is a store, not text: `ssoferry --store FILE export` prints its rows as text"
    static const struct {
        size_t at, size;
        char bytes[8];
        const char *message;
    } signatures[] = {
        {0, 4, "PK\3\4", ARCHIVE},                           /* ZIP, as .xlsx and .ods are */
        {0, 8, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ARCHIVE}, /* .xls */
        {0, 2, "\x1f\x8b", "this is packed by gzip: unpack it, as by `gunzip`"},
        {16, 4, "\xde\xc0\xef\xbe", STORE}, /* LMDB's, behind the head of its first page, in either byte order */
        {16, 4, "\xbe\xef\xc0\xde", STORE},
    };
#undef STORE
#undef ARCHIVE
    char start[24];
    const ssize_t got = pread(input->fd, start, sizeof start, 0);
    for (size_t i = 0; got > 0 && i < sizeof signatures / sizeof signatures[0]; i++) {
        if (signatures[i].at + signatures[i].size <= (size_t)got &&
            memcmp(start + signatures[i].at, signatures[i].bytes, signatures[i].size) == 0)
            return signatures[i].message;
    }
    return NULL;
}
