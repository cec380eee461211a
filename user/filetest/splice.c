/* splice: bytes between a pipe and any other file. */
#include "files.h"

#include <sys/socket.h>

TEST(splice_files)
{
	enter_dir();
	int in = create("in", "0123456789"), out = create("out", "abcdefghij"), p[2];
	loff_t at = 4;

	CHECK(pipe(p) == 0);
	EQ(splice(in, &at, p[1], NULL, 100, 0), 6);
	EQ(at, 10);
	EQ(lseek(in, 0, SEEK_CUR), 0);
	EQ(splice(in, NULL, p[1], NULL, 2, 0), 2);
	EQ(lseek(in, 0, SEEK_CUR), 2);
	at = 1;
	EQ(splice(p[0], NULL, out, &at, 3, 0), 3);
	EQ(at, 4);
	has(out, "a456efghij", 10);
	EQ(lseek(out, 7, SEEK_SET), 7);
	EQ(splice(p[0], NULL, out, NULL, 100, 0), 5);
	EQ(lseek(out, 0, SEEK_CUR), 12);
	has(out, "a456efg78901", 12);
	at = 10;
	EQ(splice(in, &at, p[1], NULL, 100, 0), 0); /* the end */
	EQ(splice(in, NULL, p[1], NULL, 0, 0), 0);
}

TEST(splice_refuses)
{
	enter_dir();
	int in = create("in", "0123456789"), out = create("out", ""), p[2];
	int log = open("out", O_WRONLY | O_APPEND), dir = open(".", O_RDONLY);
	loff_t at = 0;

	CHECK(pipe(p) == 0 && write(p[1], "x", 1) == 1);
	FAILS(splice(in, NULL, out, NULL, 1, 0), EINVAL);
	FAILS(splice(p[0], NULL, p[1], NULL, 1, 0), EINVAL);
	FAILS(splice(p[0], NULL, log, NULL, 1, 0), EINVAL);
	FAILS(splice(p[0], &at, out, NULL, 1, 0), ESPIPE);
	FAILS(splice(in, NULL, p[1], &at, 1, 0), ESPIPE);
	FAILS(splice(p[1], NULL, out, NULL, 1, 0), EBADF);
	FAILS(splice(in, NULL, p[0], NULL, 1, 0), EBADF);
	FAILS(splice(99, NULL, p[1], NULL, 1, 0), EBADF);
	FAILS(splice(in, NULL, p[1], NULL, 1, 0x100), EINVAL);
	FAILS(splice(dir, NULL, p[1], NULL, 1, 0), EINVAL);
	FAILS(splice(in, BAD, p[1], NULL, 1, 0), EFAULT);
	at = -1;
	FAILS(splice(in, &at, p[1], NULL, 1, 0), EINVAL);
	signal(SIGPIPE, SIG_IGN);
	close(p[0]);
	FAILS(splice(in, NULL, p[1], NULL, 1, 0), EPIPE);
}

TEST(splice_waits)
{
	enter_dir();
	int out = create("out", ""), p[2], status;

	CHECK(pipe(p) == 0);
	FAILS(splice(p[0], NULL, out, NULL, 10, SPLICE_F_NONBLOCK), EAGAIN);
	if (fork() == 0)
		_exit(write(p[1], "late", 4) != 4);
	EQ(splice(p[0], NULL, out, NULL, 10, 0), 4);
	CHECK(wait(&status) > 0 && status == 0);
	has(out, "late", 4);
	close(p[1]);
	EQ(splice(p[0], NULL, out, NULL, 10, 0), 0);
	/* a full pipe */
	static char big[100000];
	int in = create("in", "");
	CHECK(write(in, big, sizeof big) == sizeof big && lseek(in, 0, SEEK_SET) == 0 && pipe(p) == 0);
	EQ(splice(in, NULL, p[1], NULL, sizeof big, SPLICE_F_NONBLOCK), 65536);
	FAILS(splice(in, NULL, p[1], NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
	EQ(read(p[0], big, sizeof big), 65536);
	EQ(splice(in, NULL, p[1], NULL, sizeof big, SPLICE_F_NONBLOCK), sizeof big - 65536);
}

/* What a socket does not take is still in the pipe. */
TEST(splice_sockets)
{
	static char big[600000], back[600000];
	int s[2], p[2], q[2];

	enter_dir();
	for (size_t k = 0; k < sizeof big; k++)
		big[k] = k ^ k >> 8;
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0 && pipe(p) == 0 && pipe(q) == 0);
	CHECK(fcntl(s[0], F_SETFL, O_NONBLOCK) == 0 && fcntl(p[1], F_SETPIPE_SZ, 1 << 20) == 1 << 20);
	EQ(write(p[1], big, sizeof big), sizeof big);
	size_t sent = 0, got = 0;
	for (ssize_t n; sent < sizeof big;) {
		while (sent < sizeof big && (n = splice(p[0], NULL, s[0], NULL, sizeof big, SPLICE_F_NONBLOCK)) > 0)
			sent += n;
		CHECK(sent == sizeof big || errno == EAGAIN);
		while (got < sent && (n = splice(s[1], NULL, q[1], NULL, sizeof big, SPLICE_F_NONBLOCK)) > 0)
			for (ssize_t want = n; want > 0; want -= n, got += n)
				CHECK((n = read(q[0], back + got, want)) > 0);
	}
	EQ(got, sizeof big);
	CHECK(memcmp(big, back, sizeof big) == 0);
	FAILS(splice(s[1], NULL, q[1], NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
	close(s[0]);
	EQ(splice(s[1], NULL, q[1], NULL, 1, 0), 0);
}
