/* Contents through mappings. */
#include "disk.h"

TEST(shared_is_the_file)
{
	char page[PAGE];

	enter("shared");
	int fd = create("file", 8);
	char *p = map(fd, 8, PROT_READ | PROT_WRITE, MAP_SHARED), *q = map(fd, 8, PROT_READ, MAP_SHARED);
	CHECK(filled(p + 3 * PAGE, 3));
	fill(p + 3 * PAGE, 77);
	CHECK(filled(q + 3 * PAGE, 77));
	EQ(pread(fd, page, PAGE, 3 * PAGE), PAGE);
	CHECK(filled(page, 77));
	fill(page, 78);
	EQ(pwrite(fd, page, PAGE, 4 * PAGE), PAGE);
	CHECK(filled(p + 4 * PAGE, 78));
	EQ(msync(p, 8 * PAGE, MS_SYNC), 0);
	EQ(msync(p, 8 * PAGE, MS_ASYNC), 0);
	EQ(munmap(p, 8 * PAGE), 0);
	EQ(pread(fd, page, PAGE, 3 * PAGE), PAGE);
	CHECK(filled(page, 77));
}

TEST(private_is_a_copy)
{
	char page[PAGE];

	enter("private");
	int fd = create("file", 4);
	char *p = map(fd, 4, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	CHECK(filled(p, 0));
	fill(p, 50);
	fill(p + PAGE, 51);
	EQ(pread(fd, page, PAGE, 0), PAGE);
	CHECK(filled(page, 0));
	fill(page, 60);
	EQ(pwrite(fd, page, PAGE, 0), PAGE);
	EQ(pwrite(fd, page, PAGE, 2 * PAGE), PAGE);
	CHECK(filled(p, 50) && filled(p + PAGE, 51));
	CHECK(filled(p + 2 * PAGE, 60));
}

TEST(fork_shares)
{
	int status;

	enter("fork");
	int fd = create("file", 2);
	char *p = map(fd, 2, PROT_READ | PROT_WRITE, MAP_SHARED);
	pid_t pid = fork();
	if (pid == 0) {
		fill(p + PAGE, 33);
		_exit(0);
	}
	EQ(waitpid(pid, &status, 0), pid);
	CHECK(filled(p + PAGE, 33));
}

TEST(beyond_the_end)
{
	enter("beyond");
	int fd = create("file", 1);
	EQ(pwrite(fd, "tail", 4, PAGE), 4);
	char *p = map(fd, 4, PROT_READ | PROT_WRITE, MAP_SHARED);
	CHECK(memcmp(p + PAGE, "tail\0\0\0", 7) == 0);
	struct tap_fault f = tap_read_fault(p + 2 * PAGE);
	EQ(f.sig, SIGBUS);
	CHECK(f.addr == p + 2 * PAGE);
	EQ(tap_write_fault(p + 3 * PAGE).sig, SIGBUS);
	p[PAGE + 100] = 'x'; /* beyond the end, in the last page: never in the file */
	EQ(ftruncate(fd, 3 * PAGE), 0);
	CHECK(p[PAGE + 100] == 0 && p[2 * PAGE] == 0);
	EQ(tap_read_fault(p + 3 * PAGE).sig, SIGBUS);
}

TEST(truncate_unmaps)
{
	enter("unmaps");
	int fd = create("file", 8);
	char *p = map(fd, 8, PROT_READ | PROT_WRITE, MAP_SHARED), *q = map(fd, 8, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	for (int i = 0; i < 8; i++)
		p[i * PAGE]++, q[i * PAGE]++;
	EQ(ftruncate(fd, 2 * PAGE + 5), 0);
	EQ(tap_read_fault(p + 3 * PAGE).sig, SIGBUS);
	EQ(tap_read_fault(q + 3 * PAGE).sig, SIGBUS);
	CHECK(p[2 * PAGE + 64] == 0);
	EQ(ftruncate(fd, 8 * PAGE), 0);
	for (int k = 3 * PAGE; k < 8 * PAGE; k++)
		CHECK(p[k] == 0);
}

TEST(resident)
{
	unsigned char vec[16];

	enter("resident");
	int fd = create("file", 16);
	char *p = map(fd, 16, PROT_READ, MAP_SHARED);
	EQ(madvise(p, 16 * PAGE, MADV_WILLNEED), 0);
	EQ(mincore(p, 16 * PAGE, vec), 0);
	for (int i = 0; i < 16; i++)
		CHECK(vec[i] & 1); /* just written: in the cache, if in no page table */
	CHECK(filled(p + 5 * PAGE, 5));
	EQ(madvise(p, 16 * PAGE, MADV_DONTNEED), 0);
	CHECK(filled(p + 5 * PAGE, 5));
}

TEST(not_what_it_was_opened_for)
{
	enter("rights");
	close(create("file", 1));
	int fd = open("file", O_RDONLY);
	FAILS(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), EACCES);
	char *p = map(fd, 1, PROT_READ, MAP_SHARED);
	FAILS(mprotect(p, PAGE, PROT_READ | PROT_WRITE), EACCES);
	int wr = open("file", O_WRONLY);
	FAILS(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, wr, 0), EACCES);
}
