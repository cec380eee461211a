/* What the files of the benchmark share. */
#pragma once
#include "sys.h"

/* A benchmark does its operation n times, between begin() and end(); what it needs
 * to set up for that stays outside. */
struct bench {
	const char *name;
	void (*run)(long n);
	long n;
	int batches; /* of which the quickest counts; 1: once is all there is, no run to warm up */
	int in_turns; /* its batches are done in turns with those of the row before */
};

/* A busy host makes some batches slow, and none quick; its moods last longer than a batch. So
 * rows that are compared with each other are done in turns, and oftener. */
#define ROW(name, n) {#name, name, n, 6, 0}
#define COLD_ROW(name, n) {#name, name, n, 1, 0}
#define FIRST_OF_TURNS(name, n) {#name, name, n, 24, 0}
#define IN_TURNS(name, n) {#name, name, n, 24, 1}
#define NO_ROW {0, 0, 0, 0, 0}

extern const struct bench vm_benches[], task_benches[], swap_benches[]; /* each ends in a name of 0 */

extern const char *self; /* path of this program */
extern long area_mib;    /* what the swap rows use; more than the machine has RAM */

void begin(void);
void end(void);
void took(long long ns);    /* instead of both: somebody else has measured */
void operations(long n);    /* there were n of them, not as many as asked for */
long long now(void);        /* ns */

/* Anything that goes wrong ends the program: a time without its work is worthless. */
#define MUST(cond) ((cond) ? (void)0 : failed(#cond, __FILE__, __LINE__))
void failed(const char *what, const char *file, int line) __attribute__((noreturn));
void quit(int status) __attribute__((noreturn));

char *map(size_t pages);              /* private, anonymous, writable */
char *map_shared(size_t pages);       /* the same, shared with children */
void unmap(char *p, size_t pages);
void touch(char *p, size_t pages);    /* writes to each page */
int fork(void);
void reap(int pid);                   /* waits for it, and wants status 0 */

void print(const char *s);
void print_number(long long n);
long vmstat(const char *name);        /* a counter of /proc/vmstat */

/* Under Linux the program is also init: linux_start mounts what the benchmarks need,
 * loads the disk's driver, and swaps on; linux_stop turns the machine off. Elsewhere they do nothing. */
void linux_start(void);
void linux_stop(void);
