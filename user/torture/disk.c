/* A file on a disk: written and read by calls, through shared mappings and beside private
 * ones, cut and grown while a child unmaps and the stealer steals, unlinked in use. */
#define _GNU_SOURCE
#include "torture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 256 };

static int fd = -1;
static char name[32];
static unsigned size; /* pages */
/* MOST pages each, of which parts are mapped; far from where the kernel puts things */
static char *const shared = (char *)0x200000000000, *const private = (char *)0x210000000000;
static unsigned char in_shared[MOST], in_private[MOST];
static uint64_t holds[MOST], own[MOST]; /* own: what a private copy holds, 0 if there is none */

static uint64_t *at(char *map, unsigned i)
{
	return (uint64_t *)(map + i * PAGE + PAGE / 2);
}

static int same(const char *how, unsigned i, uint64_t is, uint64_t should)
{
	if (is == should)
		return 0;
	fprintf(stderr, "torture: page %u of %s holds %#lx by %s, should hold %#lx\n", i, name, is, how, should);
	return -1;
}

static int check(unsigned i)
{
	uint64_t value;

	if (in_shared[i] && same("the shared mapping", i, *at(shared, i), holds[i]))
		return -1;
	if (in_private[i] && same("the private mapping", i, *at(private, i), own[i] ? own[i] : holds[i]))
		return -1;
	if (rnd(2))
		return 0;
	if (pread(fd, &value, sizeof value, (off_t)(i * PAGE + PAGE / 2)) != sizeof value)
		return wrong("pread", i);
	return same("a read", i, value, holds[i]);
}

static int put(unsigned i)
{
	switch (rnd(3)) {
	case 0:
		if (in_private[i])
			*at(private, i) = own[i] = ++serial;
		return 0;
	case 1:
		if (in_shared[i])
			*at(shared, i) = holds[i] = ++serial;
		return 0;
	}
	holds[i] = ++serial;
	if (pwrite(fd, &holds[i], sizeof holds[i], (off_t)(i * PAGE + PAGE / 2)) != sizeof holds[i])
		return wrong("pwrite", i);
	return 0;
}

static int map(unsigned from, unsigned n)
{
	int share = (int)rnd(2);
	char *where = (share ? shared : private) + from * PAGE;

	if (mmap(where, n * PAGE, PROT_READ | PROT_WRITE, MAP_FIXED | (share ? MAP_SHARED : MAP_PRIVATE), fd, (off_t)(from * PAGE)) != where)
		return wrong("mmap of a file", from);
	memset((share ? in_shared : in_private) + from, 1, n);
	if (!share)
		memset(own + from, 0, n * sizeof *own);
	return 0;
}

static int unmap(unsigned from, unsigned n)
{
	int share = (int)rnd(2);

	if (munmap((share ? shared : private) + from * PAGE, n * PAGE))
		return wrong("munmap of a file", from);
	memset((share ? in_shared : in_private) + from, 0, n);
	return 0;
}

static void beyond(int sig)
{
	(void)sig;
	_exit(0);
}

/* in a child: the file becomes shorter at any moment, but not below low pages */
static int shrinks_meanwhile(unsigned low)
{
	signal(SIGBUS, beyond);
	for (unsigned k = 0; k < 200; k++) {
		unsigned i = rnd(size), v = rnd(size), n = 1 + rnd(size - v);
		if (i > low && in_shared[i])
			*at(shared, i) = 1; /* lost, or in time */
		else if (i < low && check(i))
			return -1;
		if (rnd(20) == 0 && unmap(v, n))
			return -1;
	}
	return 0;
}

/* length cuts or lengthens the file; at random to the midst of a page, before its word */
static int length(unsigned to)
{
	unsigned odd = to && rnd(2) ? 100 : 0;

	if (ftruncate(fd, (off_t)(to * PAGE - (odd ? PAGE - odd : 0))))
		return wrong("ftruncate", to);
	if (odd)
		holds[to - 1] = 0;
	for (unsigned i = to; i < size; i++)
		holds[i] = own[i] = 0; /* a private copy behind the end goes too */
	size = to;
	if (odd && ftruncate(fd, (off_t)(to * PAGE)))
		return wrong("ftruncate", to);
	return 0;
}

static int race(void)
{
	unsigned to = 1 + rnd(size);
	int status;
	pid_t pid;

	fflush(stderr);
	if ((pid = fork()) == 0)
		_exit(shrinks_meanwhile(to - 1) != 0);
	if (pid < 0)
		return errno == ENOMEM || errno == EAGAIN ? 0 : wrong("fork", to);
	if (rnd(2))
		usleep(rnd(3000));
	int r = length(to);
	if (waitpid(pid, &status, 0) != pid)
		return wrong("waitpid", to);
	return r ? r : WIFEXITED(status) && WEXITSTATUS(status) ? wrong("the child of a race found a mistake", to) : 0;
}

/* The file of one who was killed is not used again: a child of his may be at work still. */
static int open_new(void)
{
	unlink(name);
	fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	size = 0;
	memset(holds, 0, sizeof holds);
	return fd < 0 ? wrong("open", 0) : length(1 + rnd(MOST));
}

/* look at what is mapped of a file without a name; then begin with another */
static int renew(void)
{
	if (unlink(name))
		return wrong("unlink", 0);
	for (unsigned i = 0; i < size; i++)
		if (check(i) || put(i) || check(i))
			return -1;
	close(fd);
	for (unsigned i = 0; i < size; i++)
		if (in_shared[i] && same("the mapping of an unlinked file", i, *at(shared, i), holds[i]))
			return -1;
	if (munmap(shared, MOST * PAGE) || munmap(private, MOST * PAGE))
		return wrong("munmap of a file", 0);
	memset(in_shared, 0, sizeof in_shared);
	memset(in_private, 0, sizeof in_private);
	return open_new();
}

static int settle(unsigned from, unsigned n)
{
	unsigned char in[MOST];
	char *p = (rnd(2) ? shared : private) + from * PAGE;
	int r = 0;

	switch (rnd(6)) {
	case 0:
		return fsync(fd) ? wrong("fsync", from) : 0;
	case 1:
		r = msync(p, n * PAGE, rnd(2) ? MS_SYNC : MS_ASYNC);
		break;
	case 2:
		r = madvise(p, n * PAGE, MADV_WILLNEED);
		break;
	case 3:
		r = mincore(p, n * PAGE, in);
		break;
	case 4:
		r = madvise(private + from * PAGE, n * PAGE, MADV_DONTNEED);
		memset(own + from, 0, n * sizeof *own);
		break;
	default:
		r = madvise(shared + from * PAGE, n * PAGE, MADV_DONTNEED); /* what was written is in the file */
	}
	return r && errno != ENOMEM && errno != EAGAIN && errno != EBADF ? wrong("advice for a file", from) : 0;
}

int disk_step(void)
{
	unsigned from, n;

	if (fd < 0)
		return 0;
	from = rnd(size);
	n = 1 + rnd(size - from);
	switch (rnd(20)) {
	case 0: case 1: case 2:
		return map(from, n);
	case 3:
		return unmap(from, n);
	case 4:
		return length(1 + rnd(MOST));
	case 5:
		return race();
	case 6:
		return rnd(4) ? 0 : renew();
	case 7: case 8: case 9:
		return settle(from, n);
	}
	for (unsigned i = from; i < from + n && i < from + 32; i++)
		if ((rnd(2) && check(i)) || put(i))
			return -1;
	return 0;
}

int disk_look(void)
{
	for (unsigned i = 0; fd >= 0 && i < size; i += 1 + rnd(8))
		if (check(i))
			return -1;
	return 0;
}

int disk_start(unsigned place)
{
	struct stat root, mnt;

	if (stat("/", &root) || stat("/mnt", &mnt) || root.st_dev == mnt.st_dev)
		return 0; /* a machine without a disk */
	snprintf(name, sizeof name, "/mnt/file%u", place);
	return open_new();
}
