/* Truncate, mappings and the page stealer at once. */
#include "disk.h"

#include <time.h>

enum { PAGES = 64, SECONDS = 4 };

static sigjmp_buf back;

static void on_bus(int sig)
{
	(void)sig;
	siglongjmp(back, 1);
}

static int running(time_t since)
{
	return time(NULL) - since < SECONDS;
}

/* truncator makes the file shorter and longer. What it grows over is zeros. */
static void __attribute__((noreturn)) truncator(int fd)
{
	for (time_t t = time(NULL); running(t);) {
		size_t n = rand() % PAGES;
		EQ(ftruncate(fd, n * PAGE + rand() % PAGE / 8 * 8), 0);
		EQ(ftruncate(fd, PAGES * PAGE), 0);
		usleep(rand() % 2000);
	}
	_exit(0);
}

/* mapper writes and looks: a word of the file is 0 or its own number. */
static void __attribute__((noreturn)) mapper(int fd)
{
	signal(SIGBUS, on_bus);
	volatile long *p = (long *)map(fd, PAGES, PROT_READ | PROT_WRITE, MAP_SHARED);
	for (time_t t = time(NULL); running(t);) {
		if (sigsetjmp(back, 1))
			continue;
		long i = rand() % (PAGES * PAGE / (long)sizeof *p);
		if (rand() % 2)
			p[i] = i;
		long v = p[i];
		CHECK(v == 0 || v == i);
		if (rand() % 200 == 0)
			CHECK(msync((void *)p, PAGES * PAGE, rand() % 2 ? MS_SYNC : MS_ASYNC) == 0);
	}
	_exit(0);
}

/* hog takes memory, so that pages are stolen. */
static void __attribute__((noreturn)) hog(void)
{
	size_t n = 40 << 20;
	char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	for (time_t t = time(NULL); running(t);)
		for (size_t k = 0; k < n && running(t); k += PAGE)
			p[k]++;
	_exit(0);
}

TEST(truncate_against_mappings_and_stealer)
{
	char page[PAGE];
	int status;

	enter("race");
	int fd = create("file", 0);
	for (int i = 0; i < 5; i++) {
		if (fork() == 0) {
			srand(i + 1);
			switch (i) {
			case 0:
				hog();
			case 1:
				truncator(fd);
			default:
				mapper(fd);
			}
		}
	}
	for (int i = 0; i < 5; i++) {
		CHECK(wait(&status) > 0);
		EQ(status, 0);
	}
	EQ(ftruncate(fd, 0), 0);
	EQ(ftruncate(fd, PAGES * PAGE), 0);
	for (size_t i = 0; i < PAGES; i++) {
		EQ(pread(fd, page, PAGE, i * PAGE), PAGE);
		for (int k = 0; k < PAGE; k++)
			CHECK(page[k] == 0);
	}
}
