/* Streams: bytes, their end, and how long calls wait. */
#include "sockets.h"

#include <sys/sendfile.h>

static volatile int pipes; /* SIGPIPEs */

static void on_pipe(int sig) { pipes += sig == SIGPIPE; }

TEST(bytes_both_ways)
{
	int p[2], n;
	char buf[100];

	pair(SOCK_STREAM, p);
	EQ(write(p[0], "abc", 3), 3);
	EQ(send(p[0], "def", 3, 0), 3);
	EQ(ioctl(p[1], FIONREAD, &n), 0);
	EQ(n, 6);
	EQ(write(p[1], "xyz", 3), 3);
	EQ(read(p[1], buf, 4), 4); /* a stream knows no messages */
	CHECK(memcmp(buf, "abcd", 4) == 0);
	expect(p[1], "ef");
	expect(p[0], "xyz");
	struct iovec v[3] = {{"1", 1}, {"", 0}, {"23", 2}}, w[2] = {{buf, 2}, {buf + 10, 5}};
	EQ(writev(p[0], v, 3), 3);
	EQ(readv(p[1], w, 2), 3);
	CHECK(buf[0] == '1' && buf[1] == '2' && buf[10] == '3');
	EQ(write(p[0], "", 0), 0);
	EQ(ioctl(p[1], FIONREAD, &n), 0);
	EQ(n, 0);
	EQ(read(p[1], buf, 0), 0);
	EQ(recv(p[1], buf, 1, MSG_DONTWAIT), -1);
	EQ(errno == 0 || errno == EAGAIN, 1);
	CHECK(nonblocking(p[1]) == 0);
	FAILS(read(p[1], buf, 1), EAGAIN);
	FAILS(recv(p[1], buf, 1, MSG_OOB), EINVAL);
	FAILS(write(p[0], BAD, 5), EFAULT);
	EQ(write(p[0], "x", 1), 1);
	FAILS(read(p[1], BAD, 5), EFAULT);
}

TEST(not_connected)
{
	char c;
	int s = make(SOCK_STREAM);

	signal(SIGPIPE, on_pipe);
	FAILS(send(s, "x", 1, 0), ENOTCONN);
	FAILS(recv(s, &c, 1, 0), EINVAL);
	FAILS(write(s, "x", 1), ENOTCONN);
	EQ(pipes, 0);
	EQ(shutdown(s, SHUT_RDWR), 0);
	FAILS(shutdown(s, 3), EINVAL);
	FAILS(send_to(s, "x", unique("x")), EOPNOTSUPP);
	int p[2];
	pair(SOCK_STREAM, p);
	FAILS(send_to(p[0], "x", unique("x")), EISCONN);
}

TEST(end_of_stream)
{
	int p[2];
	char c;

	signal(SIGPIPE, on_pipe);
	pair(SOCK_STREAM, p);
	CHECK(write(p[0], "last", 4) == 4);
	close(p[0]);
	expect(p[1], "last");
	EQ(read(p[1], &c, 1), 0);
	EQ(read(p[1], &c, 1), 0);
	FAILS(write(p[1], "x", 1), EPIPE);
	EQ(pipes, 1);
	FAILS(send(p[1], "x", 1, MSG_NOSIGNAL), EPIPE);
	EQ(pipes, 1);
	/* what was lost on the way is told once */
	pair(SOCK_STREAM, p);
	CHECK(write(p[1], "unread", 6) == 6 && write(p[0], "read", 4) == 4);
	close(p[0]);
	expect(p[1], "read");
	FAILS(read(p[1], &c, 1), ECONNRESET);
	EQ(read(p[1], &c, 1), 0);
	pair(SOCK_STREAM, p);
	CHECK(write(p[1], "unread", 6) == 6);
	close(p[0]);
	EQ(get_int(p[1], SO_ERROR), ECONNRESET);
	EQ(get_int(p[1], SO_ERROR), 0);
}

TEST(shutdown_of_one_direction)
{
	int p[2];
	char c;

	signal(SIGPIPE, on_pipe);
	pair(SOCK_STREAM, p);
	CHECK(write(p[0], "ab", 2) == 2);
	EQ(shutdown(p[0], SHUT_WR), 0);
	FAILS(write(p[0], "x", 1), EPIPE);
	EQ(pipes, 1);
	expect(p[1], "ab");
	EQ(read(p[1], &c, 1), 0);
	EQ(write(p[1], "back", 4), 4);
	expect(p[0], "back");
	CHECK(write(p[1], "left", 4) == 4);
	EQ(shutdown(p[0], SHUT_RD), 0);
	expect(p[0], "left");
	EQ(read(p[0], &c, 1), 0);
	FAILS(send(p[1], "x", 1, MSG_NOSIGNAL), EPIPE);
}

TEST(last_reference_ends_it)
{
	int p[2], go[2];
	char c;

	pair(SOCK_STREAM, p);
	CHECK(pipe(go) == 0);
	int copy = dup(p[0]);
	pid_t child = fork();
	if (child == 0) {
		close(p[1]);
		_exit(read(go[0], &c, 1) != 1 || write(p[0], "child", 5) != 5);
	}
	close(p[0]);
	CHECK(write(copy, "copy", 4) == 4);
	close(copy);
	expect(p[1], "copy");
	CHECK(write(go[1], "x", 1) == 1);
	expect(p[1], "child");
	EQ(read(p[1], &c, 1), 0);
	await_child(child);
}

TEST(peek)
{
	int p[2];
	char buf[10];

	pair(SOCK_STREAM, p);
	CHECK(write(p[0], "abcdef", 6) == 6);
	EQ(recv(p[1], buf, 4, MSG_PEEK), 4);
	EQ(recv(p[1], buf + 4, 6, MSG_PEEK), 6);
	CHECK(memcmp(buf, "abcdabcdef", 10) == 0);
	EQ(recv(p[1], buf, 2, MSG_TRUNC), 2);
	expect(p[1], "cdef");
	/* across what was sent at one time */
	static char big[50000], back[50000];
	for (size_t k = 0; k < sizeof big; k++)
		big[k] = (char)(k * 7 ^ k >> 9);
	EQ(write(p[0], big, 20000), 20000);
	EQ(write(p[0], big + 20000, 30000), 30000);
	EQ(recv(p[1], back, 50000, MSG_PEEK), 50000);
	CHECK(memcmp(big, back, 50000) == 0);
	memset(back, 0, sizeof back);
	EQ(recv(p[1], back, 12345, 0), 12345);
	EQ(recv(p[1], back + 12345, 40000, 0), 50000 - 12345);
	CHECK(memcmp(big, back, 50000) == 0);
}

static void *late(void *arg)
{
	int *p = arg;

	pause_ms(40);
	CHECK(write(p[0], "abc", 3) == 3);
	pause_ms(40);
	CHECK(write(p[0], "def", 3) == 3);
	return NULL;
}

static void later(pthread_t *t, int p[2])
{
	CHECK(pthread_create(t, NULL, late, p) == 0);
}

TEST(waiting_for_all)
{
	int p[2];
	char buf[10];
	pthread_t t;

	pair(SOCK_STREAM, p);
	later(&t, p);
	EQ(recv(p[1], buf, 6, MSG_WAITALL), 6);
	pthread_join(t, NULL);
	CHECK(write(p[0], "abc", 3) == 3);
	EQ(recv(p[1], buf, 6, 0), 3);
	CHECK(set_int(p[1], SO_RCVLOWAT, 5) == 0);
	later(&t, p);
	EQ(recv(p[1], buf, 10, 0), 6);
	pthread_join(t, NULL);
	CHECK(write(p[0], "ab", 2) == 2 && shutdown(p[0], SHUT_WR) == 0);
	EQ(recv(p[1], buf, 6, MSG_WAITALL), 2);
}

/* A stream takes so much and no more, and more again once that is read. */
TEST(full)
{
	static char buf[65536];
	int p[2];
	long total = 0, n, got = 0;

	pair(SOCK_STREAM, p);
	CHECK(nonblocking(p[0]) == 0 && nonblocking(p[1]) == 0);
	while ((n = write(p[0], buf, sizeof buf)) > 0)
		total += n;
	CHECK(n == -1 && errno == EAGAIN);
	CHECK(total >= 100000 && total <= 500000);
	EQ(ready(p[0]), 0);
	CHECK(read(p[1], buf, 20) == 20);
	EQ(ready(p[0]), 0); /* not worth it yet */
	for (got = 20; (n = read(p[1], buf, sizeof buf)) > 0; got += n)
		;
	EQ(got, total);
	EQ(ready(p[0]), POLLOUT);
	CHECK(set_int(p[0], SO_SNDBUF, 1) == 0);
	for (total = 0; (n = write(p[0], buf, sizeof buf)) > 0; total += n)
		;
	CHECK(total > 0 && total <= 20000);
}

TEST(a_long_way)
{
	static unsigned char out[400000], in[400000];
	int p[2];

	for (size_t k = 0; k < sizeof out; k++)
		out[k] = (unsigned char)(k ^ k >> 8 ^ k >> 16);
	pair(SOCK_STREAM, p);
	pid_t child = fork();
	if (child == 0) {
		close(p[1]);
		_exit(write(p[0], out, sizeof out) != sizeof out);
	}
	close(p[0]);
	size_t got = 0;
	for (ssize_t n; (n = read(p[1], in + got, got % 9999 + 1 < sizeof in - got ? got % 9999 + 1 : sizeof in - got)) > 0;)
		got += (size_t)n;
	EQ(got, sizeof in);
	CHECK(memcmp(in, out, sizeof in) == 0);
	await_child(child);
}

/* A writer that waits for room is told that there will be none. */
TEST(reader_goes_while_writer_waits)
{
	static char buf[1 << 20];
	int p[2];

	signal(SIGPIPE, on_pipe);
	for (int k = 0; k < 2; k++) {
		pair(SOCK_STREAM, p);
		pid_t child = fork();
		if (child == 0) {
			close(p[0]);
			pause_ms(40);
			if (k)
				shutdown(p[1], SHUT_RD);
			_exit(0);
		}
		if (!k)
			close(p[1]);
		long n = write(p[0], buf, sizeof buf);
		CHECK(n > 0 && n < (long)sizeof buf);
		FAILS(write(p[0], buf, 1), EPIPE);
		await_child(child);
		close(p[0]);
		if (k)
			close(p[1]);
	}
	EQ(pipes, 2);
}

TEST(timeouts)
{
	static char buf[1 << 20];
	struct timeval t = {0, 30000};
	struct timespec a, b;
	int p[2];

	pair(SOCK_STREAM, p);
	CHECK(setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t) == 0);
	CHECK(setsockopt(p[0], SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t) == 0);
	clock_gettime(CLOCK_MONOTONIC, &a);
	FAILS(recv(p[0], buf, 1, 0), EAGAIN);
	clock_gettime(CLOCK_MONOTONIC, &b);
	CHECK((b.tv_sec - a.tv_sec) * 1000000000L + b.tv_nsec - a.tv_nsec >= 29000000L);
	long n = send(p[0], buf, sizeof buf, 0);
	CHECK(n > 0 && n < (long)sizeof buf);
	FAILS(send(p[0], buf, 1, 0), EAGAIN);
	const char *name = unique("timeout");
	int s = listener(SOCK_STREAM, name, 3);
	CHECK(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t) == 0);
	FAILS(accept(s, NULL, NULL), EAGAIN);
}

static volatile int alarms;

static void on_alarm(int sig) { alarms += sig == SIGALRM; }

/* alarms_from_now come until it is called with 0: one of them finds the call that it is for asleep. */
static void alarms_from_now(int ms, int flags)
{
	struct sigaction a = {.sa_handler = on_alarm, .sa_flags = flags};
	struct itimerval v = {{0, ms * 1000}, {0, ms * 1000}};

	CHECK(sigaction(SIGALRM, &a, NULL) == 0);
	CHECK(setitimer(ITIMER_REAL, &v, NULL) == 0);
}

/* writes_after_alarms sends a byte once three alarms have come, which this thread leaves to the other. */
static void *writes_after_alarms(void *arg)
{
	int until = alarms + 3;

	while (alarms < until)
		pause_ms(1);
	CHECK(write(*(int *)arg, "x", 1) == 1);
	return NULL;
}

TEST(signals_end_waits)
{
	static char buf[1 << 20];
	struct timeval t = {100, 0};
	const char *name = unique("signals");
	int p[2], s = listener(SOCK_STREAM, name, 0);
	pthread_t thread;
	sigset_t alarm_set;
	char c;

	pair(SOCK_STREAM, p);
	CHECK(connect_to(make(SOCK_STREAM), name) == 0);
	alarms_from_now(20, 0);
	FAILS(recv(p[0], &c, 1, 0), EINTR);
	FAILS(connect_to(make(SOCK_STREAM), name), EINTR);
	close(accept(s, NULL, NULL));
	FAILS(accept(s, NULL, NULL), EINTR);
	long n = send(p[0], buf, sizeof buf, 0); /* some of it was sent */
	CHECK(n > 0 && n < (long)sizeof buf);
	FAILS(send(p[0], buf, sizeof buf, 0), EINTR);
	/* the call goes on after a handler that says so */
	alarms_from_now(0, 0);
	pair(SOCK_STREAM, p);
	sigemptyset(&alarm_set);
	sigaddset(&alarm_set, SIGALRM);
	CHECK(pthread_sigmask(SIG_BLOCK, &alarm_set, NULL) == 0);
	CHECK(pthread_create(&thread, NULL, writes_after_alarms, p) == 0);
	CHECK(pthread_sigmask(SIG_UNBLOCK, &alarm_set, NULL) == 0);
	alarms_from_now(20, SA_RESTART);
	EQ(recv(p[1], buf, 10, 0), 1);
	pthread_join(thread, NULL);
	/* but not if it has a time limit */
	CHECK(setsockopt(p[1], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t) == 0);
	FAILS(recv(p[1], &c, 1, 0), EINTR);
}

TEST(files_into_sockets)
{
	int p[2], fd;
	char buf[100];

	enter_dir();
	CHECK((fd = open("f", O_RDWR | O_CREAT, 0600)) >= 0 && write(fd, "0123456789", 10) == 10);
	pair(SOCK_STREAM, p);
	off_t at = 3;
	EQ(sendfile(p[0], fd, &at, 100), 7);
	EQ(at, 10);
	expect(p[1], "3456789");
	FAILS(sendfile(fd, p[1], NULL, 1), EINVAL);
	int q[2];
	pair(SOCK_SEQPACKET, q);
	at = 0;
	EQ(sendfile(q[0], fd, &at, 4), 4);
	EQ(read(q[1], buf, 100), 4);
}

TEST(sequences)
{
	int p[2];
	char c;

	signal(SIGPIPE, on_pipe);
	pair(SOCK_SEQPACKET, p);
	CHECK(send(p[0], "one", 3, 0) == 3 && send(p[0], "", 0, 0) == 0 && send(p[0], "two", 3, 0) == 3);
	int n;
	EQ(ioctl(p[1], FIONREAD, &n), 0);
	EQ(n, 6);
	expect(p[1], "one");
	expect(p[1], "");
	EQ(recv(p[1], &c, 1, 0), 1); /* the rest of a message is lost */
	CHECK(nonblocking(p[1]) == 0);
	FAILS(recv(p[1], &c, 1, 0), EAGAIN);
	EQ(send_to(p[0], "x", unique("ignored")), 1);
	expect(p[1], "x");
	EQ(shutdown(p[0], SHUT_WR), 0);
	EQ(recv(p[1], &c, 1, 0), 0);
	FAILS(send(p[0], "x", 1, 0), EPIPE);
	EQ(pipes, 0); /* only streams give the signal */
	EQ(send(p[1], "y", 1, 0), 1);
	close(p[1]);
	expect(p[0], "y");
	EQ(recv(p[0], &c, 1, 0), 0);
	int s = make(SOCK_SEQPACKET);
	FAILS(send(s, "x", 1, 0), ENOTCONN);
	FAILS(recv(s, &c, 1, 0), ENOTCONN);
}
