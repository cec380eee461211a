/* One who attaches to a worker in the midst of its work, as a debugger. */
#define _GNU_SOURCE
#include "torture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t who;
static int memfd, ended; /* ended: its status, or -1 */

/* The ways to read a word of another program; 0 or -1. */
static int peek(const volatile void *at, uint64_t *value)
{
	errno = 0;
	*value = (uint64_t)ptrace(PTRACE_PEEKDATA, who, at, 0);
	return errno ? -1 : 0;
}

static int mem(const volatile void *at, uint64_t *value)
{
	return pread(memfd, value, 8, (off_t)(uintptr_t)at) == 8 ? 0 : -1;
}

static int vm(const volatile void *at, uint64_t *value)
{
	struct iovec here = {value, 8}, there = {(void *)(uintptr_t)at, 8};

	return process_vm_readv(who, &here, 1, &there, 1, 0) == 8 ? 0 : -1;
}

static int (*const ways[])(const volatile void *, uint64_t *) = {peek, mem, vm};

static int get(const volatile void *at, uint64_t *value)
{
	return ways[rnd(3)](at, value);
}

/* await waits for the next stop: 0, or -1 when there is none any more. */
static int await(int *sig)
{
	int status;

	if (waitpid(who, &status, __WALL) != who)
		return -1;
	*sig = WSTOPSIG(status);
	if (WIFSTOPPED(status))
		return 0;
	ended = status;
	return -1;
}

/* await_stop waits for the SIGSTOP that was sent; other stops may come first. */
static int await_stop(void)
{
	int sig;

	while (await(&sig) == 0) {
		if (sig == SIGSTOP)
			return 0;
		if (ptrace(PTRACE_CONT, who, 0, 0))
			return -1;
	}
	return -1;
}

/* gone waits for the end of one that could not be looked at: the OOM killer must have
 * come in between. */
static int gone(void)
{
	for (int i = 0; i < 1000 && ended == -1; i++) {
		if (waitpid(who, &ended, __WALL | WNOHANG) != who || WIFSTOPPED(ended)) {
			ended = -1;
			usleep(10000);
		}
	}
	return ended == -1 ? wrong("a tracer could not look", (unsigned)who) : 0;
}

static int put(void)
{
	uint64_t value = ++serial, other = ~value;
	struct iovec here = {&value, 8}, there = {(void *)(uintptr_t)&mailbox[0], 8};
	int n = rnd(2) ? (int)process_vm_writev(who, &here, 1, &there, 1, 0) - 8
		       : (int)ptrace(PTRACE_POKEDATA, who, &mailbox[0], value);

	if (n)
		return -1;
	n = rnd(2) ? (int)pwrite(memfd, &other, 8, (off_t)(uintptr_t)&mailbox[1]) - 8
		   : (int)ptrace(PTRACE_POKEDATA, who, &mailbox[1], other);
	if (n)
		return -1;
	if (get(&mailbox[0], &value) || get(&mailbox[1], &other))
		return -1;
	return value == ~other ? 0 : 1;
}

/* pages compares pages of its window with its own model. 0 right, -1 it is gone, 1 wrong. */
static int pages(void)
{
	uint64_t is_busy, pages, n, value, at;
	struct page m;

	if (get(&busy, &is_busy) || get(&window, &at) || get(&model, &pages) || get(&count, &n))
		return -1;
	if ((uint32_t)is_busy)
		return 0;
	for (int i = 0; i < 20; i++) {
		uint64_t k = rnd((unsigned)(uint32_t)n);
		struct iovec here = {&m, sizeof m}, there = {(struct page *)pages + k, sizeof m};
		if (process_vm_readv(who, &here, 1, &there, 1, 0) != sizeof m)
			return -1;
		const char *p = (char *)at + k * PAGE + PAGE / 2;
		if (!m.mapped || !m.readable)
			continue;
		if (get(p, &value))
			return -1;
		if (value != m.value) {
			fprintf(stderr, "torture: page %lu of %d holds %#lx, should hold %#lx\n", k, who, value, m.value);
			return 1;
		}
	}
	return 0;
}

/* visit is what is done while it is stopped. */
static int visit(void)
{
	struct user_regs_struct regs;
	int r, sig;

	if (ptrace(PTRACE_GETREGS, who, 0, &regs) || (r = pages()) < 0)
		return -1;
	if (r || (r = put()))
		return r;
	for (unsigned n = rnd(30); n; n--)
		if (ptrace(PTRACE_SINGLESTEP, who, 0, 0) || await(&sig))
			return -1;
	if (rnd(2)) {
		if (ptrace(PTRACE_CONT, who, 0, 0) || kill(who, SIGSTOP) || await_stop())
			return -1;
		return pages();
	}
	return 0;
}

int trace(pid_t pid, int *status)
{
	char path[32];
	int r = -1;

	who = pid;
	ended = -1;
	*status = -1;
	if (ptrace(PTRACE_ATTACH, pid, 0, 0))
		return errno == ESRCH || errno == EPERM ? 0 : wrong("attach", (unsigned)pid);
	snprintf(path, sizeof path, "/proc/%d/mem", pid);
	if (await_stop() == 0) {
		memfd = open(path, O_RDWR);
		r = memfd < 0 ? -1 : visit();
		close(memfd);
	}
	if (r < 0 && ended == -1 && gone())
		return -1;
	*status = ended;
	if (ended == -1 && ptrace(PTRACE_DETACH, pid, 0, 0))
		return errno == ESRCH ? 0 : wrong("detach", (unsigned)pid);
	return r > 0 ? wrong("a tracer read what it should not", (unsigned)pid) : 0;
}
