/* torture: shared by the one who drives the workers, and what a worker does */
#ifndef TORTURE_H
#define TORTURE_H

#include "../c/sums.h"

#include <stdint.h>
#include <sys/types.h>

#define PAGE 4096UL

/* rnd is a random number below n; rnd_seed starts the sequence. */
void rnd_seed(uint64_t seed);
unsigned rnd(unsigned n);

/* wrong reports a mistake, with errno, and returns -1. */
int wrong(const char *what, unsigned i);

/* run_worker does random calls, and knows what every page of its must hold. Returns
 * only if something is wrong. place tells workers that run at the same time apart. */
int run_worker(uint64_t seed, unsigned pages, unsigned place);

/* The parts of a worker, each with pages of its own that it knows. _start makes ready,
 * _step does something at random, _look is for a forked child: it checks and
 * changes nothing (window_child what is private). Each returns 0, or -1 if something is wrong. */
int window_start(unsigned pages);
int window_step(void);
int window_child(pid_t parent);

int disk_start(unsigned place);
int disk_step(void);
int disk_look(void);

int shm_start(unsigned place);
int shm_step(void);
int shm_look(void);

int grow_step(void);

/* thread_start starts a thread, which ends the worker if it finds a mistake. */
int thread_start(uint64_t seed);

/* tally counts what all workers have done, but those that began again by exec. */
enum part { WINDOW, DISK, SHM, GROW, CHILD, EXEC, PARTS };
extern unsigned long *tally;

/* serial is a value that no page held before. */
extern uint64_t serial;

/* What a tracer looks at while a worker is stopped. With busy 0 the window's pages hold
 * what model says. It writes the mailbox, whose words are each other's complements. */
struct page {
	unsigned char mapped, writable, readable, shared;
	uint64_t value;
};
extern struct page *volatile model;
extern char *volatile window;
extern volatile unsigned count, busy;
extern volatile uint64_t mailbox[2];
uint64_t *word(unsigned i);

/* trace attaches to a worker, looks, steps, writes and lets go: 0, -1 wrong. If it
 * ended meanwhile *status says how, else that is -1. */
int trace(pid_t pid, int *status);

/* The swap areas: found and emptied, one taken away and given back at random (-1 wrong,
 * 1 refused for want of memory), all of them. */
int swap_start(void);
int swap_off_and_on(void);
int swap_renew(void);

/* shm_cleanup removes what killed workers left. */
void shm_cleanup(void);

#endif
