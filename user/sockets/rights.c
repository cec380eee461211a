/* Open files and identities in messages: SCM_RIGHTS and SCM_CREDENTIALS. */
#include "sockets.h"

union control {
	char room[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(260 * sizeof(int))];
	struct cmsghdr align;
};

/* send_fds sends text with n descriptors. */
static ssize_t send_fds(int s, const char *text, const int *fds, int n)
{
	union control c;
	struct iovec v = {(void *)text, strlen(text)};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};

	if (n) {
		m.msg_control = c.room;
		m.msg_controllen = CMSG_SPACE((size_t)n * sizeof(int));
		*CMSG_FIRSTHDR(&m) = (struct cmsghdr){.cmsg_len = CMSG_LEN((size_t)n * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), fds, (size_t)n * sizeof(int));
	}
	return syscall(SYS_sendmsg, s, &m, 0); /* musl has room for fewer than the kernel takes */
}

/* recv_fds receives up to size bytes and room descriptors; *n is how many came, the result the flags, or -1. */
static int recv_fds(int s, char *buf, size_t size, int *fds, int room, int *n, int flags)
{
	union control c;
	struct iovec v = {buf, size};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};

	m.msg_control = room ? c.room : NULL;
	m.msg_controllen = room ? CMSG_LEN((size_t)room * sizeof(int)) : 0;
	*n = 0;
	if (recvmsg(s, &m, flags) < 0)
		return -1;
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h))
		if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS) {
			*n = (int)((h->cmsg_len - CMSG_LEN(0)) / sizeof(int));
			memcpy(fds, CMSG_DATA(h), (size_t)*n * sizeof(int));
		}
	return m.msg_flags;
}

int pass(int s, int fd)
{
	return send_fds(s, "p", &fd, 1) == 1 ? 0 : -1;
}

int take(int s)
{
	char c;
	int fd = -1, n;

	if (recv_fds(s, &c, 1, &fd, 1, &n, 0) < 0 || n == 0)
		return -1;
	return fd;
}

TEST(descriptors_travel)
{
	int p[2], q[2], in[10], n;
	char buf[10];

	for EACH_TYPE(type) {
		pair(type, p);
		CHECK(pipe(q) == 0);
		EQ(send_fds(p[0], "two", q, 2), 3);
		close(q[0]);
		close(q[1]);
		EQ(recv_fds(p[1], buf, 10, in, 5, &n, MSG_CMSG_CLOEXEC), MSG_CMSG_CLOEXEC);
		EQ(n, 2);
		EQ(fcntl(in[0], F_GETFD), FD_CLOEXEC);
		EQ(write(in[1], "through", 7), 7);
		EQ(read(in[0], buf, 10), 7);
		close(in[1]);
		EQ(read(in[0], buf, 10), 0); /* no other is left */
		close(in[0]);
		EQ(pass(p[0], p[0]), 0);
		EQ(pass(p[0], open("/", O_PATH)), 0);
		in[0] = take(p[1]), in[1] = take(p[1]);
		CHECK(fcntl(in[0], F_GETFD) == 0 && fcntl(in[1], F_GETFL) & O_PATH);
		close(in[0]);
		close(in[1]);
	}
}

TEST(descriptors_that_are_none)
{
	static int many[254];
	int p[2], bad[2] = {0, 99};
	union control c;
	struct iovec v = {"x", 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = c.room, .msg_controllen = CMSG_SPACE(4)};

	pair(SOCK_STREAM, p);
	FAILS(send_fds(p[0], "x", bad, 2), EBADF);
	FAILS(send_fds(p[0], "x", (int[]){-1}, 1), EBADF);
	FAILS(send_fds(p[0], "x", many, 254), EINVAL);
	EQ(send_fds(p[0], "x", many, 253), 1);
	expect(p[1], "x"); /* and they are closed */
	memset(&c, 0, sizeof c);
	c.align = (struct cmsghdr){.cmsg_len = 4, .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
	FAILS(syscall(SYS_sendmsg, p[0], &m, 0), EINVAL);
	c.align.cmsg_len = CMSG_LEN(40);
	FAILS(syscall(SYS_sendmsg, p[0], &m, 0), EINVAL);
	c.align.cmsg_len = CMSG_LEN(4);
	c.align.cmsg_type = 77;
	FAILS(syscall(SYS_sendmsg, p[0], &m, 0), EINVAL);
	c.align.cmsg_level = 77; /* not for us */
	EQ(syscall(SYS_sendmsg, p[0], &m, 0), 1);
	m.msg_control = BAD;
	FAILS(syscall(SYS_sendmsg, p[0], &m, 0), EFAULT);
	m.msg_controllen = 10; /* too short for a header */
	m.msg_control = c.room;
	EQ(syscall(SYS_sendmsg, p[0], &m, 0), 1);
	m.msg_controllen = 1 << 20;
	FAILS(syscall(SYS_sendmsg, p[0], &m, 0), ENOBUFS);
	FAILS(syscall(SYS_sendmsg, p[0], BAD, 0), EFAULT);
	m = (struct msghdr){.msg_iov = &v, .msg_iovlen = 1025};
	FAILS(syscall(SYS_sendmsg, p[0], &m, 0), EMSGSIZE);
	FAILS(syscall(SYS_recvmsg, p[0], &m, 0), EMSGSIZE);
	m = (struct msghdr){.msg_iov = &v, .msg_iovlen = 1, .msg_name = &c, .msg_namelen = (socklen_t)-1};
	FAILS(syscall(SYS_sendmsg, p[0], &m, 0), EINVAL);
}

TEST(no_room_for_descriptors)
{
	int p[2], q[2], in[10], n;
	char buf[10];

	pair(SOCK_STREAM, p);
	CHECK(pipe(q) == 0);
	int three[3] = {q[1], q[1], q[1]};
	CHECK(send_fds(p[0], "a", three, 3) == 1);
	EQ(recv_fds(p[1], buf, 1, in, 1, &n, 0), MSG_CTRUNC);
	EQ(n, 1);
	close(in[0]);
	CHECK(send_fds(p[0], "b", three, 3) == 1);
	EQ(recv_fds(p[1], buf, 1, in, 0, &n, 0), MSG_CTRUNC);
	EQ(n, 0);
	CHECK(send_fds(p[0], "c", three, 3) == 1);
	EQ(read(p[1], buf, 10), 1); /* a plain read drops them */
	close(q[1]);
	EQ(read(q[0], buf, 1), 0); /* none is left anywhere */
}

TEST(descriptors_in_a_stream)
{
	int p[2], q[2], in[10], n;
	char buf[20];

	pair(SOCK_STREAM, p);
	CHECK(pipe(q) == 0);
	CHECK(send(p[0], "abc", 3, 0) == 3 && send_fds(p[0], "def", q, 1) == 3 && send_fds(p[0], "ghi", q, 2) == 3 && send(p[0], "jkl", 3, 0) == 3);
	/* a call takes descriptors of one message only, and nothing behind them */
	EQ(recv_fds(p[1], buf, 20, in, 5, &n, MSG_PEEK), 0);
	EQ(n, 1);
	close(in[0]);
	struct iovec v = {buf, 20};
	union control c;
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = c.room, .msg_controllen = sizeof c};
	EQ(recvmsg(p[1], &m, 0), 6);
	CHECK(memcmp(buf, "abcdef", 6) == 0 && m.msg_controllen >= CMSG_LEN(4));
	memcpy(in, CMSG_DATA(CMSG_FIRSTHDR(&m)), 4);
	close(in[0]);
	EQ(recv_fds(p[1], buf, 1, in, 5, &n, 0), 0); /* they come with the first byte */
	EQ(n, 2);
	EQ(buf[0], 'g');
	close(in[0]), close(in[1]);
	EQ(recv_fds(p[1], buf, 5, in, 5, &n, 0), 0);
	EQ(n, 0);
	CHECK(memcmp(buf, "hijkl", 5) == 0);
	/* with no byte they go nowhere */
	EQ(send_fds(p[0], "", q, 1), 0);
	FAILS(recv_fds(p[1], buf, 5, in, 5, &n, MSG_DONTWAIT), EAGAIN);
}

TEST(peeking_at_descriptors)
{
	int p[2], q[2], in[10], n;
	char buf[20];

	for EACH_TYPE(type) {
		pair(type, p);
		CHECK(pipe(q) == 0);
		CHECK(send_fds(p[0], "x", q + 1, 1) == 1);
		close(q[1]);
		EQ(recv_fds(p[1], buf, 20, in, 5, &n, MSG_PEEK), 0);
		EQ(n, 1);
		close(in[0]);
		EQ(recv_fds(p[1], buf, 20, in, 5, &n, 0), 0);
		EQ(n, 1);
		EQ(write(in[0], "w", 1), 1);
		close(in[0]);
		EQ(read(q[0], buf, 20), 1);
		EQ(read(q[0], buf, 20), 0);
		close(q[0]);
	}
}

/* Descriptors that nobody receives are closed with the socket that would have. */
TEST(unreceived_descriptors_are_closed)
{
	int p[2], q[2];
	char c;

	for EACH_TYPE(type) {
		pair(type, p);
		CHECK(pipe(q) == 0);
		CHECK(pass(p[0], q[1]) == 0);
		close(q[1]);
		close(p[0]);
		CHECK(nonblocking(q[0]) == 0);
		FAILS(read(q[0], &c, 1), EAGAIN);
		close(p[1]);
		EQ(read(q[0], &c, 1), 0);
		close(q[0]);
	}
	/* in a connection that nobody accepts */
	const char *name = unique("unaccepted");
	int s = listener(SOCK_STREAM, name, 3), u = make(SOCK_STREAM);
	CHECK(pipe(q) == 0 && connect_to(u, name) == 0 && pass(u, q[1]) == 0);
	close(q[1]);
	close(s);
	EQ(read(q[0], &c, 1), 0);
}

TEST(descriptors_within_descriptors)
{
	enum { DEEP = 200 };
	int q[2], hold, p[2];
	char c;

	/* a pipe's end in a socket in a socket ... */
	CHECK(pipe(q) == 0);
	hold = q[1];
	for (int k = 0; k < DEEP; k++) {
		pair(SOCK_DGRAM, p);
		CHECK(pass(p[0], hold) == 0);
		close(hold);
		close(p[0]);
		hold = p[1];
	}
	for (int k = 0; k < DEEP / 2; k++) {
		int inner = take(hold);
		CHECK(inner >= 0);
		close(hold);
		hold = inner;
	}
	CHECK(nonblocking(q[0]) == 0);
	FAILS(read(q[0], &c, 1), EAGAIN);
	close(hold);
	struct pollfd f = {q[0], POLLIN, 0};
	EQ(poll(&f, 1, 10000), 1);
	EQ(read(q[0], &c, 1), 0);
}

/* What is only in its own queue, or goes round through others, is found when another socket ends. */
static void gone(int r)
{
	struct pollfd f = {r, POLLIN, 0};
	char c;

	for (int k = 0; k < 100 && poll(&f, 1, 100) == 0; k++)
		close(make(SOCK_STREAM));
	EQ(f.revents, POLLHUP);
	EQ(read(r, &c, 1), 0);
	close(r);
}

TEST(circles_are_found)
{
	int p[2], o[2], q[2];

	/* one in its own queue */
	pair(SOCK_STREAM, p);
	CHECK(pipe(q) == 0 && pass(p[0], q[1]) == 0 && pass(p[0], p[1]) == 0);
	close(q[1]), close(p[0]), close(p[1]);
	gone(q[0]);
	/* two in each other's */
	pair(SOCK_DGRAM, p);
	CHECK(pipe(q) == 0 && pass(p[0], q[1]) == 0 && pass(p[0], p[0]) == 0 && pass(p[1], p[1]) == 0);
	close(q[1]), close(p[0]), close(p[1]);
	gone(q[0]);
	/* four in a ring */
	pair(SOCK_SEQPACKET, p);
	pair(SOCK_STREAM, o);
	CHECK(pipe(q) == 0 && pass(o[1], q[1]) == 0);
	CHECK(pass(p[0], o[0]) == 0 && pass(o[1], p[1]) == 0);
	close(q[1]), close(p[0]), close(p[1]), close(o[0]), close(o[1]);
	gone(q[0]);
	/* a listener in the queue of a connection that it has not accepted */
	const char *name = unique("circle");
	int s = listener(SOCK_STREAM, name, 3), c = make(SOCK_STREAM);
	CHECK(pipe(q) == 0 && connect_to(c, name) == 0 && pass(c, q[1]) == 0 && pass(c, s) == 0);
	close(q[1]), close(s), close(c);
	gone(q[0]);
	/* but not what can still be received */
	pair(SOCK_STREAM, p);
	pair(SOCK_STREAM, o);
	CHECK(pipe(q) == 0 && pass(p[0], q[1]) == 0 && pass(p[0], p[1]) == 0 && pass(o[0], p[1]) == 0);
	close(q[1]), close(p[0]), close(p[1]);
	for (int k = 0; k < 3; k++)
		close(make(SOCK_STREAM));
	int again = take(o[1]);
	CHECK(again >= 0);
	int w = take(again);
	EQ(write(w, "x", 1), 1);
	close(w);
	close(again); /* now it is one */
	char ch;
	EQ(read(q[0], &ch, 1), 1);
	gone(q[0]);
}

/* A user has only so many descriptors in flight. */
TEST(too_many_in_flight)
{
	int p[2];
	struct rlimit_ { unsigned long cur, max; } r = {64, 64};

	if (getuid() != 0)
		SKIP("only root becomes somebody else, whom nobody else's descriptors count for");
	CHECK(setgid(2345) == 0 && setuid(2345) == 0);
	CHECK(syscall(SYS_prlimit64, 0, 7, &r, NULL) == 0);
	pair(SOCK_STREAM, p);
	int n = 0;
	while (n < 1000 && pass(p[0], 0) == 0)
		n++;
	CHECK(errno == ETOOMANYREFS);
	EQ(n, 65);
	close(take(p[1]));
	EQ(pass(p[0], 0), 0);
	FAILS(pass(p[0], 0), ETOOMANYREFS);
	/* circles do not count for ever */
	close(p[0]), close(p[1]);
	for (int k = 0; k < 200; k++) {
		pair(SOCK_STREAM, p);
		for (int tries = 0; pass(p[0], p[1]) != 0; tries++) {
			CHECK(errno == ETOOMANYREFS && tries < 500);
			close(make(SOCK_STREAM));
			pause_ms(10);
		}
		close(p[0]), close(p[1]);
	}
}

/* recv_cred receives one byte with who sent it, and returns the flags, or -1. */
static int recv_cred(int s, struct ucred *u, size_t room)
{
	union control c;
	char b;
	struct iovec v = {&b, 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = c.room, .msg_controllen = room};

	memset(u, 0x55, sizeof *u);
	if (recvmsg(s, &m, 0) != 1)
		return -1;
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	if (h && h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_CREDENTIALS)
		memcpy(u, CMSG_DATA(h), h->cmsg_len - CMSG_LEN(0));
	return m.msg_flags;
}

static int send_cred(int s, pid_t pid, uid_t uid, gid_t gid, size_t len)
{
	union control c;
	struct ucred u = {pid, uid, gid};
	struct iovec v = {"c", 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = c.room, .msg_controllen = CMSG_SPACE(sizeof u)};

	c.align = (struct cmsghdr){.cmsg_len = CMSG_LEN(len), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_CREDENTIALS};
	memcpy(CMSG_DATA(&c.align), &u, sizeof u);
	return (int)sendmsg(s, &m, 0);
}

TEST(credentials)
{
	int p[2];
	struct ucred u;

	for EACH_TYPE(type) {
		pair(type, p);
		CHECK(send(p[0], "x", 1, 0) == 1);
		EQ(recv_cred(p[1], &u, 100), 0); /* nobody asked */
		EQ(u.pid, 0x55555555);
		CHECK(set_int(p[1], SO_PASSCRED, 1) == 0);
		CHECK(send(p[0], "x", 1, 0) == 1);
		EQ(recv_cred(p[1], &u, 100), 0);
		CHECK(u.pid == getpid() && u.uid == getuid() && u.gid == getgid());
		pid_t child = fork();
		if (child == 0)
			_exit(write(p[0], "x", 1) != 1);
		await_child(child);
		EQ(recv_cred(p[1], &u, 100), 0);
		EQ(u.pid, child);
		EQ(send_cred(p[0], getpid(), getuid(), getgid(), sizeof u), 1);
		EQ(recv_cred(p[1], &u, 100), 0);
		EQ(u.pid, getpid());
		FAILS(send_cred(p[0], getpid(), getuid(), getgid(), 8), EINVAL);
		CHECK(send(p[0], "x", 1, 0) == 1);
		EQ(recv_cred(p[1], &u, CMSG_LEN(4)), MSG_CTRUNC);
		CHECK(u.pid == getpid() && u.uid == 0x55555555);
		CHECK(send(p[0], "x", 1, 0) == 1);
		EQ(recv_cred(p[1], &u, 0), MSG_CTRUNC);
		close(p[0]);
		close(p[1]);
	}
	if (getuid() != 0)
		return;
	pair(SOCK_DGRAM, p);
	CHECK(set_int(p[1], SO_PASSCRED, 1) == 0);
	EQ(send_cred(p[0], 1, 5, 6, sizeof u), 1); /* who may do anything may say anything */
	EQ(recv_cred(p[1], &u, 100), 0);
	CHECK(u.uid == 5 && u.gid == 6);
	CHECK(setresgid(3, 3, 3) == 0 && setresuid(4, 4, 4) == 0);
	FAILS(send_cred(p[0], getppid(), 4, 3, sizeof u), EPERM);
	FAILS(send_cred(p[0], getpid(), 0, 3, sizeof u), EPERM);
	FAILS(send_cred(p[0], getpid(), 4, 0, sizeof u), EPERM);
	FAILS(send_cred(p[0], getpid(), (uid_t)-1, 3, sizeof u), EINVAL);
	EQ(send_cred(p[0], getpid(), 4, 3, sizeof u), 1);
}

/* A stream's bytes of different writers are not glued together for one who asks whose they are. */
TEST(credentials_in_a_stream)
{
	int p[2];
	char buf[10];

	pair(SOCK_STREAM, p);
	for (int k = 0; k < 2; k++) {
		CHECK(set_int(p[1], SO_PASSCRED, k) == 0);
		CHECK(send(p[0], "ab", 2, 0) == 2);
		pid_t child = fork();
		if (child == 0)
			_exit(write(p[0], "cd", 2) != 2);
		await_child(child);
		CHECK(send(p[0], "ef", 2, 0) == 2);
		EQ(recv(p[1], buf, 10, 0), k ? 2 : 6);
		if (k) {
			EQ(recv(p[1], buf, 10, 0), 2);
			EQ(recv(p[1], buf, 10, 0), 2);
		}
	}
}
