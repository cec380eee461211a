/* read, write and their kin: offsets, vectors, errors, copying between files. */
#include "files.h"

#include <sys/resource.h>

TEST(read_and_write)
{
	enter_dir();
	int fd = create("f", "hello world");
	char buf[100];

	EQ(read(fd, buf, 5), 5);
	CHECK(memcmp(buf, "hello", 5) == 0);
	EQ(lseek(fd, 0, SEEK_CUR), 5);
	EQ(read(fd, buf, 100), 6);
	EQ(read(fd, buf, 100), 0);
	EQ(pread(fd, buf, 3, 6), 3);
	CHECK(memcmp(buf, "wor", 3) == 0);
	EQ(pwrite(fd, "J", 1, 0), 1);
	EQ(lseek(fd, 0, SEEK_CUR), 11);
	has(fd, "Jello world", 11);
}

TEST(lseek_errors)
{
	enter_dir();
	int fd = create("f", "0123456789"), p[2];

	EQ(lseek(fd, -1, SEEK_END), 9);
	EQ(lseek(fd, 5, SEEK_CUR), 14);
	FAILS(lseek(fd, -20, SEEK_CUR), EINVAL);
	FAILS(lseek(fd, -1, SEEK_SET), EINVAL);
	FAILS(lseek(fd, 0, 99), EINVAL);
	FAILS(lseek(99, 0, SEEK_SET), EBADF);
	FAILS(lseek(fd, 10, SEEK_DATA), ENXIO);
	EQ(lseek(fd, 3, SEEK_HOLE), 10);
	CHECK(pipe(p) == 0);
	FAILS(lseek(p[0], 0, SEEK_CUR), ESPIPE);
	FAILS(pread(p[0], &fd, 1, 0), ESPIPE);
	FAILS(pwrite(p[1], &fd, 1, 0), ESPIPE);
	FAILS(pread(fd, &fd, 1, -1), EINVAL);
}

TEST(errors)
{
	enter_dir();
	int fd = create("f", "text"), r = open("f", O_RDONLY), w = open("f", O_WRONLY), d = open(".", O_RDONLY);
	char c;

	FAILS(read(99, &c, 1), EBADF);
	FAILS(read(-1, &c, 1), EBADF);
	FAILS(write(r, &c, 1), EBADF);
	FAILS(read(w, &c, 1), EBADF);
	FAILS(read(d, &c, 1), EISDIR);
	FAILS(write(d, &c, 1), EBADF);
	FAILS(read(fd, BAD, 4), EFAULT);
	FAILS(write(fd, BAD, 4), EFAULT);
	FAILS(read(fd, (void *)-1, 4), EFAULT);
	EQ(write(fd, NULL, 0), 0);
	EQ(lseek(fd, 0, SEEK_CUR), 0);
	has(fd, "text", 4);
}

TEST(huge_counts)
{
	enter_dir();
	int fd = create("f", "text");
	char buf[8192];

	EQ(read(fd, buf, 4), 4);
	FAILS(syscall(SYS_read, fd, buf, -1L), EFAULT);
	EQ(lseek(fd, 0, SEEK_SET), 0);
}

TEST(vectors)
{
	enter_dir();
	int fd = create("f", "");
	char a[4], b[10];
	struct iovec out[3] = {{"ab", 2}, {NULL, 0}, {"cdefg", 5}}, in[2] = {{a, 3}, {b, 10}}, many[1025];

	EQ(writev(fd, out, 3), 7);
	EQ(lseek(fd, 0, SEEK_SET), 0);
	EQ(readv(fd, in, 2), 7);
	CHECK(memcmp(a, "abc", 3) == 0 && memcmp(b, "defg", 4) == 0);
	EQ(preadv(fd, in, 2, 5), 2);
	EQ(pwritev(fd, out, 1, 5), 2);
	has(fd, "abcdeab", 7);
	memset(many, 0, sizeof many);
	EQ(writev(fd, many, 1024), 0);
	FAILS(writev(fd, many, 1025), EINVAL);
	FAILS(syscall(SYS_writev, fd, many, -1L), EINVAL);
	FAILS(writev(fd, BAD, 1), EFAULT);
	many[0].iov_len = (size_t)-1;
	FAILS(writev(fd, many, 1), EINVAL);
	FAILS(writev(99, many, 1), EBADF);
}

TEST(append)
{
	enter_dir();
	int fd = create("f", "one"), a = open("f", O_WRONLY | O_APPEND);

	EQ(write(a, "two", 3), 3);
	EQ(lseek(a, 0, SEEK_CUR), 6);
	EQ(lseek(a, 0, SEEK_SET), 0);
	EQ(write(a, "3", 1), 1);
	has(fd, "onetwo3", 7);
	EQ(fcntl(fd, F_SETFL, O_APPEND), 0);
	EQ(write(fd, "4", 1), 1);
	has(fd, "onetwo34", 8);
}

TEST(holes)
{
	enter_dir();
	int fd = create("f", "start");
	struct stat st;
	char buf[6];

	EQ(pwrite(fd, "end", 3, 1 << 30), 3);
	CHECK(fstat(fd, &st) == 0);
	EQ(st.st_size, (1 << 30) + 3);
	CHECK(st.st_blocks < 1000);
	EQ(pread(fd, buf, 6, (1 << 30) - 3), 6);
	CHECK(memcmp(buf, "\0\0\0end", 6) == 0);
	EQ(ftruncate(fd, 3), 0);
	EQ(ftruncate(fd, 6), 0);
	has(fd, "sta\0\0\0", 6);
	FAILS(ftruncate(fd, -1), EINVAL);
	FAILS(truncate("none", 0), ENOENT);
	FAILS(truncate(".", 0), EISDIR);
}

TEST(large)
{
	enter_dir();
	static char out[300001], in[sizeof out];
	int fd = create("f", "");

	for (size_t k = 0; k < sizeof out; k++)
		out[k] = k * 7 + k / 4096;
	EQ(write(fd, out, sizeof out), sizeof out);
	EQ(pread(fd, in, sizeof in, 0), sizeof in);
	CHECK(memcmp(in, out, sizeof in) == 0);
	EQ(pread(fd, in, 70000, 12345), 70000);
	CHECK(memcmp(in, out + 12345, 70000) == 0);
}

TEST(send_file)
{
	enter_dir();
	int in = create("in", "0123456789"), out = create("out", ""), p[2];
	off_t at = 4;
	char buf[20];

	EQ(sendfile(out, in, NULL, 3), 3);
	EQ(lseek(in, 0, SEEK_CUR), 3);
	EQ(sendfile(out, in, &at, 100), 6);
	EQ(at, 10);
	EQ(lseek(in, 0, SEEK_CUR), 3);
	has(out, "012456789", 9);
	CHECK(pipe(p) == 0);
	EQ(sendfile(p[1], in, NULL, 100), 7);
	EQ(read(p[0], buf, 20), 7);
	FAILS(sendfile(out, p[0], NULL, 1), EINVAL);
	FAILS(sendfile(out, 99, NULL, 1), EBADF);
}

TEST(shared_offset)
{
	enter_dir();
	int fd = create("f", "0123456789"), copy = dup(fd), other = open("f", O_RDONLY), status;
	char c;

	EQ(read(fd, &c, 1), 1);
	EQ(lseek(copy, 0, SEEK_CUR), 1);
	EQ(lseek(other, 0, SEEK_CUR), 0);
	if (fork() == 0)
		_exit(read(fd, &c, 1) == 1 ? 0 : 1);
	CHECK(wait(&status) > 0 && status == 0);
	EQ(lseek(fd, 0, SEEK_CUR), 2);
}

TEST(devices)
{
	char buf[5000], twin[64], zero[5000] = {0};
	int n = open("/dev/null", O_RDWR), z = open("/dev/zero", O_RDWR), f = open("/dev/full", O_RDWR), r = open("/dev/urandom", O_RDONLY);

	CHECK(n >= 0 && z >= 0 && f >= 0 && r >= 0);
	EQ(read(n, buf, 10), 0);
	EQ(write(n, buf, 5000), 5000);
	memset(buf, 1, sizeof buf);
	EQ(read(z, buf, sizeof buf), sizeof buf);
	CHECK(memcmp(buf, zero, sizeof buf) == 0);
	FAILS(write(f, buf, 1), ENOSPC);
	EQ(read(r, buf, 64), 64);
	EQ(read(r, twin, 64), 64);
	CHECK(memcmp(buf, twin, 64) != 0);
	FAILS(ioctl(n, TCGETS, buf), ENOTTY);
}

static volatile int signals;

static void on_signal(int sig) { signals += sig; }

TEST(file_size_limit)
{
	enter_dir();
	int fd = create("f", "");
	struct rlimit l = {6, RLIM_INFINITY};

	signal(SIGXFSZ, on_signal);
	EQ(setrlimit(RLIMIT_FSIZE, &l), 0);
	EQ(write(fd, "0123456789", 10), 6);
	EQ(signals, 0);
	FAILS(write(fd, "x", 1), EFBIG);
	EQ(signals, SIGXFSZ);
	EQ(pwrite(fd, "x", 1, 0), 1);
	FAILS(ftruncate(fd, 7), EFBIG);
}
