/* Disks that answer no more, from the moment on that this program asks the host for it. */
#define _GNU_SOURCE
#include "diskfault.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/swap.h>

enum { FEW = 16, MANY = 4800 };

/* The disk of /mnt: what is in memory can be read still, all else is an error, and nothing
 * waits for ever. */
TEST(gone_files)
{
	char page[PAGE] = "x";
	int a = open("/mnt/good", O_RDWR), b = open("/mnt/bad", O_RDWR), fd;
	struct stat st;
	char *p;

	CHECK(a >= 0 && b >= 0);
	EQ(pread(a, page, PAGE, 0), PAGE);
	p = mmap(NULL, FEW * PAGE, PROT_READ, MAP_SHARED, b, 0);
	CHECK(p != MAP_FAILED);
	host("take /mnt");
	/* a disk that is to answer nothing may answer this */
	if (pread(b, page, PAGE, 12 * PAGE) < 0)
		CHECK(errno == EIO);
	EQ(pread(a, page, PAGE, 0), PAGE);
	FAILS(pread(b, page, PAGE, 8 * PAGE), EIO);
	EQ(tap_read_fault(p + 9 * PAGE).sig, SIGBUS);
	EQ(pwrite(a, page, PAGE, 0), PAGE);
	FAILS(fsync(a), EIO);
	FAILS(pwrite(b, page, 1, 10 * PAGE), EIO);
	FAILS(stat("/mnt/dark/x", &st), EIO);
	fd = open("/mnt/new", O_CREAT | O_RDWR, 0644);
	if (fd >= 0) {
		if (write(fd, page, PAGE) > 0)
			FAILS(fsync(fd), EIO);
		close(fd);
	} else {
		CHECK(errno == EIO);
	}
	sync();
	FAILS(syncfs(a), EIO);
	munmap(p, FEW * PAGE);
	close(a);
	close(b);
	whole();
}

/* The swap disk, of two: what is on it is lost, and who has pages nowhere else goes on. */
TEST(gone_swap)
{
	char *p;
	int lost = 0, status, pid;

	steady();
	p = mmap(NULL, MANY * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED);
	for (size_t i = 0; i < MANY; i++)
		tagged(p + i * PAGE, 1, i);
	host("take swap");
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) { /* one that has nothing there so far */
		char *q;

		CHECK(munmap(p, MANY * PAGE) == 0);
		steady();
		q = mmap(NULL, 2000 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		CHECK(q != MAP_FAILED);
		for (size_t i = 0; i < 2000; i++)
			tagged(q + i * PAGE, 2, i);
		for (size_t i = 0; i < 2000; i++)
			CHECK(try_page(q + i * PAGE, 2, i) == 1);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	EQ(status, 0);
	for (size_t i = 0; i < MANY; i++)
		lost += !try_page(p + i * PAGE, 1, i);
	printf("# %d of %d pages lost, %ld slots retired\n", lost, MANY, vmstat("swap_write_error"));
	CHECK(lost > 0);
	munmap(p, MANY * PAGE);
	whole();
}
