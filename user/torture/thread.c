/* A second thread: it uses pages of its own while the first changes the address space. */
#define _GNU_SOURCE
#include "torture.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGES = 96 };

static char *const base = (char *)0x320000000000;
static uint64_t holds[PAGES], random_state;

static unsigned random_below(unsigned n)
{
	random_state = random_state * 6364136223846793005UL + 1442695040888963407UL;
	return (unsigned)(random_state >> 33) % n;
}

static void stop(const char *what, unsigned i)
{
	wrong(what, i);
	_exit(1);
}

/* renew maps a piece again: zeros */
static void renew(unsigned from, unsigned n)
{
	while (mmap(base + from * PAGE, n * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		if (errno != ENOMEM) /* else what was there may be gone all the same */
			stop("mmap by a thread", from);
	for (unsigned i = from; i < from + n; i++)
		holds[i] = 0;
}

static void *run(void *arg)
{
	for (uint64_t next = 1;; next++) {
		unsigned i = random_below(PAGES);
		volatile uint64_t *p = (uint64_t *)(base + i * PAGE + PAGE / 2);
		if (*p != holds[i]) {
			fprintf(stderr, "torture: page %u of a thread holds %#lx, should hold %#lx\n", i, *p, holds[i]);
			_exit(1);
		}
		*p = holds[i] = next;
		if (random_below(200) == 0)
			renew(i, 1 + random_below(PAGES - i < 20 ? PAGES - i : 20));
		if (random_below(50) == 0)
			usleep(random_below(20000));
	}
	return arg;
}

int thread_start(uint64_t seed)
{
	pthread_t t;

	random_state = seed;
	renew(0, PAGES);
	errno = pthread_create(&t, NULL, run, NULL);
	return errno && errno != EAGAIN && errno != ENOMEM ? wrong("a thread", 0) : 0;
}
