/* Calls that meet each other. */
#include "sockets.h"

enum { ROUNDS = 150 };

static pthread_barrier_t both;
static int fds[2];

static void meet(void) { pthread_barrier_wait(&both); }

static void against(void *(*other)(void *), void *arg, pthread_t *t)
{
	CHECK(pthread_create(t, NULL, other, arg) == 0);
}

static void *closes_peer(void *arg)
{
	(void)arg;
	for (int k = 0; k < ROUNDS; k++) {
		meet();
		close(fds[1]);
		meet();
	}
	return NULL;
}

/* The other end closes while this one receives: it gets the end, or what was lost. */
TEST(close_against_receive)
{
	pthread_t t;
	char c;

	pthread_barrier_init(&both, NULL, 2);
	against(closes_peer, NULL, &t);
	for (int k = 0; k < ROUNDS; k++) {
		pair(k & 1 ? SOCK_SEQPACKET : SOCK_STREAM, fds);
		if (k % 3 == 0)
			CHECK(send(fds[0], "x", 1, 0) == 1);
		meet();
		ssize_t n = recv(fds[0], &c, 1, 0);
		CHECK(n == 0 || (n == -1 && errno == ECONNRESET && k % 3 == 0));
		EQ(recv(fds[0], &c, 1, 0), 0);
		meet();
		close(fds[0]);
	}
	pthread_join(t, NULL);
}

static void *sends(void *arg)
{
	char buf[3000];

	(void)arg;
	memset(buf, 's', sizeof buf);
	for (int k = 0; k < ROUNDS; k++) {
		meet();
		while (send(fds[1], buf, sizeof buf, MSG_NOSIGNAL) == (ssize_t)sizeof buf)
			;
		CHECK(errno == EPIPE || errno == 0);
		meet();
	}
	return NULL;
}

TEST(shutdown_against_send)
{
	static char buf[20000];
	pthread_t t;

	pthread_barrier_init(&both, NULL, 2);
	against(sends, NULL, &t);
	for (int k = 0; k < ROUNDS; k++) {
		int type = k & 1 ? SOCK_SEQPACKET : SOCK_STREAM;
		pair(type, fds);
		meet();
		for (int r = 0; r < k % 5; r++)
			CHECK(recv(fds[0], buf, sizeof buf, 0) > 0);
		CHECK(shutdown(fds[k & 2 ? 0 : 1], k & 2 ? SHUT_RD : SHUT_WR) == 0);
		meet();
		ssize_t n;
		while ((n = recv(fds[0], buf, sizeof buf, 0)) > 0)
			CHECK(type == SOCK_STREAM || n == 3000); /* a message is whole */
		EQ(n, 0);
		close(fds[0]);
		close(fds[1]);
	}
	pthread_join(t, NULL);
}

static const char *place;

static void *connects(void *arg)
{
	char c;

	(void)arg;
	for (int k = 0; k < ROUNDS; k++) {
		int s = make(SOCK_STREAM);
		CHECK(connect_to(s, place) == 0);
		CHECK(send(s, "n", 1, 0) == 1);
		CHECK(recv(s, &c, 1, 0) == 1 && c == 'a');
		close(s);
	}
	return NULL;
}

/* Two accept what two connect: each connection is one's. */
TEST(accept_against_connect)
{
	pthread_t t[2];

	place = unique("race");
	int s = listener(SOCK_STREAM, place, 1);
	against(connects, NULL, t);
	against(connects, NULL, t + 1);
	pid_t child = fork();
	for (int k = 0; k < ROUNDS; k++) {
		char c;
		int e = accept(s, NULL, NULL);
		CHECK(e >= 0 && recv(e, &c, 1, 0) == 1 && c == 'n' && send(e, "a", 1, 0) == 1);
		close(e);
	}
	if (child == 0)
		_exit(0);
	await_child(child);
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
}

static void *connects_until_refused(void *arg)
{
	(void)arg;
	for (;;) {
		int s = make(SOCK_STREAM);
		char c;
		if (connect_to(s, place) != 0) {
			CHECK(errno == ECONNREFUSED);
			close(s);
			return NULL;
		}
		ssize_t n = recv(s, &c, 1, 0); /* nobody accepts it, or ends it at once */
		CHECK(n == 0 || (n == -1 && errno == ECONNRESET));
		close(s);
	}
}

static void *accepts(void *arg)
{
	int s = *(int *)arg;

	for (int e; (e = accept(s, NULL, NULL)) >= 0;)
		close(e);
	CHECK(errno == EINVAL || errno == EBADF);
	return NULL;
}

TEST(end_of_listener_against_connect)
{
	for (int k = 0; k < 30; k++) {
		pthread_t t[3];
		place = unique("end");
		int s = listener(SOCK_STREAM, place, k % 3);
		against(accepts, &s, t);
		against(connects_until_refused, NULL, t + 1);
		against(connects_until_refused, NULL, t + 2);
		pause_ms(k % 4);
		CHECK(shutdown(s, SHUT_RDWR) == 0);
		close(s);
		for (int i = 0; i < 3; i++)
			pthread_join(t[i], NULL);
	}
}

/* One who exits with descriptors in its queue closes them. */
TEST(rights_against_exit)
{
	signal(SIGPIPE, SIG_IGN);
	for (int k = 0; k < 40; k++) {
		int p[2], q[2];
		char c;

		pair(k & 1 ? SOCK_DGRAM : SOCK_STREAM, p);
		CHECK(pipe(q) == 0);
		pid_t child = fork();
		if (child == 0) {
			close(p[0]);
			close(q[1]);
			close(q[0]);
			if (k % 3)
				close(take(p[1]));
			_exit(0);
		}
		close(p[1]);
		while (pass(p[0], q[1]) == 0 && k % 4 == 0)
			;
		close(q[1]);
		await_child(child);
		EQ(read(q[0], &c, 1), 0);
		close(p[0]);
		close(q[0]);
	}
}

static void *passes(void *arg)
{
	(void)arg;
	for (int k = 0; k < 4 * ROUNDS; k++)
		CHECK(pass(fds[0], fds[k & 1]) == 0);
	return NULL;
}

static volatile int stop;

static void *opens_and_closes(void *arg)
{
	int p[2];

	while (!stop) {
		pair(SOCK_STREAM, p);
		CHECK(pass(p[0], p[1]) == 0); /* garbage to be found */
		close(p[0]);
		close(p[1]);
	}
	return arg;
}

/* What is received in the middle of a search for garbage is none. */
TEST(receive_against_the_collector)
{
	pthread_t t[2];

	signal(SIGPIPE, SIG_IGN);
	pair(SOCK_STREAM, fds);
	against(opens_and_closes, NULL, t + 1);
	against(passes, NULL, t);
	for (int k = 0; k < 4 * ROUNDS; k++) {
		int fd = take(fds[1]);
		CHECK(fd >= 0 && get_int(fd, SO_TYPE) == SOCK_STREAM);
		close(fd);
	}
	stop = 1;
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
	EQ(send(fds[0], "x", 1, 0), 1);
	expect(fds[1], "x");
}

static void *binds(void *arg)
{
	long won = 0;

	for (int k = 0; k < ROUNDS; k++) {
		char name[40];
		snprintf(name, sizeof name, "%c%d", k & 1 ? '@' : 'n', k);
		if (k & 1)
			snprintf(name, sizeof name, "@%d-%d", getpid(), k);
		int s = make(SOCK_DGRAM);
		meet();
		if (bind_to(s, name) == 0)
			won++;
		else
			CHECK(errno == EADDRINUSE);
		meet();
		close(s);
	}
	return arg ? (void *)won : NULL;
}

TEST(one_of_two_gets_a_name)
{
	pthread_t t[2];
	void *a, *b;

	enter_dir();
	pthread_barrier_init(&both, NULL, 2);
	against(binds, fds, t);
	against(binds, fds, t + 1);
	pthread_join(t[0], &a);
	pthread_join(t[1], &b);
	EQ((long)a + (long)b, ROUNDS);
}

static void *writes(void *arg)
{
	int s = *(int *)arg;
	char buf[100];

	for (int k = 0; k < 20 * ROUNDS; k++) {
		memset(buf, 'a' + k % 26, sizeof buf);
		CHECK(send(s, buf, sizeof buf, 0) == (ssize_t)sizeof buf);
	}
	return NULL;
}

static void *reads(void *arg)
{
	char buf[200];
	long n = 0;

	for (ssize_t r; (r = recv(*(int *)arg, buf, sizeof buf, 0)) > 0; n++) {
		EQ(r, 100);
		for (int k = 1; k < 100; k++)
			CHECK(buf[k] == buf[0]);
	}
	return (void *)n;
}

/* Many write and many read one socket: no message is torn, lost or doubled. */
TEST(many_writers_and_readers)
{
	int p[2];
	pthread_t w[2], r[2];
	void *a, *b;

	pair(SOCK_SEQPACKET, p);
	against(reads, p + 1, r);
	against(reads, p + 1, r + 1);
	against(writes, p, w);
	against(writes, p, w + 1);
	pthread_join(w[0], NULL);
	pthread_join(w[1], NULL);
	CHECK(shutdown(p[0], SHUT_WR) == 0);
	pthread_join(r[0], &a);
	pthread_join(r[1], &b);
	EQ((long)a + (long)b, 40 * ROUNDS);
}
