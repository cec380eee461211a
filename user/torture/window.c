/* Anonymous memory: a window of pages, private and shared, that are mapped, unmapped,
 * protected, moved, locked and given to children at random. */
#define _GNU_SOURCE
#include "torture.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

struct page *volatile model;
char *volatile window;
volatile unsigned count, busy = 1;
volatile uint64_t mailbox[2] = {0, ~0UL};

uint64_t *word(unsigned i)
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
	if (model[i].writable) {
		busy = 1;
		*word(i) = model[i].value = ++serial;
		busy = 0;
	}
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

static int fresh(unsigned from, unsigned n)
{
	do
		if (do_mmap(from, n))
			return -1;
	while (!model[from].writable);
	for (unsigned i = from; i < from + n; i++)
		*word(i) = model[i].value = ++serial;
	return 0;
}

/* a range of one mapping becomes longer or shorter, where it is or elsewhere */
static int do_resize(unsigned from, unsigned n)
{
	unsigned to = rnd(count), size = 1 + rnd(64), apart;

	n = n < 40 ? n : 40;
	if (fresh(from, n))
		return -1;
	struct page made = {1, 1, 1, model[from].shared, 0};
	if (made.shared && size > n)
		size = n; /* there is nothing behind the end of shared memory */
	if (rnd(3) == 0) { /* in place, if what follows is free */
		int room = from + size <= count;
		for (unsigned i = from + n; room && i < from + size; i++)
			room = !model[i].mapped;
		void *p = room ? mremap(window + from * PAGE, n * PAGE, size * PAGE, 0) : window + from * PAGE;
		if (p != window + from * PAGE)
			return errno == ENOMEM ? 0 : wrong("mremap in place", from);
		for (unsigned i = from + n; room && i < from + size; i++)
			model[i] = made;
		if (room && size < n)
			memset(model + from + size, 0, (n - size) * sizeof *model);
		return check(from + n - 1);
	}
	apart = to + size <= from || from + n <= to;
	if (to + size > count || !apart)
		return 0;
	if (mremap(window + from * PAGE, n * PAGE, size * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, window + to * PAGE) == MAP_FAILED)
		return wrong("mremap of a range", from);
	for (unsigned i = 0; i < size; i++)
		model[to + i] = i < n ? model[from + i] : made;
	memset(model + from, 0, n * sizeof *model);
	return check(to) || check(to + size - 1) ? -1 : 0;
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

static int do_mlockall(unsigned from, unsigned n)
{
	if (mlockall(rnd(2) ? MCL_FUTURE : MCL_CURRENT | MCL_ONFAULT))
		return errno == ENOMEM || errno == EPERM ? 0 : wrong("mlockall", from);
	if (do_mmap(from, n > 16 ? 16 : n))
		return -1;
	return munlockall() ? wrong("munlockall", from) : 0;
}

static int do_madvise(unsigned from, unsigned n)
{
	if (rnd(2)) {
		if (madvise(window + from * PAGE, n * PAGE, MADV_WILLNEED) && errno != ENOMEM)
			return wrong("madvise for need", from);
		return 0;
	}
	if (madvise(window + from * PAGE, n * PAGE, MADV_DONTNEED) && errno != ENOMEM)
		return wrong("madvise", from);
	for (unsigned i = from; i < from + n; i++)
		if (!model[i].shared)
			model[i].value = 0;
	return 0;
}

static int do_mincore(unsigned from, unsigned n)
{
	unsigned char in[64];
	int hole = 0, r = mincore(window + from * PAGE, n * PAGE, in);

	for (unsigned i = from; i < from + n; i++)
		hole |= !model[i].mapped;
	return r == 0 && !hole ? 0 : r && hole && errno == ENOMEM ? 0 : wrong("mincore", from);
}

/* in a child: whether the parent was killed, or is about to go. Who reads the memory of one
 * that the OOM killer has chosen holds that memory, and gets EFAULT when none comes free. */
static int parent_killed(pid_t parent)
{
	if (errno == ESRCH || errno == EPERM)
		return 1;
	for (int k = 0; errno == EFAULT && k < 2000; k++) {
		if (getppid() != parent)
			return 1;
		usleep(5000);
		errno = EFAULT;
	}
	return 0;
}

/* in a child: the parent, which waits, has what the child had at its birth */
static int look_at_parent(pid_t parent)
{
	for (int k = 0; k < 8; k++) {
		unsigned i = rnd(count);
		uint64_t value = 0;
		struct iovec here = {&value, sizeof value}, there = {word(i), sizeof value};
		ssize_t n = process_vm_readv(parent, &here, 1, &there, 1, 0);
		if ((n == sizeof value) != (model[i].readable != 0))
			return parent_killed(parent) ? 0 : wrong("process_vm_readv", i);
		if (model[i].readable && value != model[i].value)
			return wrong("the parent's page differs", i);
	}
	return 0;
}

int window_child(pid_t parent)
{
	if (look_at_parent(parent))
		return -1;
	for (unsigned i = 0; i < count; i += 1 + rnd(4))
		if (model[i].shared ? check(i) : touch(i))
			return -1;
	return 0;
}

/* what a tracer writes it writes whole, but at any time */
static int read_mail(void)
{
	uint64_t a, b;

	do {
		a = mailbox[0];
		b = mailbox[1];
	} while (a != mailbox[0]);
	return a == ~b ? 0 : wrong("half of a letter", 0);
}

static int change(unsigned from, unsigned n)
{
	switch (rnd(16)) {
	case 0: case 1: case 2: case 3: case 4:
		return do_mmap(from, n);
	case 5: case 6:
		return do_munmap(from, n);
	case 7: case 8: case 9:
		return do_mprotect(from, n);
	case 10: case 11:
		return do_mremap(from, rnd(count));
	case 12:
		return rnd(4) ? do_mlock(from, n) : do_mlockall(from, n);
	case 13:
		return do_madvise(from, n);
	case 14:
		return do_mincore(from, n);
	}
	return do_resize(from, n);
}

int window_step(void)
{
	unsigned from = rnd(count), n = 1 + rnd(count - from < 64 ? count - from : 64);

	if (rnd(2)) {
		busy = 1;
		int r = change(from, n);
		busy = 0;
		return r;
	}
	for (unsigned i = from; i < from + n; i++)
		if (touch(i))
			return -1;
	return read_mail();
}

int window_start(unsigned pages)
{
	window = mmap(NULL, pages * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	model = calloc(pages, sizeof *model);
	if (window == MAP_FAILED || !model)
		return wrong("start", 0);
	count = pages;
	for (unsigned i = 0; i < pages; i += 64)
		if (fresh(i, pages - i < 64 ? pages - i : 64))
			return -1;
	busy = 0;
	return 0;
}
