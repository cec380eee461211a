/* Shared memory, and files in memory, that do not fit. On a machine with much RAM the same cases pass
 * without swap. */
#include "shm.h"

#include <fcntl.h>

extern int swapon(const char *path, int flags);
extern int swapoff(const char *path);

/* twice_ram is a number of pages, at most 64 MiB's. */
static size_t twice_ram(void)
{
	long kb = tap_field("/proc/meminfo", "MemTotal");

	CHECK(kb > 0);
	return kb > 32 << 10 ? 64 << 8 : (size_t)kb * 2 / 4;
}

/* swapped is how many pages of shared memory are in swap. */
static unsigned long swapped(void)
{
	struct shm_info i;

	CHECK(shmctl(0, SHM_INFO, (struct shmid_ds *)&i) >= 0);
	return i.shm_swp;
}

static int small_machine(void) { return tap_field("/proc/meminfo", "MemTotal") < 40 << 10; }

static void marks(char *p, size_t from, size_t n, uint64_t salt)
{
	for (size_t i = from; i < n; i += 2)
		mark(p, i, salt);
}

static void checks(const char *p, size_t from, size_t n, uint64_t salt)
{
	for (size_t i = from; i < n; i += 2)
		if (!marked(p, i, salt)) {
			printf("# page %zu of %zu is wrong\n", i, n);
			CHECK(0);
		}
}

/* share lets this process write the even pages and a child the odd ones, then
 * each checks what the other wrote; twice, so that pages change in swap. */
static void share(char *p, size_t n, void (*meanwhile)(void))
{
	int status, to[2], from[2];
	char c;

	CHECK(pipe(to) == 0 && pipe(from) == 0);
	fflush(stdout);
	pid_t pid = fork();
	CHECK(pid >= 0);
	for (uint64_t round = 1; round <= 2; round++) {
		int out = pid ? to[1] : from[1], in = pid ? from[0] : to[0];
		marks(p, pid == 0, n, round);
		CHECK(write(out, "w", 1) == 1 && read(in, &c, 1) == 1);
		if (pid && meanwhile && round == 1)
			meanwhile();
		checks(p, pid != 0, n, round);
		CHECK(write(out, "c", 1) == 1 && read(in, &c, 1) == 1);
	}
	if (pid == 0)
		_exit(0);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	checks(p, 0, n, 2);
	checks(p, 1, n, 2);
}

static void some_swapped(void)
{
	if (small_machine())
		CHECK(swapped() > 0);
}

TEST(segment_twice_ram_by_two_processes)
{
	size_t n = twice_ram();
	char *p;

	segment(n, &p);
	share(p, n, some_swapped);
	CHECK(shmdt(p) == 0);
	EQ(swapped(), 0);
}

TEST(anonymous_larger_than_ram_by_two_processes)
{
	size_t n = twice_ram() / 3 * 2;
	char *p = mmap(NULL, PAGES(n), RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	share(p, n, NULL);
}

TEST(detached_segment_keeps_its_pages_in_swap)
{
	size_t n = twice_ram() / 2;
	int id = leave_it(PAGES(n));
	char *p = shmat(id, NULL, 0), *q = mmap(NULL, PAGES(n), RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != NOWHERE && q != MAP_FAILED);
	for (size_t i = 0; i < n; i++)
		mark(p, i, 5);
	CHECK(shmdt(p) == 0);
	for (size_t i = 0; i < n; i++)
		mark(q, i, 6);
	some_swapped();
	p = shmat(id, NULL, 0);
	CHECK(p != NOWHERE);
	for (size_t i = 0; i < n; i++)
		CHECK(marked(p, i, 5));
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
}

TEST(locked_segment_stays)
{
	size_t n = twice_ram() / 8, more = twice_ram() / 2;
	int id;
	char *p, *q = mmap(NULL, PAGES(more), RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char *vec = malloc(n);

	if (geteuid() != 0)
		SKIP("needs the right to lock memory");
	id = segment(n, &p);
	CHECK(shmctl(id, SHM_LOCK, NULL) == 0);
	for (size_t i = 0; i < n; i++)
		mark(p, i, 7);
	CHECK(q != MAP_FAILED);
	for (size_t i = 0; i < more; i++)
		mark(q, i, 8);
	EQ(swapped(), 0);
	CHECK(mincore(p, PAGES(n), vec) == 0);
	for (size_t i = 0; i < n; i++)
		CHECK(vec[i] & 1 && marked(p, i, 7));
}

/* mapped_file is a file in memory without a name, n pages, mapped at *p. */
static int mapped_file(size_t n, char **p)
{
	int fd = memfd_create("shmtest", 0);

	CHECK(fd >= 0 && ftruncate(fd, PAGES(n)) == 0);
	*p = mmap(NULL, PAGES(n), RW, MAP_SHARED, fd, 0);
	CHECK(*p != MAP_FAILED);
	return fd;
}

TEST(memfd_larger_than_ram_by_two_processes)
{
	size_t n = twice_ram() / 3 * 2;
	char *p, page[PAGES(1)];
	int fd = mapped_file(n, &p);

	share(p, n, NULL);
	for (size_t i = 0; i < n; i++) { /* without the mapping */
		CHECK(pread(fd, page, sizeof page, PAGES(i)) == sizeof page);
		memcpy(page, page + 4088, 8);
		CHECK(*(uint64_t *)page == ((i + 1) * 0x9e3779b97f4a7c15UL ^ 2) + 1);
	}
}

/* A private mapping sees the file's pages, wherever they are, and what it writes
 * stays its own. */
TEST(memfd_in_swap_mapped_privately)
{
	size_t n = twice_ram() / 2;
	char *p, *q;
	int fd = mapped_file(n, &p);

	marks(p, 0, n, 1);
	marks(p, 1, n, 1);
	q = mmap(NULL, PAGES(n), RW, MAP_PRIVATE, fd, 0);
	CHECK(q != MAP_FAILED);
	marks(q, 0, n, 2);
	checks(q, 1, n, 1);
	checks(p, 0, n, 1);
	checks(q, 0, n, 2);
}

TEST(truncate_of_a_file_in_swap)
{
	size_t n = twice_ram();
	char *p;
	int fd = mapped_file(n, &p);

	marks(p, 0, n, 1);
	marks(p, 1, n, 1);
	CHECK(ftruncate(fd, PAGES(10) + 2000) == 0); /* page 10 has to come back */
	CHECK(ftruncate(fd, PAGES(n)) == 0);
	for (size_t i = 0; i < 10; i++)
		CHECK(marked(p, i, 1));
	CHECK(*(uint64_t *)(p + PAGES(10)) == (11 * 0x9e3779b97f4a7c15UL ^ 1));
	CHECK(p[PAGES(10) + 4088] == 0);
	for (size_t i = 11; i < n; i += 7)
		CHECK(p[PAGES(i)] == 0);
}

static const char swap_disk[] = "/dev/vda";

static void swapoff_and_on(void)
{
	if (swapoff(swap_disk) != 0) {
		CHECK(errno == ENOMEM);
		return;
	}
	EQ(swapped(), 0);
	CHECK(swapon(swap_disk, 0) == 0);
}

/* The segment fits once what else is in memory has gone. */
TEST(swapoff_brings_it_back)
{
	size_t n = twice_ram() / 6, more = twice_ram() / 2;
	char *p, *q;

	if (!small_machine() || access(swap_disk, F_OK) != 0)
		SKIP("for a small guest");
	segment(n, &p);
	for (size_t i = 0; i < n; i++)
		mark(p, i, 9);
	q = mmap(NULL, PAGES(more), RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(q != MAP_FAILED);
	for (int round = 0; round < 3; round++)
		for (size_t i = 0; i < more; i++)
			mark(q, i, 10);
	CHECK(swapped() > 0 && munmap(q, PAGES(more)) == 0);
	CHECK(swapoff(swap_disk) == 0);
	EQ(swapped(), 0);
	for (size_t i = 0; i < n; i++)
		CHECK(marked(p, i, 9));
	CHECK(swapon(swap_disk, 0) == 0);
	share(p, n, swapoff_and_on);
}
