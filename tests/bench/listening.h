/* A listening socket for the floors. */
#ifndef SSOFERRY_BENCH_LISTENING_H
#define SSOFERRY_BENCH_LISTENING_H

/* Listens on the loopback port named by the program's only argument. Ends the program on failure. */
int listening_open(int argc, char **argv);

#endif
