#define _GNU_SOURCE
#include "torture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t state;

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

/* page is what a page of the window should be. */
struct page {
	unsigned char mapped, writable, readable, shared;
	uint64_t value;
};

static struct page *model;
static char *window;
static unsigned count;
static uint64_t serial;

static int wrong(const char *what, unsigned i)
{
	fprintf(stderr, "torture: %s, page %u: %s\n", what, i, strerror(errno));
	return -1;
}

static uint64_t *word(unsigned i)
{
	return (uint64_t *)(window + i * PAGE + PAGE / 2);
}

static int check(unsigned i)
{
	if (model[i].readable && *word(i) != model[i].value) {
		fprintf(stderr, "torture: page %u holds %#lx, should hold %#lx\n", i, *word(i), model[i].value);
		return -1;
	}
	return 0;
}

static int touch(unsigned i)
{
	if (rnd(2) && check(i)) /* else a write comes first, which finds a swapped page another way */
		return -1;
	if (model[i].writable)
		*word(i) = model[i].value = ++serial;
	return 0;
}

static int do_mmap(unsigned from, unsigned n)
{
	static const int prots[] = {PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ, PROT_NONE};
	int prot = prots[rnd(4)], share = n < 8 && rnd(3) == 0;
	void *at = window + from * PAGE;

	if (mmap(at, n * PAGE, prot, (share ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) != at)
		return wrong("mmap", from);
	for (unsigned i = from; i < from + n; i++)
		model[i] = (struct page){1, prot & PROT_WRITE ? 1 : 0, prot != PROT_NONE, (unsigned char)share, 0};
	return 0;
}

static int do_munmap(unsigned from, unsigned n)
{
	if (munmap(window + from * PAGE, n * PAGE))
		return wrong("munmap", from);
	memset(model + from, 0, n * sizeof *model);
	return 0;
}

static int do_mprotect(unsigned from, unsigned n)
{
	static const int prots[] = {PROT_READ | PROT_WRITE, PROT_READ, PROT_NONE};
	int prot = prots[rnd(3)], hole = 0;
	int r = mprotect(window + from * PAGE, n * PAGE, prot);

	for (unsigned i = from; i < from + n && !hole; i++) {
		hole = !model[i].mapped;
		if (!hole) {
			model[i].writable = prot & PROT_WRITE ? 1 : 0;
			model[i].readable = prot != PROT_NONE;
		}
	}
	return (r == 0) == !hole ? 0 : wrong("mprotect", from);
}

static int do_mremap(unsigned from, unsigned to)
{
	if (from == to || !model[from].mapped)
		return 0;
	if (mremap(window + from * PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, window + to * PAGE) == MAP_FAILED)
		return wrong("mremap", from);
	model[to] = model[from];
	memset(model + from, 0, sizeof *model);
	return check(to);
}

static int do_mlock(unsigned from, unsigned n)
{
	if (n > 16)
		n = 16;
	if (mlock(window + from * PAGE, n * PAGE) && errno != ENOMEM && errno != EAGAIN && errno != EPERM)
		return wrong("mlock", from);
	munlock(window, count * PAGE); /* says ENOMEM for the holes; what it can it unlocks up to the first */
	return munlockall() ? wrong("munlockall", from) : 0;
}

static int do_dontneed(unsigned from, unsigned n)
{
	if (madvise(window + from * PAGE, n * PAGE, MADV_DONTNEED) && errno != ENOMEM)
		return wrong("madvise", from);
	for (unsigned i = from; i < from + n; i++)
		if (!model[i].shared)
			model[i].value = 0;
	return 0;
}

static int do_brk(void)
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

/* a child sees the parent's memory, changes its own, and leaves in one of several ways */
static int do_fork(void)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return errno == ENOMEM || errno == EAGAIN ? 0 : wrong("fork", 0);
	if (pid == 0) {
		int bad = 0;
		for (unsigned i = 0; i < count && !bad; i += 1 + rnd(4))
			bad = model[i].shared ? check(i) : touch(i);
		if (!bad && rnd(4) == 0)
			kill(getpid(), 9);
		_exit(bad != 0);
	}
	if (waitpid(pid, &status, 0) != pid)
		return wrong("waitpid", 0);
	return WIFEXITED(status) && WEXITSTATUS(status) ? wrong("the child found a mistake", 0) : 0;
}

static int step(void)
{
	unsigned from = rnd(count), n = 1 + rnd(count - from < 64 ? count - from : 64);

	switch (rnd(32)) {
	case 0: case 1: case 2: case 3: case 4:
		return do_mmap(from, n);
	case 5: case 6:
		return do_munmap(from, n);
	case 7: case 8: case 9:
		return do_mprotect(from, n);
	case 10: case 11:
		return do_mremap(from, rnd(count));
	case 12:
		return do_mlock(from, n);
	case 13:
		return do_dontneed(from, n);
	case 14:
		return rnd(4) ? do_brk() : do_fork();
	}
	for (unsigned i = from; i < from + n; i++)
		if (touch(i))
			return -1;
	return 0;
}

int worker(uint64_t seed, unsigned pages)
{
	count = pages;
	rnd_seed(seed);
	window = mmap(NULL, pages * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	model = calloc(pages, sizeof *model);
	if (window == MAP_FAILED || !model || munmap(window, pages * PAGE))
		return wrong("start", 0);
	do
		if (do_mmap(0, pages))
			return 1;
	while (!model[0].writable);
	for (unsigned i = 0; i < pages; i++)
		if (touch(i))
			return 1;
	while (step() == 0)
		;
	return 1;
}
