/* One worker: all parts by turns, a thread beside them, children, and itself again by exec. */
#define _GNU_SOURCE
#include "torture.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t state;
uint64_t serial;
static unsigned long uncounted[PARTS];
unsigned long *tally = uncounted;

void rnd_seed(uint64_t seed)
{
	state = seed * 0x9e3779b97f4a7c15UL + 1;
}

unsigned rnd(unsigned n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)((state >> 16) % n);
}

int wrong(const char *what, unsigned i)
{
	fprintf(stderr, "torture: %s, %u: %s\n", what, i, strerror(errno));
	return -1;
}

/* down goes down the stack, and finds on the way back what it left there */
static int down(unsigned depth)
{
	volatile uint64_t frame[700];
	uint64_t value = ++serial;

	for (unsigned i = 0; i < 700; i += 90)
		frame[i] = value + i;
	if (depth && down(depth - 1))
		return -1;
	for (unsigned i = 0; i < 700; i += 90)
		if (frame[i] != value + i)
			return wrong("stack", depth);
	return 0;
}

static int heap(void)
{
	unsigned n = rnd(40) + 1;
	uint64_t *p = sbrk((intptr_t)(n * PAGE));

	if (p == (void *)-1)
		return errno == ENOMEM ? 0 : wrong("brk", n);
	for (unsigned i = 0; i < n; i++)
		p[i * 512 + i] = i + n;
	for (unsigned i = 0; i < n; i++)
		if (p[i * 512 + i] != i + n)
			return wrong("heap", i);
	return sbrk(-(intptr_t)(n * PAGE)) == (void *)-1 ? wrong("brk down", n) : 0;
}

int grow_step(void)
{
	return rnd(2) ? heap() : down(rnd(100));
}

/* a child sees the parent's memory, changes its own, and leaves in one of several ways */
static int child(void)
{
	int status;
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		return errno == ENOMEM || errno == EAGAIN ? 0 : wrong("fork", 0);
	if (pid == 0) {
		int bad = window_child(parent) || disk_look() || shm_look() || grow_step();
		if (!bad && rnd(4) == 0)
			kill(getpid(), 9);
		_exit(bad != 0);
	}
	if (waitpid(pid, &status, 0) != pid)
		return wrong("waitpid", 0);
	return WIFEXITED(status) && WEXITSTATUS(status) ? wrong("the child found a mistake", 0) : 0;
}

/* begin_again is exec of the same program, which is a worker from the start. */
static int begin_again(unsigned pages, unsigned place)
{
	char args[3][24];

	snprintf(args[0], sizeof args[0], "%u", rnd(1u << 31));
	snprintf(args[1], sizeof args[1], "%u", pages);
	snprintf(args[2], sizeof args[2], "%u", place);
	busy = 1;
	execl("/proc/self/exe", "torture", "-worker", args[0], args[1], args[2], (char *)NULL);
	busy = 0;
	return errno == ENOMEM ? 0 : wrong("exec", place);
}

static enum part choose(void)
{
	switch (rnd(64)) {
	case 0:
		return CHILD;
	case 1: case 2:
		return GROW;
	case 3:
		return rnd(10) ? GROW : EXEC;
	}
	switch (rnd(5)) {
	case 0:
		return DISK;
	case 1:
		return SHM;
	}
	return WINDOW;
}

static int step(unsigned pages, unsigned place)
{
	enum part p = choose();

	__atomic_add_fetch(&tally[p], 1, __ATOMIC_RELAXED);
	switch (p) {
	case DISK:
		return disk_step();
	case SHM:
		return shm_step();
	case GROW:
		return grow_step();
	case CHILD:
		return child();
	case EXEC:
		return begin_again(pages, place);
	default:
		return window_step();
	}
}

int run_worker(uint64_t seed, unsigned pages, unsigned place)
{
	rnd_seed(seed);
	if (thread_start(seed) || window_start(pages) || disk_start(place) || shm_start(place))
		return 1;
	while (step(pages, place) == 0)
		;
	return 1;
}
