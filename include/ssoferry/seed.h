/* Numbers that differ from one process to the next. */
#ifndef SSOFERRY_SEED_H
#define SSOFERRY_SEED_H

#include <stdint.h>

/* Two random words from the kernel, at once: while a machine has just started and has little chance to draw on, they
 * may be less random. So they are not for secrets that have to withstand more than a flood. Only if the kernel gives
 * none at all, they are made of the clock and an address. */
void seed_draw(uint64_t words[2]);

#endif
