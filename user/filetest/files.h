/* Helpers of the file tests: each case works in an empty directory of its own. */
#ifndef FILES_H
#define FILES_H

#define _GNU_SOURCE
#include "../c/tap.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <time.h>

/* BAD is an address where no program has memory. */
#define BAD ((void *)0x7fff00000000)

/* enter_dir makes a fresh directory and goes there. */
static inline void enter_dir(void)
{
	char name[] = "/tmp/filetestXXXXXX";

	CHECK(mkdtemp(name) && chdir(name) == 0);
}

/* create makes a file with the given text and returns it, open for both. */
static inline int create(const char *name, const char *text)
{
	int fd = open(name, O_CREAT | O_TRUNC | O_RDWR, 0644);

	CHECK(fd >= 0);
	EQ(write(fd, text, strlen(text)), strlen(text));
	EQ(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

/* has checks that the file contains exactly n bytes of text. */
static inline void has(int fd, const void *text, size_t n)
{
	char buf[65536];

	CHECK(n < sizeof buf);
	EQ(pread(fd, buf, sizeof buf, 0), n);
	CHECK(memcmp(buf, text, n) == 0);
}

#endif
