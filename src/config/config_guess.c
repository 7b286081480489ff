/* Guesses what an unknown name was meant to be. */
#include "config_keys.h"
#include "ssoferry/distance.h"
#include "ssoferry/presets.h"

struct guess {
    struct text wanted; /* its last word */
    unsigned limit;
    struct text meant; /* empty: nothing is near */
};

static struct guess guess_start(struct text wanted)
{
    return (struct guess){.wanted = wanted, .limit = text_typing_mistakes(wanted.size)};
}

/* Offers `name` as a guess; `word` is what is compared. */
static void guess_offer(struct guess *guess, struct text word, struct text name)
{
    unsigned edits = 0;
    if (!text_is_near(guess->wanted, word, guess->limit, &edits) || (guess->meant.size > 0 && edits == guess->limit))
        return;
    guess->meant = name;
    guess->limit = edits;
}

/* The size of "limits." in "limits.body"; 0 if there is no dot. */
static size_t size_of_section(struct text name)
{
    size_t dot = text_find(name, '.', 0);
    return dot < name.size ? dot + 1 : 0;
}

struct text guess_key(enum key_scope scope, struct text name)
{
    const size_t section = size_of_section(name);
    struct guess guess = guess_start(text_from(name, section));
    for (size_t i = 0; i < config_key_count; ++i) {
        struct text known = config_key_last(&config_keys[i]);
        size_t its_section = size_of_section(known);
        if (config_keys[i].scope != scope)
            continue;
        if (section == 0 && its_section > 0) /* the section itself is a possible name, too */
            guess_offer(&guess, text_slice(known.at, its_section - 1), text_slice(known.at, its_section - 1));
        else if (text_equal(text_slice(name.at, section), text_slice(known.at, its_section)))
            guess_offer(&guess, text_from(known, its_section), known);
    }
    for (size_t i = 0; i < config_list_count; ++i) {
        struct text list = text_of(config_lists[i].name);
        if (config_lists[i].parent == scope && section == 0)
            guess_offer(&guess, list, list);
    }
    return guess.meant;
}

struct text guess_preset(struct text name)
{
    size_t count = 0;
    const struct preset *all = presets(&count);
    struct guess guess = guess_start(name);
    for (size_t i = 0; i < count; ++i)
        guess_offer(&guess, text_of(all[i].name), text_of(all[i].name));
    return guess.meant;
}
