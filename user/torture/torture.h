/* torture: shared by the worker and the one who drives the workers */
#ifndef TORTURE_H
#define TORTURE_H

#include <stdint.h>

#define PAGE 4096UL

/* worker does random calls on a window of memory, and knows what every page must hold. Returns only if something is wrong. */
int worker(uint64_t seed, unsigned pages);

/* rnd is a random number below n; rnd_seed starts the sequence. */
void rnd_seed(uint64_t seed);
unsigned rnd(unsigned n);

#endif
