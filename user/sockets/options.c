/* getsockopt and setsockopt, and readiness. */
#include "sockets.h"

#include <sys/epoll.h>
#include <sys/select.h>

TEST(options)
{
	int p[2], v = 1;
	socklen_t n = sizeof v;

	pair(SOCK_STREAM, p);
	FAILS(getsockopt(p[0], 6, 1, &v, &n), EOPNOTSUPP);
	FAILS(setsockopt(p[0], 6, 1, &v, sizeof v), EOPNOTSUPP);
	FAILS(getsockopt(p[0], SOL_SOCKET, 200, &v, &n), ENOPROTOOPT);
	FAILS(setsockopt(p[0], SOL_SOCKET, 200, &v, sizeof v), ENOPROTOOPT);
	FAILS(setsockopt(p[0], SOL_SOCKET, SO_SNDBUF, &v, 3), EINVAL);
	FAILS(setsockopt(p[0], SOL_SOCKET, SO_SNDBUF, BAD, sizeof v), EFAULT);
	FAILS(setsockopt(p[0], SOL_SOCKET, SO_TYPE, &v, sizeof v), ENOPROTOOPT);
	FAILS(setsockopt(p[0], SOL_SOCKET, SO_ERROR, &v, sizeof v), ENOPROTOOPT);
	FAILS(setsockopt(p[0], SOL_SOCKET, SO_ACCEPTCONN, &v, sizeof v), ENOPROTOOPT);
	FAILS(getsockopt(p[0], SOL_SOCKET, SO_TYPE, BAD, &n), EFAULT);
	FAILS(getsockopt(p[0], SOL_SOCKET, SO_TYPE, &v, BAD), EFAULT);
	n = -1;
	FAILS(getsockopt(p[0], SOL_SOCKET, SO_TYPE, &v, &n), EINVAL);
	n = 2; /* as much as there is room for */
	v = -1;
	EQ(getsockopt(p[0], SOL_SOCKET, SO_TYPE, &v, &n), 0);
	CHECK(n == 2 && v == (int)0xffff0001);
	n = 100;
	char room[100];
	EQ(getsockopt(p[0], SOL_SOCKET, SO_TYPE, room, &n), 0);
	EQ(n, 4);
	static const int flags[] = {SO_REUSEADDR, SO_BROADCAST, SO_KEEPALIVE, SO_DONTROUTE, SO_OOBINLINE, SO_PASSCRED};
	for (unsigned k = 0; k < sizeof flags / sizeof *flags; k++) {
		EQ(get_int(p[0], flags[k]), 0);
		EQ(set_int(p[0], flags[k], 7), 0);
		EQ(get_int(p[0], flags[k]), 1);
		EQ(set_int(p[0], flags[k], 0), 0);
		EQ(get_int(p[0], flags[k]), 0);
	}
	EQ(get_int(p[0], SO_RCVLOWAT), 1);
	EQ(get_int(p[0], SO_SNDLOWAT), 1);
	EQ(set_int(p[0], SO_RCVLOWAT, 0), 0);
	EQ(get_int(p[0], SO_RCVLOWAT), 1);
	EQ(get_int(p[0], SO_ERROR), 0);
	int l[2] = {3, 44};
	EQ(setsockopt(p[0], SOL_SOCKET, SO_LINGER, l, sizeof l), 0);
	FAILS(setsockopt(p[0], SOL_SOCKET, SO_LINGER, l, 4), EINVAL);
	n = sizeof l;
	EQ(getsockopt(p[0], SOL_SOCKET, SO_LINGER, l, &n), 0);
	CHECK(n == 8 && l[0] == 1 && l[1] == 44);
}

TEST(buffer_sizes)
{
	int p[2];

	pair(SOCK_STREAM, p);
	CHECK(get_int(p[0], SO_SNDBUF) >= 65536 && get_int(p[0], SO_RCVBUF) >= 65536);
	EQ(set_int(p[0], SO_SNDBUF, 0), 0);
	EQ(get_int(p[0], SO_SNDBUF), 4608);
	EQ(set_int(p[0], SO_RCVBUF, 0), 0);
	EQ(get_int(p[0], SO_RCVBUF), 2304);
	EQ(set_int(p[0], SO_SNDBUF, 20000), 0);
	EQ(get_int(p[0], SO_SNDBUF), 40000); /* with what the bookkeeping takes */
	EQ(set_int(p[0], SO_SNDBUF, 1 << 30), 0);
	CHECK(get_int(p[0], SO_SNDBUF) < 1 << 29);
}

TEST(time_limits)
{
	struct timeval t = {3, 250000}, back;
	socklen_t n = sizeof back;
	int s = make(SOCK_STREAM);

	EQ(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t), 0);
	EQ(getsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &back, &n), 0);
	CHECK(n == sizeof back && back.tv_sec == 3 && back.tv_usec >= 250000 && back.tv_usec < 260000);
	n = sizeof back;
	EQ(getsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &back, &n), 0);
	CHECK(back.tv_sec == 0 && back.tv_usec == 0);
	FAILS(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &t, 8), EINVAL);
	t.tv_usec = 1000000;
	FAILS(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t), EDOM);
}

TEST(whose_peer)
{
	struct ucred u;
	socklen_t n = sizeof u;
	int p[2], q[2];
	const char *name = unique("cred");

	pair(SOCK_STREAM, p);
	CHECK(getsockopt(p[0], SOL_SOCKET, SO_PEERCRED, &u, &n) == 0 && n == sizeof u);
	CHECK(u.pid == getpid() && u.uid == geteuid() && u.gid == getegid());
	int s = make(SOCK_STREAM);
	CHECK(getsockopt(s, SOL_SOCKET, SO_PEERCRED, &u, &n) == 0);
	CHECK(u.pid == 0 && u.uid == (uid_t)-1 && u.gid == (gid_t)-1);
	/* of the one that connected, and of the one that listens */
	s = listener(SOCK_STREAM, name, 3);
	CHECK(pipe(q) == 0);
	pid_t parent = getpid(), child = fork();
	if (child == 0) {
		int c = make(SOCK_STREAM);
		CHECK(getuid() != 0 || (setgid(55) == 0 && setuid(77) == 0));
		CHECK(connect_to(c, name) == 0);
		CHECK(getsockopt(c, SOL_SOCKET, SO_PEERCRED, &u, &n) == 0);
		CHECK(u.pid == parent);
		close(q[1]);
		CHECK(read(q[0], &u, 1) == 0);
		_exit(0);
	}
	int e = accept(s, NULL, NULL);
	CHECK(getsockopt(e, SOL_SOCKET, SO_PEERCRED, &u, &n) == 0);
	CHECK(u.pid == child && (getuid() != 0 || (u.uid == 77 && u.gid == 55)));
	close(q[1]);
	await_child(child);
	FAILS(setsockopt(e, SOL_SOCKET, SO_PEERCRED, &u, sizeof u), ENOPROTOOPT);
}

enum { HUP = POLLHUP, IN = POLLIN, OUT = POLLOUT, RDHUP = POLLRDHUP, ERR = POLLERR };

TEST(readiness_of_connections)
{
	int p[2];
	const char *name = unique("ready");

	EQ(ready(make(SOCK_STREAM)), OUT | HUP);
	EQ(ready(make(SOCK_SEQPACKET)), OUT | HUP);
	EQ(ready(make(SOCK_DGRAM)), OUT);
	for (int k = 0; k < 2; k++) {
		int type = k ? SOCK_SEQPACKET : SOCK_STREAM;
		pair(type, p);
		EQ(ready(p[0]), OUT);
		CHECK(send(p[1], "x", 1, 0) == 1);
		EQ(ready(p[0]), IN | OUT);
		CHECK(shutdown(p[1], SHUT_WR) == 0);
		EQ(ready(p[0]), IN | OUT | RDHUP);
		expect(p[0], "x");
		EQ(ready(p[0]), IN | OUT | RDHUP);
		EQ(ready(p[1]), OUT);
		CHECK(shutdown(p[1], SHUT_RD) == 0);
		EQ(ready(p[0]), IN | OUT | RDHUP | HUP);
		EQ(ready(p[1]), IN | OUT | RDHUP | HUP);
		close(p[1]);
		EQ(ready(p[0]), IN | OUT | RDHUP | HUP);
		pair(type, p);
		CHECK(send(p[0], "x", 1, 0) == 1);
		close(p[1]);
		EQ(ready(p[0]), IN | OUT | RDHUP | HUP | ERR);
		CHECK(get_int(p[0], SO_ERROR) == ECONNRESET);
		EQ(ready(p[0]), IN | OUT | RDHUP | HUP);
	}
	int s = listener(SOCK_STREAM, name, 3);
	EQ(ready(s), 0);
	CHECK(connect_to(make(SOCK_STREAM), name) == 0);
	EQ(ready(s), IN);
	close(accept(s, NULL, NULL));
	EQ(ready(s), 0);
	fd_set r, w;
	pair(SOCK_STREAM, p);
	struct timeval zero = {0, 0};
	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_SET(p[0], &r);
	FD_SET(p[0], &w);
	FD_SET(s, &r);
	EQ(select(64, &r, &w, NULL, &zero), 1);
	CHECK(FD_ISSET(p[0], &w) && !FD_ISSET(p[0], &r) && !FD_ISSET(s, &r));
}

static int wait_one(int ep, int ms)
{
	struct epoll_event e;
	int n = epoll_wait(ep, &e, 1, ms);

	return n == 1 ? (int)e.events : n;
}

static void *sender(void *arg)
{
	pause_ms(30);
	CHECK(send(*(int *)arg, "x", 1, 0) == 1);
	return NULL;
}

static void *closer(void *arg)
{
	pause_ms(30);
	CHECK(close(*(int *)arg) == 0);
	return NULL;
}

TEST(readiness_wakes)
{
	int p[2], ep = epoll_create1(0);
	struct epoll_event e = {.events = EPOLLIN | EPOLLRDHUP};
	pthread_t t;
	char c;

	for EACH_TYPE(type) {
		pair(type, p);
		CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e) == 0);
		EQ(wait_one(ep, 0), 0);
		CHECK(pthread_create(&t, NULL, sender, p + 1) == 0);
		EQ(wait_one(ep, -1), EPOLLIN);
		pthread_join(t, NULL);
		CHECK(recv(p[0], &c, 1, 0) == 1);
		struct pollfd f = {p[0], POLLIN, 0};
		CHECK(pthread_create(&t, NULL, sender, p + 1) == 0);
		EQ(poll(&f, 1, -1), 1);
		pthread_join(t, NULL);
		CHECK(recv(p[0], &c, 1, 0) == 1);
		if (type != SOCK_DGRAM) {
			CHECK(pthread_create(&t, NULL, closer, p + 1) == 0);
			EQ(wait_one(ep, -1), EPOLLIN | EPOLLRDHUP | EPOLLHUP);
			pthread_join(t, NULL);
		}
		close(p[0]);
	}
}

TEST(edges)
{
	static char buf[65536];
	int p[2], ep = epoll_create1(0);
	struct epoll_event e = {.events = EPOLLIN | EPOLLET};

	pair(SOCK_STREAM, p);
	CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e) == 0);
	CHECK(send(p[1], "a", 1, 0) == 1);
	EQ(wait_one(ep, 0), EPOLLIN);
	EQ(wait_one(ep, 0), 0);
	CHECK(send(p[1], "b", 1, 0) == 1); /* to what is there already */
	EQ(wait_one(ep, 0), EPOLLIN);
	EQ(wait_one(ep, 0), 0);
	e.events = EPOLLOUT | EPOLLET;
	CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, p[1], &e) == 0 && nonblocking(p[1]) == 0);
	EQ(wait_one(ep, 0), EPOLLOUT);
	while (send(p[1], buf, sizeof buf, 0) > 0)
		;
	EQ(wait_one(ep, 0) & EPOLLOUT, 0);
	for (long n = 1; n > 0;)
		n = recv(p[0], buf, sizeof buf, MSG_DONTWAIT);
	int seen = 0;
	for (int r; (r = wait_one(ep, 0)) > 0;)
		seen |= r;
	CHECK(seen & EPOLLOUT);
}
