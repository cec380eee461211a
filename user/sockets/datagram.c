/* Datagrams: messages with an address. */
#include "sockets.h"

static volatile int pipes;

static void on_pipe(int sig) { pipes += sig == SIGPIPE; }

TEST(messages_with_addresses)
{
	const char *an = unique("a"), *bn = unique("b");
	int a = named(SOCK_DGRAM, an), b = named(SOCK_DGRAM, bn), none = make(SOCK_DGRAM);
	struct sockaddr_un from;
	socklen_t n = sizeof from;
	char buf[100];

	FAILS(send(a, "x", 1, 0), ENOTCONN);
	EQ(send_to(a, "hello", bn), 5);
	EQ(send_to(none, "anonymous", bn), 9);
	EQ(recvfrom(b, buf, 100, 0, (void *)&from, &n), 5);
	EQ(n, 2 + strlen(an));
	CHECK(memcmp(from.sun_path + 1, an + 1, strlen(an) - 1) == 0);
	n = sizeof from;
	EQ(recvfrom(b, buf, 100, 0, (void *)&from, &n), 9);
	EQ(n, 0);
	EQ(sendto(a, "x", 1, 0, NULL, 0) == -1 && errno == ENOTCONN, 1);
	FAILS(sendto(a, "x", 1, 0, (void *)&from, 2), EINVAL);
	FAILS(sendto(a, "x", 1, 0, (void *)&from, 111), EINVAL);
	FAILS(sendto(a, "x", 1, 0, BAD, 10), EFAULT);
	from.sun_family = 77;
	FAILS(sendto(a, "x", 1, 0, (void *)&from, 10), EINVAL);
	/* to itself */
	EQ(send_to(a, "self", an), 4);
	expect(a, "self");
}

TEST(boundaries)
{
	int p[2], n;
	char buf[10];

	pair(SOCK_DGRAM, p);
	CHECK(send(p[0], "first", 5, 0) == 5 && send(p[0], "", 0, 0) == 0 && write(p[0], "second", 6) == 6);
	EQ(ioctl(p[1], FIONREAD, &n), 0);
	EQ(n, 5); /* of the next one */
	EQ(recv(p[1], buf, 2, MSG_PEEK), 2);
	EQ(recv(p[1], buf, 2, MSG_PEEK | MSG_TRUNC), 5);
	EQ(recv(p[1], buf, 2, MSG_TRUNC), 5);
	EQ(recv(p[1], buf, 10, 0), 0);
	struct iovec v[2] = {{buf, 1}, {buf + 5, 2}};
	struct msghdr m = {.msg_iov = v, .msg_iovlen = 2};
	EQ(recvmsg(p[1], &m, 0), 3);
	EQ(m.msg_flags, MSG_TRUNC);
	CHECK(buf[0] == 's' && buf[5] == 'e' && buf[6] == 'c');
	FAILS(recv(p[1], buf, 10, MSG_DONTWAIT), EAGAIN);
	FAILS(recv(p[1], buf, 10, MSG_OOB), EOPNOTSUPP);
	FAILS(send(p[1], "x", 1, MSG_OOB), EOPNOTSUPP);
	FAILS(send(p[0], BAD, 10, 0), EFAULT);
	CHECK(send(p[0], "lost", 4, 0) == 4);
	FAILS(recv(p[1], BAD, 10, 0), EFAULT);
	FAILS(recv(p[1], buf, 10, MSG_DONTWAIT), EAGAIN);
}

TEST(long_messages)
{
	static char out[212960], in[212961];
	int p[2], size;

	for (size_t k = 0; k < sizeof out; k++)
		out[k] = (char)(k ^ k >> 7);
	for (int k = 0; k < 2; k++) {
		pair(k ? SOCK_SEQPACKET : SOCK_DGRAM, p);
		CHECK(set_int(p[0], SO_SNDBUF, 212992 / 2) == 0);
		size = get_int(p[0], SO_SNDBUF);
		EQ(size, 212992);
		FAILS(send(p[0], in, 212961, 0), EMSGSIZE);
		EQ(send(p[0], out, sizeof out, 0), sizeof out);
		EQ(recv(p[1], in, sizeof in, 0), sizeof out);
		CHECK(memcmp(in, out, sizeof out) == 0);
		struct iovec v[2] = {{out, 100000}, {out + 100000, 50000}};
		EQ(writev(p[0], v, 2), 150000);
		memset(in, 0, sizeof in);
		struct iovec w[2] = {{in, 70000}, {in + 70000, 100000}};
		EQ(readv(p[1], w, 2), 150000);
		CHECK(memcmp(in, out, 150000) == 0);
		EQ(write(p[0], out, 10000), 10000);
		EQ(read(p[1], in, 20000), 10000);
		close(p[0]);
		close(p[1]);
	}
}

TEST(connected_datagrams)
{
	const char *an = unique("a"), *bn = unique("b"), *cn = unique("c");
	int a = named(SOCK_DGRAM, an), b = named(SOCK_DGRAM, bn), c = named(SOCK_DGRAM, cn);
	struct sockaddr_un u;
	socklen_t n = sizeof u;

	EQ(connect_to(a, bn), 0);
	EQ(send(a, "x", 1, 0), 1);
	expect(b, "x");
	CHECK(getpeername(a, (void *)&u, &n) == 0 && n == 2 + strlen(bn));
	EQ(send_to(b, "back", an), 4); /* only its peer */
	expect(a, "back");
	FAILS(send_to(c, "x", an), EPERM);
	FAILS(connect_to(c, an), EPERM);
	EQ(send_to(a, "elsewhere", cn), 9);
	expect(c, "elsewhere");
	/* another peer, and none */
	CHECK(send_to(b, "lost", an) == 4);
	EQ(connect_to(a, cn), 0);
	FAILS(recv(a, &u, sizeof u, MSG_DONTWAIT), EAGAIN);
	EQ(send(a, "c", 1, 0), 1);
	expect(c, "c");
	memset(&u, 0, sizeof u);
	EQ(connect(a, (void *)&u, 2), 0);
	FAILS(send(a, "x", 1, 0), ENOTCONN);
	EQ(send_to(c, "again", an), 5);
	expect(a, "again");
	FAILS(connect(make(SOCK_STREAM), (void *)&u, sizeof u), EINVAL);
}

TEST(peer_goes)
{
	int p[2];
	const char *name = unique("peer");
	char c;

	signal(SIGPIPE, on_pipe);
	pair(SOCK_DGRAM, p);
	CHECK(send(p[1], "left", 4, 0) == 4);
	close(p[1]);
	FAILS(send(p[0], "x", 1, 0), ECONNREFUSED);
	FAILS(send(p[0], "x", 1, 0), ENOTCONN);
	FAILS(recv(p[0], &c, 1, MSG_DONTWAIT), EAGAIN); /* what it had sent is lost with it */
	pair(SOCK_DGRAM, p);
	CHECK(send(p[1], "left", 4, 0) == 4);
	close(p[1]);
	expect(p[0], "left");
	EQ(pipes, 0);
	int s = named(SOCK_DGRAM, name), a = make(SOCK_DGRAM);
	CHECK(connect_to(a, name) == 0);
	close(s);
	FAILS(send(a, "x", 1, 0), ECONNREFUSED);
	/* a link of two whose one half leaves it with messages unread */
	const char *bn = unique("both"), *cn = unique("other");
	int b = named(SOCK_DGRAM, bn), o = named(SOCK_DGRAM, cn);
	struct sockaddr_un u = {.sun_family = AF_UNSPEC};
	CHECK(connect_to(b, cn) == 0 && connect_to(o, bn) == 0 && send(o, "x", 1, 0) == 1);
	CHECK(connect(b, (void *)&u, 2) == 0);
	EQ(get_int(o, SO_ERROR), ECONNRESET);
}

TEST(shut_down_datagrams)
{
	const char *an = unique("shut");
	int a = named(SOCK_DGRAM, an), b = make(SOCK_DGRAM);
	char c;

	signal(SIGPIPE, on_pipe);
	CHECK(connect_to(b, an) == 0);
	EQ(shutdown(b, SHUT_WR), 0);
	FAILS(send(b, "x", 1, 0), EPIPE);
	EQ(shutdown(a, SHUT_RD), 0);
	FAILS(send_to(make(SOCK_DGRAM), "x", an), EPIPE);
	EQ(recv(a, &c, 1, 0), 0);
	FAILS(recv(a, &c, 1, MSG_DONTWAIT), EAGAIN);
	EQ(pipes, 0);
}

/* A queue has room for a few messages of strangers, and for as many of its peer as that one's buffer has. */
TEST(full_queues)
{
	const char *name = unique("queue");
	int r = named(SOCK_DGRAM, name), s = make(SOCK_DGRAM), n = 0;
	char c;

	CHECK(connect_to(s, name) == 0);
	EQ(ready(s), POLLOUT);
	CHECK(nonblocking(s) == 0);
	while (send(s, "x", 1, 0) == 1)
		n++;
	CHECK(errno == EAGAIN);
	CHECK(n >= 11 && n <= 600);
	EQ(ready(s), 0);
	FAILS(send_to(s, "x", name), EAGAIN);
	CHECK(recv(r, &c, 1, 0) == 1);
	EQ(ready(s), POLLOUT);
	EQ(send(s, "x", 1, 0), 1);
	/* who waits for room gets it */
	pid_t child = fork();
	if (child == 0) {
		CHECK(fcntl(s, F_SETFL, O_RDWR) == 0);
		_exit(send(s, "y", 1, 0) != 1);
	}
	pause_ms(30);
	CHECK(recv(r, &c, 1, 0) == 1);
	await_child(child);
	/* or hears that there will be none */
	child = fork();
	if (child == 0) {
		close(r);
		CHECK(fcntl(s, F_SETFL, O_RDWR) == 0);
		_exit(!(send(s, "y", 1, 0) == -1 && errno == ECONNREFUSED));
	}
	pause_ms(30);
	close(r);
	await_child(child);
	int p[2];
	pair(SOCK_DGRAM, p);
	CHECK(nonblocking(p[0]) == 0);
	for (n = 0; send(p[0], "x", 1, 0) == 1; n++)
		;
	CHECK(errno == EAGAIN);
	CHECK(n > 100 && n < 2000);
	CHECK(recv(p[1], &c, 1, 0) == 1);
	while (recv(p[1], &c, 1, MSG_DONTWAIT) == 1)
		;
	EQ(ready(p[0]), POLLOUT);
}

TEST(many_messages_at_once)
{
	int p[2];
	char in[4][8];
	struct iovec v[4] = {{"a", 1}, {"bb", 2}, {"ccc", 3}, {BAD, 4}}, w[4];
	struct mmsghdr m[4], r[4];

	memset(m, 0, sizeof m);
	memset(r, 0, sizeof r);
	for (int k = 0; k < 4; k++) {
		w[k] = (struct iovec){in[k], 8};
		m[k].msg_hdr = (struct msghdr){.msg_iov = v + k, .msg_iovlen = 1};
		r[k].msg_hdr = (struct msghdr){.msg_iov = w + k, .msg_iovlen = 1};
	}
	pair(SOCK_DGRAM, p);
	EQ(syscall(SYS_sendmmsg, p[0], m, 4, 0), 3); /* the last one fails, and is not told of */
	CHECK(m[0].msg_len == 1 && m[1].msg_len == 2 && m[2].msg_len == 3);
	FAILS(syscall(SYS_sendmmsg, p[0], m + 3, 1, 0), EFAULT);
	EQ(recvmmsg(p[1], r, 2, 0, NULL), 2);
	CHECK(r[0].msg_len == 1 && r[1].msg_len == 2 && in[1][1] == 'b');
	EQ(recvmmsg(p[1], r, 4, MSG_WAITFORONE, NULL), 1);
	EQ(r[0].msg_len, 3);
	FAILS(recvmmsg(p[1], r, 4, MSG_DONTWAIT, NULL), EAGAIN);
	struct timespec t = {0, -1};
	FAILS(recvmmsg(p[1], r, 4, 0, &t), EINVAL);
	EQ(sendmmsg(p[0], m, 0, 0), 0);
}
