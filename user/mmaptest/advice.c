#include "mm.h"

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
