#ifndef MMFUZZ_H
#define MMFUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { PAGE = 4096, ARGS = 6, SLOTS = 8, RESULTS = 1 << 20, NEAR = 1 << 28, HEAP = 1 << 24 };

#define ARENA 0x1001e0000UL /* astride the border of two page tables */
#define LOW (1UL << 30) /* where MAP_32BIT goes, at random */
#define TASK_SIZE 0x7ffffffff000UL

/* shared is what a program's tasks share with the interpreter. It lies above the window, as all that is the interpreter's does
 * but its image. */
struct shared {
	volatile uint32_t go;	/* futex: how many commands the program's child may run, plus 1; 0 is wait */
	volatile int shm[SLOTS]; /* segments, to be removed afterwards */
	int fd[SLOTS];
	uint8_t vec[PAGE];
	uint8_t data[PAGE]; /* for programs to write from */
	size_t len;
	char text[RESULTS];
};

extern struct shared *shared;
extern uint64_t heap; /* where the break is at first */
extern uint64_t top;  /* the window, in which programs map what they like, ends here */

/* words.c: numbers in, words out */
uint64_t parse(const char *word);
void put(const char *s);
void put_hex(uint64_t n);
void put_result(uint64_t r);
int is_near(uint64_t addr);

/* touch.c: accesses of memory that may end in a signal */
void catch_faults(void);
void fault_text(void);
void open_keys(void);
int load(uint64_t addr, uint64_t *value);
int store(uint64_t addr, uint64_t value);
void put_pages(uint64_t addr, uint64_t n);

/* window.c */
void make_window(void);
int is_own(uint64_t addr, uint64_t length);
void put_maps(void);

/* call.c */
long raw(long nr, const uint64_t a[ARGS]);
int call(const char *name, const uint64_t a[ARGS]);
void name_file(void);

/* limits.c */
void set_limit(const uint64_t a[ARGS]);

#endif
