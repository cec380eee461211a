#include "mm.h"

static int wait_ok(pid_t pid)
{
	int status;

	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

TEST(cow_child_writes)
{
	char *p = new_pages(16, RW);

	fill(p, 16);
	pid_t pid = fork();
	if (pid == 0) {
		memset(p, 0, PAGES(16));
		_exit(0);
	}
	CHECK(wait_ok(pid));
	for (size_t i = 0; i < 16; i++)
		CHECK(filled(p + PAGES(i), i));
}

TEST(cow_parent_writes)
{
	char *p = new_pages(16, RW);
	int fd[2];
	char c;

	fill(p, 16);
	CHECK(pipe(fd) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		if (read(fd[0], &c, 1) != 1)
			_exit(2);
		for (size_t i = 0; i < 16; i++)
			if (!filled(p + PAGES(i), i))
				_exit(1);
		_exit(0);
	}
	memset(p, 0, PAGES(16));
	CHECK(write(fd[1], "g", 1) == 1);
	CHECK(wait_ok(pid));
}

TEST(cow_generations)
{
	char *p = new_pages(4, RW);

	p[0] = 1;
	for (int g = 0; g < 6; g++) {
		pid_t pid = fork();
		CHECK(pid >= 0);
		if (pid > 0) {
			CHECK(wait_ok(pid));
			CHECK(p[0] == g + 1);
			if (g > 0)
				_exit(0);
			return;
		}
		p[0]++;
	}
	_exit(0);
}

TEST(cow_by_the_kernel)
{
	char *p = new_pages(1, RW);
	int fd[2];

	p[0] = 'p';
	CHECK(pipe(fd) == 0 && write(fd[1], "c", 1) == 1);
	pid_t pid = fork();
	if (pid == 0)
		_exit(read(fd[0], p, 1) == 1 && p[0] == 'c' ? 0 : 1); /* copy-out breaks the sharing */
	CHECK(wait_ok(pid));
	CHECK(p[0] == 'p');
}

TEST(cow_last_owner_writes_in_place)
{
	char *p = new_pages(64, RW);

	fill(p, 64);
	for (int i = 0; i < 10; i++) {
		pid_t pid = fork();
		if (pid == 0)
			_exit(0);
		CHECK(wait_ok(pid));
		fill(p, 64);
	}
	for (size_t i = 0; i < 64; i++)
		CHECK(filled(p + PAGES(i), i));
}

TEST(cow_read_only_mapping_is_inherited)
{
	char *p = new_pages(1, PROT_READ);
	pid_t pid = fork();

	if (pid == 0)
		_exit(tap_write_fault(p).code == SEGV_ACCERR ? 0 : 1);
	CHECK(wait_ok(pid));
}

/* Files: a private mapping sees the file until it is written to, and SIGBUS is
 * what lies beyond the file's last page. */
TEST(private_file_mapping)
{
	int fd = open("/tmp/mmaptest-file", O_CREAT | O_TRUNC | O_RDWR, 0600);
	char *p, c;

	CHECK(fd >= 0 && write(fd, "contents", 8) == 8);
	p = mmap(NULL, PAGES(2), RW, MAP_PRIVATE, fd, 0);
	CHECK(p != MAP_FAILED && memcmp(p, "contents", 8) == 0 && p[8] == 0 && p[4095] == 0);
	p[0] = 'C';
	CHECK(pread(fd, &c, 1, 0) == 1 && c == 'c');
	struct tap_fault f = tap_read_fault(p + PAGES(1));
	CHECK(f.sig == SIGBUS && f.code == BUS_ADRERR && f.addr == p + PAGES(1));
	CHECK(close(fd) == 0 && p[1] == 'o');
	CHECK(unlink("/tmp/mmaptest-file") == 0 && p[2] == 'n');
	FAILS(mmap(NULL, PAGES(1), PROT_READ, MAP_PRIVATE, fd, 0), EBADF);
}
