/* Memory that does not fit: contents, sharing and accounting of pages that go to
 * swap and come back. The working set is one and a half times the machine's RAM,
 * but never more than 128 MiB: on a large machine the same cases pass unswapped. */
#define _GNU_SOURCE
#include "../c/tap.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>

#define PAGE 4096UL

static size_t working_set(void)
{
	long kb = tap_field("/proc/meminfo", "MemTotal");
	size_t bytes = (size_t)kb * 1024 / 2 * 3;

	CHECK(kb > 0);
	return (bytes < (128UL << 20) ? bytes : 128UL << 20) / PAGE;
}

static char *new_pages(size_t n)
{
	char *p = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

/* A page is marked at both ends and in the middle. */
static void mark(char *p, size_t i, uint64_t salt)
{
	uint64_t v = (i + 1) * 0x9e3779b97f4a7c15UL ^ salt;

	*(uint64_t *)(p + i * PAGE) = v;
	*(uint64_t *)(p + i * PAGE + 2048) = v + 1;
	*(uint64_t *)(p + i * PAGE + 4088) = v + 2;
}

static int marked(const char *p, size_t i, uint64_t salt)
{
	uint64_t v = (i + 1) * 0x9e3779b97f4a7c15UL ^ salt;

	return *(uint64_t *)(p + i * PAGE) == v && *(uint64_t *)(p + i * PAGE + 2048) == v + 1 &&
	       *(uint64_t *)(p + i * PAGE + 4088) == v + 2;
}

static void mark_all(char *p, size_t n, uint64_t salt)
{
	for (size_t i = 0; i < n; i++)
		mark(p, i, salt);
}

static void check_all(const char *p, size_t n, uint64_t salt)
{
	for (size_t i = 0; i < n; i++)
		if (!marked(p, i, salt)) {
			printf("# page %zu of %zu is wrong\n", i, n);
			CHECK(0);
		}
}

TEST(forwards_and_backwards)
{
	size_t n = working_set();
	char *p = new_pages(n);

	mark_all(p, n, 1);
	check_all(p, n, 1);
	for (size_t i = n; i-- > 0;)
		CHECK(marked(p, i, 1));
}

TEST(random_order_and_rewrites)
{
	size_t n = working_set(), at = 1;
	char *p = new_pages(n);
	unsigned char *salt = calloc(n, 1);

	CHECK(salt);
	mark_all(p, n, 0);
	for (size_t k = 0; k < n; k++) {
		at = (at * 1103515245 + 12345) & 0x7fffffff;
		size_t i = at % n;
		CHECK(marked(p, i, salt[i]));
		mark(p, i, ++salt[i]);
	}
	for (size_t i = 0; i < n; i++)
		CHECK(marked(p, i, salt[i]));
}

TEST(fork_shares_swapped_pages)
{
	size_t n = working_set() * 2 / 3;
	char *p = new_pages(n);
	int status;

	mark_all(p, n, 2);
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		check_all(p, n, 2);
		for (size_t i = 0; i < n; i += 3)
			mark(p, i, 3);
		for (size_t i = 0; i < n; i++)
			CHECK(marked(p, i, i % 3 ? 2 : 3));
		_exit(0);
	}
	for (size_t i = 1; i < n; i += 3)
		mark(p, i, 4);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	for (size_t i = 0; i < n; i++)
		CHECK(marked(p, i, i % 3 == 1 ? 4 : 2));
}

struct part {
	char *p;
	size_t n, first, step;
};

static void *thread_part(void *arg)
{
	struct part *t = arg;

	for (int round = 0; round < 2; round++) {
		for (size_t i = t->first; i < t->n; i += t->step)
			mark(t->p, i, round);
		for (size_t i = t->first; i < t->n; i += t->step)
			CHECK(marked(t->p, i, round));
	}
	return NULL;
}

TEST(threads_fault_side_by_side)
{
	enum { N = 4 };
	pthread_t id[N];
	struct part part[N];
	size_t n = working_set();
	char *p = new_pages(n);

	for (int i = 0; i < N; i++) {
		part[i] = (struct part){p, n, i, N};
		CHECK(pthread_create(&id[i], NULL, thread_part, &part[i]) == 0);
	}
	for (int i = 0; i < N; i++)
		CHECK(pthread_join(id[i], NULL) == 0);
}

TEST(moved_and_protected_while_swapped)
{
	size_t n = working_set();
	char *p = new_pages(n), *q;

	mark_all(p, n, 5);
	CHECK(mprotect(p, n * PAGE, PROT_READ) == 0);
	q = mremap(p, n * PAGE, (n + 10) * PAGE, MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED);
	check_all(q, n, 5);
	CHECK(mprotect(q, n * PAGE, PROT_READ | PROT_WRITE) == 0);
	mark_all(q, n, 6);
	check_all(q, n, 6);
}

TEST(locked_pages_stay)
{
	enum { LOCKED = 256 };
	size_t n = working_set();
	char *kept = new_pages(LOCKED), *p = new_pages(n);
	unsigned char vec[LOCKED];

	mark_all(kept, LOCKED, 7);
	CHECK(mlock(kept, LOCKED * PAGE) == 0);
	mark_all(p, n, 8);
	CHECK(mincore(kept, LOCKED * PAGE, vec) == 0);
	for (int i = 0; i < LOCKED; i++)
		CHECK(vec[i] & 1);
	check_all(kept, LOCKED, 7);
}

static void use_swap(void *arg)
{
	size_t n = working_set();
	char *p = new_pages(n);

	(void)arg;
	mark_all(p, n, 9);
	check_all(p, n / 2, 9);
}

/* Whatever ends a mapping gives its slots back: exit, munmap, MADV_DONTNEED. */
TEST(slots_are_given_back)
{
	long before = tap_field("/proc/meminfo", "SwapFree"), after;
	size_t n = working_set();
	char *p;

	CHECK(before >= 0);
	CHECK(tap_status(use_swap, NULL) == 0);
	p = new_pages(n);
	mark_all(p, n, 10);
	CHECK(madvise(p, n * PAGE, MADV_DONTNEED) == 0);
	for (size_t i = 0; i < n; i += 100)
		CHECK(p[i * PAGE] == 0);
	mark_all(p, n, 11);
	CHECK(munmap(p, n * PAGE) == 0);
	for (int i = 0; i < 200; i++) { /* writes under way may hold some for a moment */
		after = tap_field("/proc/meminfo", "SwapFree");
		if (after + 4096 >= before)
			return;
		usleep(20000);
	}
	printf("# SwapFree was %ld kB and is %ld kB\n", before, after);
	CHECK(0);
}

TEST(status_adds_up)
{
	size_t n = working_set();
	char *p = new_pages(n);

	mark_all(p, n, 12);
	long rss = tap_field("/proc/self/status", "VmRSS"), swap = tap_field("/proc/self/status", "VmSwap");
	CHECK(rss > 0 && swap >= 0);
	CHECK(rss + swap >= (long)(n * 4) * 9 / 10);
}

TEST(kernel_copies_to_swapped_memory)
{
	size_t n = working_set();
	char *p = new_pages(n);
	int fd[2];

	mark_all(p, n, 13);
	CHECK(pipe(fd) == 0);
	for (size_t i = 0; i < n; i += n / 50 + 1) {
		CHECK(write(fd[1], p + i * PAGE, PAGE) == (ssize_t)PAGE);
		size_t to = n - 1 - i;
		CHECK(read(fd[0], p + to * PAGE, PAGE) == (ssize_t)PAGE);
		CHECK(memcmp(p + i * PAGE, p + to * PAGE, PAGE) == 0);
	}
}

/* swapped says whether /proc/self/pagemap has the page at p in swap. */
static int swapped(char *p)
{
	uint64_t e = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY);

	CHECK(fd >= 0 && pread(fd, &e, sizeof e, (off_t)((uintptr_t)p / PAGE * sizeof e)) == sizeof e);
	close(fd);
	return (int)(e >> 62 & 1);
}

/* MADV_PAGEOUT takes what only this program uses, at once; what a child has as well stays. */
TEST(paged_out_on_request)
{
	enum { N = 300, SHARED = 10 };
	int go[2], status;
	char c, *p = new_pages(N);

	if (tap_field("/proc/meminfo", "SwapTotal") == 0)
		SKIP("no swap");
	mark_all(p, SHARED, 9);
	CHECK(pipe(go) == 0);
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(read(go[0], &c, 1) == 1 && marked(p, 3, 9) ? 0 : 1);
	for (size_t i = SHARED; i < N; i++)
		mark(p, i, 9);
	CHECK(mlock(p + 20 * PAGE, PAGE) == 0);
	FAILS(madvise(p + 20 * PAGE, PAGE, MADV_PAGEOUT), EINVAL);
	FAILS(madvise(p + 20 * PAGE, PAGE, MADV_COLD), EINVAL);
	CHECK(munlock(p + 20 * PAGE, PAGE) == 0);
	CHECK(madvise(p, N * PAGE, MADV_COLD) == 0);
	CHECK(madvise(p, N * PAGE, MADV_PAGEOUT) == 0);
	for (size_t i = 0; i < N; i++)
		EQ(swapped(p + i * PAGE), i >= SHARED);
	CHECK(write(go[1], "x", 1) == 1);
	CHECK(waitpid(pid, &status, 0) == pid);
	EQ(status, 0);
	CHECK(madvise(p, SHARED * PAGE, MADV_PAGEOUT) == 0);
	EQ(swapped(p), 1);
	check_all(p, N, 9);
	for (size_t i = 0; i < N; i++)
		EQ(swapped(p + i * PAGE), 0);
}
