/* remove: takes rows out of the table, as one revision. */
#include "edit.h"
#include "output.h"
#include "ssoferry/log.h"

/* All or none: a mistyped name must not leave a list half removed. */
static int run_remove(struct edit *edit, struct change *change, struct error *error)
{
    int status = STATUS_DONE;
    for (size_t i = 0; i < edit->arguments->word_count; ++i) {
        struct text identifier = text_of(edit->arguments->words[i]);
        struct connection_buffer buffer;
        struct error ignored;
        switch (snapshot_find(change_snapshot(change), edit->source, identifier, &buffer, &ignored)) {
        case LOOKUP_ABSENT:
        case LOOKUP_NOT_LOADED:
            status = edit_note_unknown(edit, identifier);
            break;
        case LOOKUP_FOUND:
        case LOOKUP_FAILED: /* an unreadable record can still be removed */
            break;
        }
    }
    for (size_t i = 0; status == STATUS_DONE && i < edit->arguments->word_count; ++i) {
        char key[CONNECTION_KEY_SIZE_MAX];
        size_t size = connection_key(edit->source, text_of(edit->arguments->words[i]), key);
        if (!change_remove(change, text_slice(key, size), error))
            return STATUS_FAILED;
    }
    return status;
}

static void on_refusal(const struct edit *edit)
{
    if (edit->arguments->word_count > 1)
        log_info("nothing was removed");
}

int cmd_remove(struct context *context, const struct arguments *arguments)
{
    struct error error = {0};
    struct edit edit;
    if (!edit_start(&edit, context, arguments, &error))
        return complain(&error);
    edit.run = run_remove;
    edit.on_refusal = on_refusal;
    int status = edit_run(&edit);
    if (status != STATUS_DONE)
        return status;
    char removed[NUMBER_SIZE];
    if (arguments->json)
        edit_print_json(&edit);
    else
        printf("revision %llu: %s row%s removed\n", (unsigned long long)edit.revision,
               number_grouped(edit.counts.removed, removed), plural(edit.counts.removed));
    edit_tell_namesakes(&edit, arguments->word_count);
    return STATUS_DONE;
}
