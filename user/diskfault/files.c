/* Files on a disk with bad sectors. What is where the host has arranged: /mnt/good and
 * /mnt/bad have 16 pages; page 5 of bad cannot be read. Page 5 of /mnt/full cannot be
 * written. The inode of /mnt/far/lost and the only block of the directory /mnt/dark cannot be
 * read. */
#define _GNU_SOURCE
#include "diskfault.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { PAGES = 16, BAD = 5 };

static int open_file(const char *name, int flags)
{
	int fd = open(name, flags);

	CHECK(fd >= 0);
	return fd;
}

static char *map(int fd, int prot, int flags)
{
	char *p = mmap(NULL, PAGES * PAGE, prot, flags, fd, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

TEST(read_error)
{
	char page[PAGE], more[3 * PAGE];
	long before = vmstat("file_read_error");
	int fd = open_file("/mnt/bad", O_RDONLY);

	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < PAGES; i++) {
			if (i == BAD) {
				FAILS(pread(fd, page, PAGE, (off_t)(i * PAGE)), EIO);
				continue;
			}
			EQ(pread(fd, page, PAGE, (off_t)(i * PAGE)), PAGE);
			CHECK(has_tag(page, 1, i));
		}
	/* up to the bad page, and then the error */
	EQ(pread(fd, more, sizeof more, (BAD - 1) * PAGE), PAGE);
	CHECK(vmstat("file_read_error") > before);
	close(fd);
}

TEST(read_error_mapped)
{
	int fd = open_file("/mnt/bad", O_RDWR), good = open_file("/mnt/good", O_RDWR);

	for (int flags = MAP_SHARED; flags <= MAP_PRIVATE; flags++) {
		char *p = map(fd, PROT_READ | PROT_WRITE, flags);

		for (size_t i = 0; i < PAGES; i++)
			EQ(try_page(p + i * PAGE, 1, i), i != BAD);
		EQ(tap_write_fault(p + BAD * PAGE).sig, SIGBUS);
		/* a call that needs the page has an errno instead */
		FAILS(write(good, p + BAD * PAGE, 8), EFAULT);
		munmap(p, PAGES * PAGE);
	}
	close(good);
	close(fd);
}

/* A write of the whole bad page needs nothing of it: the page is good then. */
TEST(write_mends)
{
	char page[PAGE];
	int fd = open_file("/mnt/bad", O_RDWR);

	FAILS(pwrite(fd, "x", 1, BAD * PAGE + 7), EIO);
	tagged(page, 1, BAD);
	EQ(pwrite(fd, page, PAGE, BAD * PAGE), PAGE);
	memset(page, 0, PAGE);
	EQ(pread(fd, page, PAGE, BAD * PAGE), PAGE);
	CHECK(has_tag(page, 1, BAD));
	EQ(fsync(fd), 0);
	close(fd);
}

TEST(write_error)
{
	char page[PAGE];
	long before = vmstat("file_write_error");
	int a = open_file("/mnt/full", O_RDWR), b = open_file("/mnt/full", O_RDONLY), good = open_file("/mnt/good", O_RDWR), late;

	for (size_t i = 0; i < PAGES; i++) {
		tagged(page, 2, i);
		EQ(pwrite(a, page, PAGE, (off_t)(i * PAGE)), PAGE);
	}
	EQ(pwrite(good, page, 8, 0), 8);
	EQ(fsync(good), 0);
	FAILS(fsync(a), EIO);
	EQ(fsync(a), 0);
	late = open_file("/mnt/full", O_RDONLY);
	EQ(fsync(late), 0);
	FAILS(fdatasync(b), EIO); /* another that was open then */
	EQ(fsync(b), 0);
	EQ(vmstat("file_write_error") - before, 1); /* its neighbours in the request were written */
	for (size_t i = 0; i < PAGES; i++) {
		EQ(pread(late, page, PAGE, (off_t)(i * PAGE)), PAGE);
		CHECK(has_tag(page, 2, i));
	}
	EQ(close(a), 0);
	close(b);
	close(late);
	close(good);
}

TEST(write_error_mapped)
{
	int fd = open_file("/mnt/full", O_RDWR);
	char *p = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED);

	tagged(p + 4 * PAGE, 3, 4);
	EQ(msync(p, PAGES * PAGE, MS_SYNC), 0);
	tagged(p + BAD * PAGE, 3, BAD);
	FAILS(msync(p, PAGES * PAGE, MS_SYNC), EIO);
	EQ(msync(p, PAGES * PAGE, MS_SYNC), 0);
	/* a store counts for fsync as well */
	tagged(p + BAD * PAGE, 4, BAD);
	FAILS(fsync(fd), EIO);
	CHECK(has_tag(p + BAD * PAGE, 4, BAD));
	munmap(p, PAGES * PAGE);
	close(fd);
}

TEST(write_error_o_sync)
{
	char page[PAGE];
	int fd = open_file("/mnt/full", O_WRONLY | O_SYNC);

	tagged(page, 5, 0);
	EQ(pwrite(fd, page, PAGE, 0), PAGE);
	FAILS(pwrite(fd, page, PAGE, BAD * PAGE), EIO);
	EQ(pwrite(fd, page, PAGE, 0), PAGE);
	close(fd);
}

TEST(unreadable_inode)
{
	struct stat st;
	char name[32];

	FAILS(stat("/mnt/far/lost", &st), EIO);
	FAILS(open("/mnt/far/lost", O_RDONLY), EIO);
	EQ(stat("/mnt/good", &st), 0);
	for (int i = 0; i < 40; i++) {
		sprintf(name, "/mnt/new%d", i);
		int fd = open(name, O_RDWR | O_CREAT, 0644);

		CHECK(fd >= 0);
		EQ(write(fd, name, 8), 8);
		EQ(fsync(fd), 0);
		close(fd);
		EQ(unlink(name), 0);
	}
}

TEST(unreadable_directory)
{
	DIR *d = opendir("/mnt/dark");
	struct stat st;

	CHECK(d != NULL);
	errno = 0;
	CHECK(readdir(d) == NULL);
	EQ(errno == EIO || errno == 0, 1);
	closedir(d);
	FAILS(stat("/mnt/dark/x", &st), EIO);
	FAILS(rmdir("/mnt/dark"), EIO);
	d = opendir("/mnt");
	CHECK(d != NULL && readdir(d) != NULL);
	closedir(d);
}

TEST(nothing_lost)
{
	sync();
	whole();
}
