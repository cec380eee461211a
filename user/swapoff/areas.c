/* Several swap areas with priorities: which is filled when, and swapoff of one
 * while processes run and fault. The machine swaps to its first disk, at the
 * lowest priority; the two others are ours. */
#include "swapoff.h"
#include "../c/mkswap.h"

#include <fcntl.h>
#include <pthread.h>

static const char *const extra[] = {"/dev/vdb", "/dev/vdc"};

enum { EXTRA = 600 }; /* pages of each */

/* usage is a line of /proc/swaps, in pages. */
struct usage {
	long size, used;
	int prio;
};

/* usage_of reads a device's line; without one it returns zeros. */
static struct usage usage_of(const char *device)
{
	struct usage u = {0, 0, 0};
	char name[64], kind[32], line[256];
	long size, used;
	FILE *f = fopen("/proc/swaps", "r");
	int prio;

	CHECK(f && fgets(line, sizeof line, f));
	while (fgets(line, sizeof line, f)) {
		CHECK(sscanf(line, "%63s %31s %ld %ld %d", name, kind, &size, &used, &prio) == 5);
		if (strcmp(name, device) == 0)
			u = (struct usage){size / 4, used / 4, prio};
	}
	fclose(f);
	return u;
}

static void on(int i, int prio) { CHECK(swapon(extra[i], SWAP_FLAG_PREFER | prio) == 0); }
static void off(int i) { CHECK(swapoff(extra[i]) == 0); }

/* begin makes both areas; what a case that failed has left in use goes first. */
static void begin(void)
{
	for (int i = 0; i < 2; i++) {
		if (usage_of(extra[i]).size)
			off(i);
		CHECK(make_swap(extra[i], EXTRA) == 0);
	}
}

/* /proc/swaps has the columns of Linux, and swapon's flags decide the priority. */
TEST(areas_in_proc_swaps)
{
	char got[1024] = "", want[1024], *at = want;
	struct usage u = usage_of(area());
	int fd;

	begin();
	on(0, 7);
	CHECK(swapon(extra[1], 0) == 0);
	EQ(usage_of(extra[1]).prio, u.prio - 1);
	off(1);
	on(1, 32767);
	at += sprintf(at, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	at += sprintf(at, "%-40spartition\t%ld\t\t%ld\t\t%d\n", area(), u.size * 4, u.used * 4, u.prio);
	at += sprintf(at, "%-40spartition\t%d\t\t0\t\t7\n", extra[0], EXTRA * 4);
	at += sprintf(at, "%-40spartition\t%d\t\t0\t\t32767\n", extra[1], EXTRA * 4);
	fd = open("/proc/swaps", O_RDONLY);
	CHECK(fd >= 0 && read(fd, got, sizeof got - 1) > 0 && close(fd) == 0);
	if (strcmp(got, want) != 0) {
		printf("# got\n# %s\n# want\n# %s\n", got, want);
		CHECK(0);
	}
	off(0);
	EQ(usage_of(extra[0]).size, 0);
	off(1);
}

/* A few slots come free again at any time: of pages that were read back. */
enum { SLACK = 100 };

/* An area is used when those of higher priority are full, and when these have
 * room again they come first. */
TEST(areas_fill_by_priority)
{
	size_t all = ram() + 3 * EXTRA;
	int steps = 0;

	begin();
	on(0, 2);
	on(1, 5);
	long before = usage_of(area()).used;
	uint64_t *p = mmap(NULL, all * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED);
	for (size_t i = 0; i + 100 <= all; i += 100) {
		fill_pages(p, i, i + 100);
		/* The lowest is looked at first: what comes between only fills the higher. */
		long last = usage_of(area()).used - before, low = usage_of(extra[0]).used, high = usage_of(extra[1]).used;
		CHECK(low <= SLACK || high >= EXTRA - SLACK);
		CHECK(last <= SLACK || low >= EXTRA - SLACK);
		steps += high > 0 && low == 0;
	}
	CHECK(steps > 0);
	CHECK(usage_of(area()).used - before > SLACK);
	check_pages(p, 0, ram() / 2);
	CHECK(munmap(p, all * PAGE) == 0);
	off(0);
	off(1);
}

TEST(equal_areas_take_turns)
{
	begin();
	on(0, 3);
	on(1, 3);
	uint64_t *p = mmap(NULL, 2 * ram() * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED);
	size_t n = 0;
	long a = 0, b = 0;
	while (a + b < EXTRA) {
		CHECK(n < 2 * ram());
		fill_pages(p, n, n + 50);
		n += 50;
		a = usage_of(extra[0]).used;
		b = usage_of(extra[1]).used;
	}
	printf("# %ld and %ld pages\n", a, b);
	CHECK(labs(a - b) < EXTRA / 4);
	check_pages(p, 0, n);
	off(0);
	off(1);
	check_pages(p, 0, n);
}

/* What the processes that go on during swapoff do: check all their pages and
 * rewrite some, on and on, until the pipe is closed. */
struct worker {
	uint64_t *p;
	size_t n;
	int stop;
};

static int stopped(int fd)
{
	char c;

	return read(fd, &c, 1) == 0;
}

static void *thread_of_worker(void *arg)
{
	struct worker *w = arg;

	do {
		check_pages(w->p, 0, w->n);
		fill_pages(w->p, w->n / 4, w->n / 3);
	} while (!stopped(w->stop));
	return NULL;
}

/* work has pages of its own, and pages that were swapped before the fork. */
static void work(struct worker *inherited)
{
	struct worker own = {new_pages(inherited->n), inherited->n, inherited->stop};
	pthread_t id;

	CHECK(pthread_create(&id, NULL, thread_of_worker, inherited) == 0);
	thread_of_worker(&own);
	CHECK(pthread_join(id, NULL) == 0);
	check_pages(own.p, 0, own.n);
	check_pages(inherited->p, 0, inherited->n);
	_exit(0);
}

/* wait_used waits until the stealer has written some pages to an area. */
static void wait_used(int i)
{
	for (int tries = 0; usage_of(extra[i]).used < 50; tries++) {
		CHECK(tries < 3000);
		usleep(10000);
	}
}

/* Areas go and come back, at other priorities, while two processes of two threads
 * work on more than the RAM holds. Their pages move to the other areas. */
TEST(swapoff_of_an_area_in_use)
{
	enum { WORKERS = 2, ROUNDS = 3 };
	size_t n = ram() / 2;
	int go[2], status;
	pid_t pid[WORKERS];

	begin();
	CHECK(pipe2(go, O_NONBLOCK) == 0);
	struct worker inherited = {new_pages(n), n, go[0]};
	on(0, 8);
	on(1, 8);
	for (int i = 0; i < WORKERS; i++) {
		pid[i] = fork();
		CHECK(pid[i] >= 0);
		if (pid[i] == 0) {
			close(go[1]);
			work(&inherited);
		}
	}
	for (int round = 0; round < ROUNDS; round++)
		for (int i = 0; i < 2; i++) {
			wait_used(i);
			off(i);
			EQ(usage_of(extra[i]).size, 0);
			on(i, 5 + (round + i) % 3);
		}
	close(go[1]);
	for (int i = 0; i < WORKERS; i++)
		CHECK(waitpid(pid[i], &status, 0) == pid[i] && status == 0);
	check_pages(inherited.p, 0, n);
	off(0);
	off(1);
	check_pages(inherited.p, 0, n);
}

/* All areas at once, one after the other: then everything is in RAM. */
TEST(swapoff_of_every_area)
{
	size_t n = ram() / 8;

	begin();
	on(0, 1);
	on(1, 1);
	uint64_t *p = swapped_pages(n);
	off(0);
	CHECK(swapoff(area()) == 0);
	check_pages(p, 0, n / 2);
	off(1);
	EQ(tap_field("/proc/meminfo", "SwapTotal"), 0);
	EQ(tap_field("/proc/self/status", "VmSwap"), 0);
	check_pages(p, 0, n);
	CHECK(swapon(area(), 0) == 0);
}
