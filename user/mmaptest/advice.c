#include "mm.h"

#include <pthread.h>
#include <sched.h>
#include <sys/shm.h>
#include <sys/stat.h>

TEST(madvise_dontneed)
{
	char *p = new_pages(6, RW);

	fill(p, 6);
	CHECK(madvise(p + PAGES(2), PAGES(2), MADV_DONTNEED) == 0);
	CHECK(filled(p + PAGES(1), 1) && filled(p + PAGES(4), 4));
	for (size_t i = PAGES(2); i < PAGES(4); i++)
		CHECK(p[i] == 0);
	fill(p, 6);
	CHECK(filled(p + PAGES(3), 3));
}

TEST(madvise_hints)
{
	char *p = new_pages(2, RW);

	fill(p, 2);
	CHECK(madvise(p, PAGES(2), MADV_NORMAL) == 0);
	CHECK(madvise(p, PAGES(2), MADV_RANDOM) == 0);
	CHECK(madvise(p, PAGES(2), MADV_SEQUENTIAL) == 0);
	CHECK(madvise(p, PAGES(2), MADV_WILLNEED) == 0);
	CHECK(filled(p, 0) && filled(p + PAGES(1), 1));
}

TEST(madvise_errors)
{
	char *p = new_pages(3, RW);

	FAILS(madvise(p + 1, PAGES(1), MADV_NORMAL), EINVAL);
	FAILS(madvise(p, PAGES(1), 9999), EINVAL);
	FAILS(madvise(p, (size_t)-4096, MADV_NORMAL), EINVAL);
	CHECK(madvise(p, 0, MADV_DONTNEED) == 0);
	fill(p, 3);
	CHECK(munmap(p + PAGES(1), PAGES(1)) == 0);
	FAILS(madvise(p, PAGES(3), MADV_DONTNEED), ENOMEM);
	CHECK(p[0] == 0 && p[PAGES(2)] == 0); /* done for what is mapped all the same */
	CHECK(mlock(p, PAGES(1)) == 0);
	FAILS(madvise(p, PAGES(1), MADV_DONTNEED), EINVAL);
}

TEST(mincore_residence)
{
	unsigned char vec[8];
	char *p = new_pages(8, RW);

	p[PAGES(1)] = p[PAGES(6)] = 1;
	CHECK(mincore(p, PAGES(8), vec) == 0);
	for (int i = 0; i < 8; i++)
		CHECK((vec[i] & 1) == (i == 1 || i == 6));
}

/* Of a file mincore tells what is in memory for anybody. A private write to a hole
 * makes a page of the file beside the copy. */
TEST(mincore_of_a_file_that_another_uses)
{
	char name[] = "/tmp/mincore.XXXXXX";
	unsigned char vec[3];
	int fd = mkstemp(name), status;

	CHECK(fd >= 0 && unlink(name) == 0 && ftruncate(fd, PAGES(3)) == 0);
	fsync(fd);
	char *p = mmap(NULL, PAGES(3), RW, MAP_PRIVATE, fd, 0);
	CHECK(p != MAP_FAILED);
	pid_t pid = fork();
	if (pid == 0) {
		p[0] = p[PAGES(1)] = p[PAGES(2)] = 1;
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(mincore(p, PAGES(3), vec) == 0);
	for (int i = 0; i < 3; i++)
		EQ(vec[i] & 1, 1);
	EQ(p[0], 0);
}

TEST(mincore_errors)
{
	unsigned char vec[8];
	char *p = new_pages(4, RW);

	CHECK(munmap(p + PAGES(1), PAGES(1)) == 0);
	FAILS(mincore(p, PAGES(4), vec), ENOMEM);
	FAILS(mincore(p + 1, PAGES(1), vec), EINVAL);
	FAILS(syscall(SYS_mincore, p, PAGES(1), 0xffffffff80000000UL), EFAULT);
	CHECK(mincore(p, 0, vec) == 0);
}

TEST(msync_of_memory)
{
	char *p = new_pages(3, RW);

	CHECK(msync(p, PAGES(3), MS_SYNC) == 0);
	CHECK(msync(p, PAGES(3), MS_ASYNC) == 0);
	FAILS(msync(p, PAGES(1), MS_SYNC | MS_ASYNC), EINVAL);
	FAILS(msync(p + 1, PAGES(1), MS_SYNC), EINVAL);
	CHECK(munmap(p + PAGES(1), PAGES(1)) == 0);
	FAILS(msync(p, PAGES(3), MS_SYNC), ENOMEM);
}

/* Of memory files, shared anonymous memory and segments MADV_REMOVE frees what nobody else
 * maps; all of them read as zeros, whoever maps them. */
TEST(madvise_remove)
{
	int fd = memfd_create("holes", 0), id = shmget(IPC_PRIVATE, PAGES(6), 0600);
	char *of[3], *other = mmap(NULL, PAGES(6), RW, MAP_PRIVATE, fd, 0);
	struct stat before, after;

	CHECK(fd >= 0 && ftruncate(fd, PAGES(6)) == 0 && id >= 0);
	of[0] = mmap(NULL, PAGES(6), RW, MAP_SHARED, fd, 0);
	of[1] = mmap(NULL, PAGES(6), RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	of[2] = shmat(id, NULL, 0);
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
	for (int k = 0; k < 3; k++) {
		CHECK(of[k] != MAP_FAILED);
		fill(of[k], 6);
	}
	CHECK(filled(other, 0) && filled(other + PAGES(2), 2));
	other[PAGES(3)] = 77; /* a copy of its own */
	CHECK(fstat(fd, &before) == 0);
	for (int k = 0; k < 3; k++) {
		CHECK(madvise(of[k] + PAGES(2), PAGES(2), MADV_REMOVE) == 0);
		CHECK(filled(of[k] + PAGES(1), 1) && filled(of[k] + PAGES(4), 4));
		for (size_t i = PAGES(2); i < PAGES(4); i++)
			CHECK(of[k][i] == 0);
	}
	EQ(other[PAGES(2)], 0);
	EQ(other[PAGES(3)], 77);
	CHECK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGES(1) + 1, PAGES(3) - 2) == 0);
	EQ(of[0][PAGES(4) - 1], 0);
	CHECK(of[0][PAGES(1)] != 0 && of[0][PAGES(1) + 1] == 0);
	CHECK(ftruncate(fd, PAGES(6)) == 0);
	of[0][PAGES(2)] = 5; /* both see the new page */
	EQ(other[PAGES(2)], 5);
	CHECK(madvise(of[0] + PAGES(2), PAGES(2), MADV_REMOVE) == 0 && fstat(fd, &after) == 0);
	EQ(before.st_blocks - after.st_blocks, 2 * 8);
}

TEST(madvise_remove_errors)
{
	char name[] = "/tmp/remove.XXXXXX";
	int fd = mkstemp(name), ro = open(name, O_RDONLY);
	char *p = new_pages(1, RW), *q;

	CHECK(fd >= 0 && unlink(name) == 0 && ftruncate(fd, PAGES(2)) == 0);
	FAILS(madvise(p, PAGES(1), MADV_REMOVE), EINVAL);
	CHECK((q = mmap(NULL, PAGES(1), RW, MAP_PRIVATE, fd, 0)) != MAP_FAILED);
	FAILS(madvise(q, PAGES(1), MADV_REMOVE), EACCES);
	CHECK((q = mmap(NULL, PAGES(1), PROT_READ, MAP_SHARED, ro, 0)) != MAP_FAILED);
	FAILS(madvise(q, PAGES(1), MADV_REMOVE), EACCES);
	CHECK((q = mmap(NULL, PAGES(1), RW, MAP_SHARED, fd, 0)) != MAP_FAILED);
	CHECK(mprotect(q, PAGES(1), PROT_READ) == 0 && madvise(q, PAGES(1), MADV_REMOVE) == 0);
	CHECK(mlock(q, PAGES(1)) == 0);
	FAILS(madvise(q, PAGES(1), MADV_REMOVE), EINVAL);
}

static int holes_fd;
static char *holes;
static volatile int holes_end;

static void *punch(void *arg)
{
	while (!holes_end)
		if (fallocate(holes_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGES(4)) != 0)
			return "fallocate";
	return arg;
}

/* Whoever maps a page while it is taken out of the file must not be left with it: what is
 * stored through one mapping after the last hole is what the other and read() see. */
TEST(holes_against_faults)
{
	pthread_t t;
	void *wrong;
	unsigned seen;

	CHECK((holes_fd = memfd_create("holes", 0)) >= 0 && ftruncate(holes_fd, PAGES(4)) == 0);
	CHECK((holes = mmap(NULL, PAGES(4), RW, MAP_SHARED, holes_fd, 0)) != MAP_FAILED);
	char *twin = mmap(NULL, PAGES(4), RW, MAP_SHARED, holes_fd, 0);
	for (unsigned round = 1; round <= 60; round++) {
		holes_end = 0;
		CHECK(pthread_create(&t, NULL, punch, NULL) == 0);
		for (unsigned i = 0; i < 200; i++) {
			((volatile char *)holes)[PAGES(i % 4)] = 1;
			if (i % 50 == 49)
				sched_yield();
		}
		holes_end = 1;
		CHECK(pthread_join(t, &wrong) == 0 && wrong == NULL);
		for (int k = 0; k < 4; k++) {
			*(unsigned *)(holes + PAGES(k)) = round;
			EQ(*(unsigned *)(twin + PAGES(k)), round);
			CHECK(pread(holes_fd, &seen, sizeof seen, PAGES(k)) == sizeof seen);
			EQ(seen, round);
		}
	}
}

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE 103
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

static void touch(void *p) { *(volatile char *)p; }
static void store(void *p) { *(volatile char *)p = 1; }

/* guarded says whether a load, a store and a copy by the kernel all fail. */
static int guarded(char *p)
{
	int fd[2], failed;

	CHECK(pipe(fd) == 0);
	failed = write(fd[1], p, 1) == -1 && errno == EFAULT;
	close(fd[0]);
	close(fd[1]);
	return failed && tap_fault(touch, p).sig == SIGSEGV && tap_fault(store, p).sig == SIGSEGV;
}

static int have_guards(void)
{
	char *p = new_pages(1, RW);

	return madvise(p, PAGES(1), MADV_GUARD_INSTALL) == 0;
}

TEST(guard_pages)
{
	if (!have_guards())
		SKIP("before Linux 6.13");
	int fd = memfd_create("guards", 0);
	char *of[3] = {new_pages(8, RW)};
	unsigned char vec[8];

	CHECK(fd >= 0 && ftruncate(fd, PAGES(8)) == 0);
	of[1] = mmap(NULL, PAGES(8), RW, MAP_SHARED, fd, 0);
	of[2] = mmap(NULL, PAGES(8), RW, MAP_PRIVATE, fd, 0);
	for (int k = 0; k < 3; k++) {
		char *p = of[k];

		CHECK(p != MAP_FAILED);
		fill(p, 8);
		CHECK(madvise(p + PAGES(2), PAGES(3), MADV_GUARD_INSTALL) == 0);
		CHECK(madvise(p + PAGES(2), PAGES(3), MADV_GUARD_INSTALL) == 0);
		CHECK(filled(p + PAGES(1), 1) && filled(p + PAGES(5), 5));
		CHECK(guarded(p + PAGES(2)) && guarded(p + PAGES(4)));
		EQ(tap_fault(touch, p + PAGES(3)).code, SEGV_MAPERR);
		CHECK(madvise(p, PAGES(8), MADV_DONTNEED) == 0);
		CHECK(guarded(p + PAGES(3))); /* of the others the children inherit theirs, see tap_fault */
		CHECK(mincore(p, PAGES(8), vec) == 0);
		FAILS(madvise(p + PAGES(4), PAGES(1), MADV_POPULATE_READ), EFAULT);
		CHECK(mprotect(p + PAGES(3), PAGES(1), PROT_READ) == 0 && mprotect(p + PAGES(3), PAGES(1), RW) == 0);
		CHECK(guarded(p + PAGES(3)));
		CHECK(madvise(p + PAGES(3), PAGES(1), MADV_GUARD_REMOVE) == 0);
		CHECK(guarded(p + PAGES(2)) && guarded(p + PAGES(4)));
		p[PAGES(3)] = 1;
		CHECK(madvise(p + PAGES(3), PAGES(1), MADV_GUARD_INSTALL) == 0);
		CHECK(madvise(p, PAGES(8), MADV_GUARD_REMOVE) == 0);
		EQ(p[PAGES(3)], k != 0); /* a private page is lost, the second one wrote to the file */
	}
	unsigned long entry;
	int map = open("/proc/self/pagemap", O_RDONLY);
	CHECK(map >= 0 && madvise(of[0], PAGES(1), MADV_GUARD_INSTALL) == 0);
	CHECK(pread(map, &entry, 8, (off_t)((unsigned long)of[0] / 4096 * 8)) == 8);
	EQ(entry >> 63, 0);
	if (entry >> 58 & 1) /* Linux 6.15 */
		EQ(entry >> 62 & 1, 1);
}

TEST(guard_pages_move_and_go)
{
	if (!have_guards())
		SKIP("before Linux 6.13");
	char *p = new_pages(8, RW), *q;
	int status;

	fill(p, 8);
	CHECK(madvise(p + PAGES(2), PAGES(2), MADV_GUARD_INSTALL) == 0);
	CHECK((q = mremap(p, PAGES(8), PAGES(16), MREMAP_MAYMOVE)) != MAP_FAILED);
	CHECK(guarded(q + PAGES(2)) && guarded(q + PAGES(3)) && filled(q + PAGES(4), 4));
	CHECK(mmap(q + PAGES(2), PAGES(1), RW, ANON | MAP_FIXED, -1, 0) == q + PAGES(2));
	q[PAGES(2)] = 3;
	CHECK(madvise(q, PAGES(1), MADV_WIPEONFORK) == 0 && madvise(q, PAGES(1), MADV_GUARD_INSTALL) == 0);
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		q[0] = 1; /* wiped */
		_exit(guarded(q + PAGES(3)) ? 0 : 1);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	EQ(status, 0);
	CHECK(mlock(q + PAGES(8), PAGES(1)) == 0);
	FAILS(madvise(q + PAGES(8), PAGES(1), MADV_GUARD_INSTALL), EINVAL);
	CHECK(madvise(q + PAGES(8), PAGES(1), MADV_GUARD_REMOVE) == 0);
	CHECK(munmap(q, PAGES(16)) == 0);
}
