/* Contents by read and write. */
#include "disk.h"

TEST(holes_and_tails)
{
	char page[PAGE];

	enter("holes");
	int fd = create("file", 0);
	EQ(pwrite(fd, "end", 3, 100 * PAGE + 7), 3);
	EQ(pread(fd, page, PAGE, 50 * PAGE), PAGE);
	for (int i = 0; i < PAGE; i++)
		CHECK(page[i] == 0);
	EQ(pread(fd, page, PAGE, 100 * PAGE), 10);
	CHECK(memcmp(page, "\0\0\0\0\0\0\0end", 10) == 0);
	EQ(pread(fd, page, PAGE, 101 * PAGE), 0);
}

TEST(truncate_and_grow)
{
	char page[PAGE];

	enter("truncate");
	int fd = create("file", 4);
	EQ(ftruncate(fd, PAGE + 100), 0);
	EQ(ftruncate(fd, 3 * PAGE), 0);
	EQ(pread(fd, page, PAGE, PAGE), PAGE);
	CHECK(page[64] != 0 && page[128] == 0 && page[4032] == 0);
	EQ(pread(fd, page, PAGE, 2 * PAGE), PAGE);
	for (int i = 0; i < PAGE; i++)
		CHECK(page[i] == 0);
	EQ(lseek(fd, 0, SEEK_END), 3 * PAGE);
	int again = open("file", O_RDWR | O_TRUNC | O_APPEND);
	EQ(lseek(again, 0, SEEK_END), 0);
	EQ(write(again, "ab", 2), 2);
	EQ(write(again, "cd", 2), 2);
	EQ(pread(again, page, PAGE, 0), 4);
	CHECK(memcmp(page, "abcd", 4) == 0);
}

TEST(unlinked_file_lives_on)
{
	char page[PAGE];

	enter("unlinked");
	int fd = create("file", 20);
	EQ(unlink("file"), 0);
	EQ(fsync(fd), 0);
	EQ(pread(fd, page, PAGE, 19 * PAGE), PAGE);
	CHECK(filled(page, 19));
}

/* A program on the disk runs: its pages come from the page cache too. */
TEST(exec_from_the_disk)
{
	char buf[PAGE];
	ssize_t n;
	int status;

	enter("exec");
	int in = open("/proc/self/exe", O_RDONLY), out = open("prog", O_WRONLY | O_CREAT, 0755);
	CHECK(in >= 0 && out >= 0);
	while ((n = read(in, buf, sizeof buf)) > 0)
		EQ(write(out, buf, n), n);
	EQ(n, 0);
	EQ(close(out), 0);
	pid_t pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);
		dup2(null, 1);
		execl("./prog", "prog", "-l", NULL);
		_exit(99);
	}
	EQ(waitpid(pid, &status, 0), pid);
	EQ(status, 0);
}

/* More than there is memory, by calls and then through a mapping: every page has
 * to go to the disk and come back. */
TEST(larger_than_memory)
{
	enum { N = 48 << 8 };
	char page[PAGE];

	enter("large");
	int fd = create("file", N);
	for (size_t i = 0; i < N; i++) {
		EQ(pread(fd, page, PAGE, i * PAGE), PAGE);
		CHECK(filled(page, i));
	}
	char *p = map(fd, N, PROT_READ | PROT_WRITE, MAP_SHARED);
	for (size_t i = 0; i < N; i++) {
		CHECK(filled(p + i * PAGE, i));
		fill(p + i * PAGE, i + 7);
	}
	for (size_t i = N; i-- > 0;)
		CHECK(filled(p + i * PAGE, i + 7));
	EQ(munmap(p, N * (size_t)PAGE), 0);
	for (size_t i = 0; i < N; i += 3) {
		EQ(pread(fd, page, PAGE, i * PAGE), PAGE);
		CHECK(filled(page, i + 7));
	}
	EQ(unlink("file"), 0);
}
