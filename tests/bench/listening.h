/* A listening socket for the floors. */
#ifndef SSOFERRY_BENCH_LISTENING_H
#define SSOFERRY_BENCH_LISTENING_H

/* Listens on the loopback port that the program's one argument names. Ends the program where it cannot. */
int listening_open(int argc, char **argv);

#endif
