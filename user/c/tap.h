/* TAP for programs in ring 3: each TEST is one case and runs in a child of its
 * own, so that one that dies or hangs its state fails alone. "prog -l" lists the
 * cases, "prog NAME..." runs only those, and "-n" runs them without fork. */
#ifndef TAP_H
#define TAP_H

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct tap_case {
	const char *name;
	void (*run)(void);
};

enum { TAP_MAX = 256, TAP_SECONDS = 120 };
extern struct tap_case tap_cases[TAP_MAX];
extern int tap_count;

#define TEST(name)                                                        \
	static void name(void);                                           \
	__attribute__((constructor)) static void tap_add_##name(void)     \
	{                                                                 \
		tap_cases[tap_count++] = (struct tap_case){#name, name};  \
	}                                                                 \
	static void name(void)

/* CHECK ends the case if cond is false; the message shows errno too. */
#define CHECK(cond)                                                                   \
	do {                                                                          \
		if (!(cond)) {                                                        \
			printf("# %s:%d: %s (errno %d)\n", __FILE__, __LINE__, #cond, \
			       errno);                                                \
			fflush(stdout);                                               \
			_exit(1);                                                     \
		}                                                                     \
	} while (0)

/* EQ wants two integers equal and shows both if they are not. */
#define EQ(got, want)                                                                   \
	do {                                                                            \
		errno = 0;                                                              \
		long long tap_got = (long long)(got), tap_want = (long long)(want);     \
		if (tap_got != tap_want) {                                              \
			printf("# %s:%d: %s is %lld (errno %d), want %s = %lld\n",      \
			       __FILE__, __LINE__, #got, tap_got, errno, #want, tap_want); \
			fflush(stdout);                                                 \
			_exit(1);                                                       \
		}                                                                       \
	} while (0)

/* FAILS wants a call to return -1 (or MAP_FAILED) with the given errno. */
#define FAILS(call, want)                                                                \
	do {                                                                             \
		errno = 0;                                                               \
		long tap_got = (long)(call);                                             \
		if (tap_got != -1 || errno != (want)) {                                  \
			printf("# %s:%d: %s returned %ld (errno %d), want -1 with %s = %d\n", \
			       __FILE__, __LINE__, #call, tap_got, errno, #want, (want)); \
			fflush(stdout);                                                  \
			_exit(1);                                                        \
		}                                                                        \
	} while (0)

#define SKIP(why)                              \
	do {                                   \
		printf("# skipped: %s\n", why); \
		fflush(stdout);                \
		_exit(77);                     \
	} while (0)

/* tap_status runs f(arg) in a child and returns its wait status. */
int tap_status(void (*f)(void *), void *arg);

/* tap_fault runs f(arg) and returns the signal it raised, with what the handler
 * was told, or sig 0. Only synchronous faults of the calling thread. */
struct tap_fault {
	int sig, code;
	void *addr;
};
struct tap_fault tap_fault(void (*f)(void *), void *arg);

/* What tap_fault is mostly used for: one access to one byte. */
struct tap_fault tap_read_fault(volatile void *p);
struct tap_fault tap_write_fault(volatile void *p);
struct tap_fault tap_exec_fault(void *p);

/* tap_field is the number behind "Name:" in a file of /proc, or -1. */
long tap_field(const char *file, const char *name);

#endif
