/* Names in commands that a message prints, so that they can be pasted into a shell. */
#ifndef SSOFERRY_SHELL_WORD_H
#define SSOFERRY_SHELL_WORD_H

#include "ssoferry/text.h"

/* A name as one word of a command, to be freed: as it is if no shell takes any of it for something else, else as 'a b',
 * which every shell reads. What cannot be seen is spelled out, $'a\x20', as bash and zsh read it in any locale. */
char *shell_word(struct text name);

#endif
