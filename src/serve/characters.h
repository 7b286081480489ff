/* Where each byte may appear in a request's head. For this folder only. */
#ifndef SSOFERRY_SERVE_CHARACTERS_H
#define SSOFERRY_SERVE_CHARACTERS_H

#include <stdbool.h>

/* TOKEN: tchar, RFC 9110 5.6.2: letters, digits and !#$%&'*+-.^_`|~
 * HOST: uri-host [ ":" port ] (RFC 9110 7.2), loosely: visible ASCII except "#/<>?@\^`{|}, which could be mistaken for
 * another part of a URL or for a second host. */
enum { CHARACTER_IN_TOKEN = 1, CHARACTER_IN_HOST = 2 };

/* Indexed by byte: the CHARACTER_IN_ flags that apply to it. */
extern const unsigned char character_places[256];

static inline bool character_in_token(char c)
{
    return (character_places[(unsigned char)c] & CHARACTER_IN_TOKEN) != 0;
}

#endif
