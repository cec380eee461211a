/* RAM and swap are full: the process that filled them is killed, and only that.
 * Not for a machine that anyone needs: it takes all the memory there is. */
#define _GNU_SOURCE
#include "../c/tap.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>

/* hog touches memory until it is killed. */
static void hog(void *arg)
{
	(void)arg;
	for (;;) {
		char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (p == MAP_FAILED)
			_exit(12); /* refusing is no kill: the case wants to see one */
		for (int i = 0; i < 1 << 20; i += 4096)
			p[i] = 1;
	}
}

/* bystander holds a little memory and answers over a pipe as long as it lives. */
static pid_t bystander(int *ask, int *answer)
{
	int to[2], from[2];
	char c;

	CHECK(pipe(to) == 0 && pipe(from) == 0);
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		char *p = malloc(256 * 1024);
		CHECK(p);
		memset(p, 0x42, 256 * 1024);
		close(to[1]);
		while (read(to[0], &c, 1) == 1) {
			for (int i = 0; i < 256 * 1024; i += 512)
				if (p[i] != 0x42)
					_exit(1);
			if (write(from[1], &c, 1) != 1)
				_exit(2);
		}
		_exit(0);
	}
	close(to[0]);
	*ask = to[1];
	*answer = from[0];
	return pid;
}

static long kills(void)
{
	long n = tap_field("/proc/vmstat", "oom_kill");

	CHECK(n >= 0);
	return n;
}

static char *pages;
static size_t npages;

/* part writes every other page and reads it again. */
static void *part(void *arg)
{
	for (size_t i = (size_t)arg; i < npages; i += 2)
		pages[i * 4096] = 1;
	for (size_t i = (size_t)arg; i < npages; i += 2)
		CHECK(pages[i * 4096] == 1);
	return NULL;
}

/* More than RAM holds: as long as there is room in the swap area, nobody is killed. */
TEST(no_kill_while_swap_is_free)
{
	long before = kills();
	pthread_t id[2];

	npages = (tap_field("/proc/meminfo", "MemTotal") + tap_field("/proc/meminfo", "SwapTotal") / 4) / 4;
	pages = mmap(NULL, npages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(pages != MAP_FAILED);
	for (size_t i = 0; i < 2; i++)
		CHECK(pthread_create(&id[i], NULL, part, (void *)i) == 0);
	for (size_t i = 0; i < 2; i++)
		CHECK(pthread_join(id[i], NULL) == 0);
	EQ(kills(), before);
}

TEST(one_kill_is_enough)
{
	long before = kills();
	int status = tap_status(hog, NULL);

	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	EQ(kills(), before + 1);
}

TEST(the_hog_is_killed)
{
	int status = tap_status(hog, NULL);

	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

TEST(others_live_on)
{
	int ask, answer, status;
	char c;
	pid_t other = bystander(&ask, &answer);

	for (int round = 0; round < 2; round++) {
		CHECK(write(ask, "?", 1) == 1 && read(answer, &c, 1) == 1);
		status = tap_status(hog, NULL);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		CHECK(write(ask, "!", 1) == 1 && read(answer, &c, 1) == 1 && c == '!');
	}
	close(ask);
	CHECK(waitpid(other, &status, 0) == other && status == 0);
}

TEST(memory_is_back)
{
	int status = tap_status(hog, NULL);
	long free_kb, total_kb = tap_field("/proc/meminfo", "MemTotal");

	CHECK(WIFSIGNALED(status));
	for (int i = 0; i < 100; i++) {
		free_kb = tap_field("/proc/meminfo", "MemAvailable");
		if (free_kb > total_kb / 4)
			return;
		usleep(20000);
	}
	printf("# %ld kB available of %ld kB\n", free_kb, total_kb);
	CHECK(0);
}
