/* inject: a little of everything that the rules of docs/locking.md are about, so that a kernel which breaks one of them on
 * purpose (-append inject=R1 … R12) meets the place. Exits with 0 when nothing has stopped it. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096L

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

/* a mapping is split, locked, moved, merged and cut */
static void shapes(void)
{
	char *p = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		fail("mmap");
	memset(p, 1, 16 * PAGE);
	if (mprotect(p, 16 * PAGE, PROT_READ) || mprotect(p, 16 * PAGE, PROT_READ | PROT_WRITE))
		fail("mprotect");
	if (mlock(p + 4 * PAGE, 4 * PAGE) || munlock(p, 16 * PAGE))
		fail("mlock");
	if (munmap(p + 8 * PAGE, PAGE))
		fail("munmap");
	p = mremap(p, 8 * PAGE, 32 * PAGE, MREMAP_MAYMOVE);
	if (p == MAP_FAILED || p[7 * PAGE] != 1)
		fail("mremap");
	munmap(p, 32 * PAGE);
}

static void forks(void)
{
	pid_t pid = fork();
	if (pid < 0)
		fail("fork");
	if (pid == 0)
		_exit(0);
	if (waitpid(pid, NULL, 0) != pid)
		fail("waitpid");
}

/* more pages than there is memory, written and read back, so that some are in the swap cache when they go */
static void pressure(long size)
{
	volatile char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		fail("mmap");
	for (long i = 0; i < size; i += PAGE)
		p[i] = (char)(i / PAGE);
	for (long i = 0; i < size; i += PAGE)
		if (p[i] != (char)(i / PAGE)) {
			fprintf(stderr, "page %ld has lost its contents\n", i / PAGE);
			exit(1);
		}
	munmap((void *)p, size);
}

int main(void)
{
	shapes();
	forks();
	pressure(40L << 20);
	return 0;
}
