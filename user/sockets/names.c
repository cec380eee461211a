/* What sockets are found by: socket, socketpair, bind, listen, connect, accept, and the calls that tell names. */
#include "sockets.h"

TEST(kinds_of_sockets)
{
	FAILS(socket(77, SOCK_STREAM, 0), EAFNOSUPPORT);
	FAILS(socket(-1, SOCK_STREAM, 0), EAFNOSUPPORT);
	FAILS(socket(AF_UNIX, SOCK_STREAM, 6), EPROTONOSUPPORT);
	FAILS(socket(AF_UNIX, 4, 0), ESOCKTNOSUPPORT);
	FAILS(socket(AF_UNIX, 12, 0), EINVAL);
	FAILS(socket(AF_UNIX, SOCK_STREAM | 0x1000, 0), EINVAL);
	FAILS(socketpair(AF_UNIX, 4, 0, (int[2]){0}), ESOCKTNOSUPPORT);
	FAILS(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, BAD), EFAULT);
	for EACH_TYPE(t) {
		int s = socket(AF_UNIX, t | SOCK_CLOEXEC | SOCK_NONBLOCK, AF_UNIX);
		CHECK(s >= 0);
		EQ(fcntl(s, F_GETFD), FD_CLOEXEC);
		EQ(fcntl(s, F_GETFL), O_RDWR | O_NONBLOCK);
		EQ(get_int(s, SO_TYPE), t);
		EQ(get_int(s, SO_DOMAIN), AF_UNIX);
		EQ(get_int(s, SO_PROTOCOL), 0);
		EQ(get_int(s, SO_ACCEPTCONN), 0);
		close(s);
		s = make(t);
		EQ(fcntl(s, F_GETFD), 0);
		EQ(fcntl(s, F_GETFL), O_RDWR);
		close(s);
	}
	int s = socket(AF_UNIX, SOCK_RAW, 0);
	EQ(get_int(s, SO_TYPE), SOCK_DGRAM);
}

TEST(no_sockets_at_all)
{
	char c;
	struct sockaddr_un a;
	socklen_t n = name_of(&a, "/tmp/x");
	int p[2], path = open("/", O_PATH);

	FAILS(bind(99, (void *)&a, n), EBADF);
	FAILS(recv(99, &c, 1, 0), EBADF);
	CHECK(pipe(p) == 0);
	FAILS(bind(p[0], (void *)&a, n), ENOTSOCK);
	FAILS(connect(p[0], (void *)&a, n), ENOTSOCK);
	FAILS(listen(p[0], 1), ENOTSOCK);
	FAILS(accept(p[0], NULL, NULL), ENOTSOCK);
	FAILS(shutdown(p[0], SHUT_RD), ENOTSOCK);
	FAILS(send(p[1], "x", 1, 0), ENOTSOCK);
	FAILS(recv(p[0], &c, 1, 0), ENOTSOCK);
	FAILS(getsockname(p[0], (void *)&a, &n), ENOTSOCK);
	FAILS(getpeername(p[0], (void *)&a, &n), ENOTSOCK);
	FAILS(getsockopt(p[0], SOL_SOCKET, SO_TYPE, &c, &n), ENOTSOCK);
	FAILS(recv(path, &c, 1, 0), EBADF);
}

/* The name service's cache is not there: what getpwnam finds out first. */
TEST(nobody_at_a_path)
{
	for EACH_TYPE(t) {
		int s = make(t);
		FAILS(connect_to(s, "/var/run/nowhere/socket"), ENOENT);
		FAILS(connect_to(s, "/tmp"), ECONNREFUSED);
		FAILS(connect_to(s, "/dev/null/x"), ENOTDIR);
		FAILS(connect_to(s, unique("nobody")), ECONNREFUSED);
	}
	FAILS(send_to(make(SOCK_DGRAM), "x", "/var/run/nowhere/socket"), ENOENT);
	FAILS(send_to(make(SOCK_DGRAM), "x", unique("nobody")), ECONNREFUSED);
}

TEST(path_names)
{
	struct stat st;
	struct sockaddr_un a, b;
	socklen_t n = sizeof b;

	enter_dir();
	umask(027);
	for EACH_TYPE(t) {
		int s = make(t);
		name_of(&a, "name");
		EQ(bind(s, (void *)&a, sizeof a), 0); /* what follows the NUL is nothing */
		CHECK(stat("name", &st) == 0);
		EQ(st.st_mode, S_IFSOCK | 0750);
		EQ(st.st_size, 0);
		n = sizeof b;
		CHECK(getsockname(s, (void *)&b, &n) == 0);
		EQ(n, offsetof(struct sockaddr_un, sun_path) + 5);
		CHECK(b.sun_family == AF_UNIX && strcmp(b.sun_path, "name") == 0);
		FAILS(bind_to(s, "other"), EINVAL);
		FAILS(bind_to(make(t), "name"), EADDRINUSE);
		FAILS(open("name", O_RDONLY), ENXIO);
		close(s);
		CHECK(stat("name", &st) == 0); /* it stays, and nobody answers */
		FAILS(connect_to(make(t), "name"), ECONNREFUSED);
		FAILS(bind_to(make(t), "name"), EADDRINUSE);
		CHECK(unlink("name") == 0);
	}
	CHECK(mknod("made", S_IFSOCK | 0600, 0) == 0);
	FAILS(connect_to(make(SOCK_STREAM), "made"), ECONNREFUSED);
	FAILS(bind_to(make(SOCK_STREAM), "."), EADDRINUSE);
	FAILS(bind_to(make(SOCK_STREAM), "no/where"), ENOENT);
	FAILS(bind_to(make(SOCK_STREAM), "made/x"), ENOTDIR);
	/* a name of another place is the same socket, one that was made anew is not */
	listener(SOCK_STREAM, "first", 5);
	CHECK(link("first", "second") == 0 && rename("first", "third") == 0);
	CHECK(symlink("third", "fourth") == 0);
	EQ(connect_to(make(SOCK_STREAM), "second"), 0);
	EQ(connect_to(make(SOCK_STREAM), "third"), 0);
	EQ(connect_to(make(SOCK_STREAM), "fourth"), 0);
	FAILS(connect_to(make(SOCK_STREAM), "first"), ENOENT);
	CHECK(mknod("first", S_IFSOCK | 0600, 0) == 0);
	FAILS(connect_to(make(SOCK_STREAM), "first"), ECONNREFUSED);
	CHECK(unlink("second") == 0 && unlink("third") == 0);
	FAILS(connect_to(make(SOCK_STREAM), "fourth"), ENOENT);
}

TEST(longest_path)
{
	struct sockaddr_un a;
	char back[200] = "";
	socklen_t n = sizeof back;
	int s = make(SOCK_DGRAM);

	enter_dir();
	a.sun_family = AF_UNIX;
	memset(a.sun_path, 'l', sizeof a.sun_path);
	EQ(bind(s, (void *)&a, sizeof a), 0); /* no NUL at the end */
	CHECK(getsockname(s, (void *)back, &n) == 0);
	EQ(n, sizeof a + 1);
	EQ(back[sizeof a - 1], 'l');
	EQ(back[sizeof a], 0);
	FAILS(bind(make(SOCK_DGRAM), (void *)back, sizeof a + 1), EINVAL);
}

TEST(lengths_of_addresses)
{
	struct sockaddr_un a;
	struct { struct sockaddr_un a; char more[50]; } b;
	int s = make(SOCK_STREAM);
	socklen_t n = name_of(&a, unique("length"));

	FAILS(bind(s, (void *)&a, 1), EINVAL);
	FAILS(bind(s, (void *)&a, 200), EINVAL);
	FAILS(bind(s, (void *)&a, -1), EINVAL);
	FAILS(bind(s, BAD, n), EFAULT);
	FAILS(connect(s, BAD, n), EFAULT);
	FAILS(connect(s, (void *)&a, 2), EINVAL);
	a.sun_family = AF_INET;
	FAILS(bind(s, (void *)&a, n), EINVAL);
	FAILS(connect(s, (void *)&a, n), EINVAL);
	a.sun_family = AF_UNIX;
	EQ(bind(s, (void *)&a, n), 0);
	/* the buffer is too short: the true length is told */
	memset(&b, 'x', sizeof b);
	socklen_t room = 5;
	EQ(getsockname(s, (void *)&b, &room), 0);
	EQ(room, n);
	EQ(b.a.sun_path[2], a.sun_path[2]);
	EQ(b.a.sun_path[3], 'x');
	room = -1;
	FAILS(getsockname(s, (void *)&b, &room), EINVAL);
	room = 50;
	FAILS(getsockname(s, BAD, &room), EFAULT);
	FAILS(getsockname(s, (void *)&b, BAD), EFAULT);
	FAILS(getpeername(s, (void *)&b, &room), ENOTCONN);
}

TEST(abstract_names)
{
	struct sockaddr_un a;
	const char *name = unique("abstract");
	socklen_t n = sizeof a;
	int s = listener(SOCK_STREAM, name, 5);

	CHECK(getsockname(s, (void *)&a, &n) == 0);
	EQ(n, offsetof(struct sockaddr_un, sun_path) + strlen(name));
	CHECK(a.sun_path[0] == 0 && memcmp(a.sun_path + 1, name + 1, strlen(name) - 1) == 0);
	FAILS(bind_to(make(SOCK_STREAM), name), EADDRINUSE);
	int other = named(SOCK_DGRAM, name); /* each type has names of its own */
	FAILS(connect_to(make(SOCK_SEQPACKET), name), ECONNREFUSED);
	EQ(connect_to(make(SOCK_STREAM), name), 0);
	EQ(connect_to(make(SOCK_DGRAM), name), 0);
	/* a NUL at the end belongs to the name */
	n = name_of(&a, name);
	FAILS(connect(make(SOCK_STREAM), (void *)&a, n + 1), ECONNREFUSED);
	close(s);
	close(other);
	FAILS(connect_to(make(SOCK_STREAM), name), ECONNREFUSED);
	close(named(SOCK_STREAM, name)); /* it went with the socket */
}

TEST(names_that_the_kernel_chooses)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX}, b;
	socklen_t n = sizeof b;
	int s = make(SOCK_DGRAM), r = make(SOCK_DGRAM);

	EQ(bind(s, (void *)&a, 2), 0);
	CHECK(getsockname(s, (void *)&a, &n) == 0);
	EQ(n, 8);
	EQ(a.sun_path[0], 0);
	for (int k = 1; k < 6; k++)
		CHECK(strchr("0123456789abcdef", a.sun_path[k]));
	EQ(bind(r, (void *)&a, 2), 0);
	n = sizeof b;
	CHECK(getsockname(r, (void *)&b, &n) == 0 && n == 8 && memcmp(&a, &b, 8) != 0);
	EQ(sendto(s, "x", 1, 0, (void *)&b, 8), 1);
	expect(r, "x");
	EQ(bind(s, (void *)&b, 2), 0); /* it has one already */
	/* who wants to know whom messages are from needs a name */
	int w = make(SOCK_DGRAM);
	CHECK(set_int(w, SO_PASSCRED, 1) == 0);
	EQ(connect(w, (void *)&b, 8), 0);
	n = sizeof a;
	CHECK(getsockname(w, (void *)&a, &n) == 0);
	EQ(n, 8);
}

TEST(no_name)
{
	struct sockaddr_un a;
	socklen_t n = sizeof a;
	int p[2];

	pair(SOCK_STREAM, p);
	CHECK(getsockname(p[0], (void *)&a, &n) == 0);
	CHECK(n == 2 && a.sun_family == AF_UNIX);
	n = sizeof a;
	CHECK(getpeername(p[0], (void *)&a, &n) == 0);
	EQ(n, 2);
	FAILS(getpeername(make(SOCK_STREAM), (void *)&a, &n), ENOTCONN);
}

TEST(wrong_types)
{
	enter_dir();
	listener(SOCK_STREAM, "stream", 5);
	listener(SOCK_SEQPACKET, "sequence", 5);
	named(SOCK_DGRAM, "datagram");
	FAILS(connect_to(make(SOCK_DGRAM), "stream"), EPROTOTYPE);
	FAILS(connect_to(make(SOCK_SEQPACKET), "stream"), EPROTOTYPE);
	FAILS(connect_to(make(SOCK_STREAM), "sequence"), EPROTOTYPE);
	FAILS(connect_to(make(SOCK_STREAM), "datagram"), EPROTOTYPE);
	FAILS(send_to(make(SOCK_DGRAM), "x", "sequence"), EPROTOTYPE);
	FAILS(listen(named(SOCK_DGRAM, "d"), 1), EOPNOTSUPP);
	FAILS(accept(make(SOCK_DGRAM), NULL, NULL), EOPNOTSUPP);
}

TEST(listen_and_accept)
{
	struct sockaddr_un a;
	socklen_t n = sizeof a;

	for (int k = 0; k < 2; k++) {
		int type = k ? SOCK_SEQPACKET : SOCK_STREAM, s = make(type), c = make(type);
		const char *name = unique("listen"), *mine = unique("mine");

		FAILS(listen(s, 1), EINVAL); /* nobody could find it */
		FAILS(accept(s, NULL, NULL), EINVAL);
		CHECK(bind_to(s, name) == 0);
		FAILS(connect_to(c, name), ECONNREFUSED);
		EQ(listen(s, 5), 0);
		EQ(listen(s, 7), 0);
		EQ(get_int(s, SO_ACCEPTCONN), 1);
		FAILS(connect_to(s, name), EINVAL);
		CHECK(nonblocking(s) == 0);
		FAILS(accept(s, NULL, NULL), EAGAIN);
		CHECK(bind_to(c, mine) == 0);
		EQ(connect_to(c, name), 0);
		FAILS(connect_to(c, name), EISCONN);
		FAILS(listen(c, 1), EINVAL);
		EQ(send(c, "early", 5, 0), 5);
		FAILS(syscall(SYS_accept4, s, NULL, NULL, 0x1234), EINVAL);
		int e = accept4(s, (void *)&a, &n, SOCK_CLOEXEC | SOCK_NONBLOCK);
		CHECK(e >= 0 && n == 2 + strlen(mine) && memcmp(a.sun_path + 1, mine + 1, strlen(mine) - 1) == 0);
		EQ(fcntl(e, F_GETFD), FD_CLOEXEC);
		EQ(fcntl(e, F_GETFL), O_RDWR | O_NONBLOCK);
		EQ(get_int(e, SO_ACCEPTCONN), 0);
		expect(e, "early");
		n = sizeof a;
		CHECK(getsockname(e, (void *)&a, &n) == 0);
		EQ(n, 2 + strlen(name)); /* the listener's */
		n = sizeof a;
		CHECK(getpeername(c, (void *)&a, &n) == 0);
		EQ(n, 2 + strlen(name));
		EQ(send(e, "back", 4, 0), 4);
		expect(c, "back");
		close(s);
		EQ(send(e, "still", 5, 0), 5);
		expect(c, "still");
		/* the name is free again, although accepted sockets tell it */
		close(named(type, name));
		n = sizeof a;
	}
}

TEST(backlog)
{
	const char *name = unique("backlog");
	int s = listener(SOCK_STREAM, name, 1), c[3];

	for (int k = 0; k < 3; k++)
		CHECK(nonblocking(c[k] = make(SOCK_STREAM)) == 0);
	EQ(connect_to(c[0], name), 0);
	EQ(connect_to(c[1], name), 0);
	FAILS(connect_to(c[2], name), EAGAIN);
	struct timeval t = {0, 20000};
	int late = make(SOCK_STREAM);
	CHECK(setsockopt(late, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t) == 0);
	FAILS(connect_to(late, name), EAGAIN);
	close(accept(s, NULL, NULL));
	EQ(connect_to(c[2], name), 0);
	/* who waits gets its turn */
	pid_t p = fork();
	if (p == 0)
		_exit(connect_to(make(SOCK_STREAM), name) != 0);
	pause_ms(30);
	CHECK(accept(s, NULL, NULL) >= 0);
	await_child(p);
	/* who waits when the listener goes is told */
	p = fork();
	if (p == 0) {
		close(s);
		_exit(!(connect_to(make(SOCK_STREAM), name) == -1 && errno == ECONNREFUSED));
	}
	pause_ms(30);
	close(s);
	await_child(p);
}

TEST(listener_goes)
{
	char b;
	const char *name = unique("goes");
	int s = listener(SOCK_STREAM, name, 5), c = make(SOCK_STREAM);

	CHECK(connect_to(c, name) == 0);
	close(s);
	EQ(ready(c), POLLIN | POLLOUT | POLLRDHUP | POLLHUP | POLLERR);
	FAILS(recv(c, &b, 1, 0), ECONNRESET);
	EQ(recv(c, &b, 1, 0), 0);
	FAILS(send(c, "x", 1, MSG_NOSIGNAL), EPIPE);
	/* shut down, it accepts no more */
	s = listener(SOCK_STREAM, name, 5);
	CHECK(shutdown(s, SHUT_RD) == 0);
	FAILS(connect_to(make(SOCK_STREAM), name), ECONNREFUSED);
	FAILS(accept(s, NULL, NULL), EINVAL);
}

TEST(accept_without_descriptors)
{
	const char *name = unique("full");
	struct rlimit_ { unsigned long cur, max; } small, old;
	int s = listener(SOCK_STREAM, name, 5), c = make(SOCK_STREAM);

	CHECK(connect_to(c, name) == 0);
	CHECK(syscall(SYS_prlimit64, 0, 7, NULL, &old) == 0);
	small = (struct rlimit_){c + 1, old.max};
	CHECK(syscall(SYS_prlimit64, 0, 7, &small, NULL) == 0);
	FAILS(accept(s, NULL, NULL), EMFILE);
	CHECK(syscall(SYS_prlimit64, 0, 7, &old, NULL) == 0);
	int e = accept(s, NULL, NULL); /* it was left in the queue */
	CHECK(e >= 0);
	EQ(send(c, "x", 1, 0), 1);
	expect(e, "x");
	/* an address that cannot be stored */
	CHECK(connect_to(make(SOCK_STREAM), name) == 0);
	socklen_t n = 10;
	FAILS(accept(s, BAD, &n), EFAULT);
}

/* Whoever may not write to a socket's name may not connect to it. */
TEST(permissions)
{
	if (getuid() != 0)
		SKIP("only root becomes somebody else");
	enter_dir();
	CHECK(chmod(".", 0755) == 0);
	listener(SOCK_STREAM, "mine", 5);
	listener(SOCK_STREAM, "all", 5);
	CHECK(chmod("all", 0722) == 0 && chmod("mine", 0755) == 0);
	CHECK(setgid(1234) == 0 && setuid(1234) == 0);
	FAILS(connect_to(make(SOCK_STREAM), "mine"), EACCES);
	EQ(connect_to(make(SOCK_STREAM), "all"), 0);
	FAILS(bind_to(make(SOCK_STREAM), "new"), EACCES);
}

TEST(what_files_can_do_and_sockets_not)
{
	int p[2];
	char buf[64], path[64];
	struct stat st;

	pair(SOCK_STREAM, p);
	CHECK(fstat(p[0], &st) == 0);
	EQ(st.st_mode, S_IFSOCK | 0777);
	EQ(st.st_uid, geteuid());
	FAILS(lseek(p[0], 0, SEEK_CUR), ESPIPE);
	FAILS(pread(p[0], buf, 1, 0), ESPIPE);
	FAILS(pwrite(p[0], buf, 1, 0), ESPIPE);
	FAILS(ftruncate(p[0], 0), EINVAL);
	FAILS(fsync(p[0]), EINVAL);
	snprintf(path, sizeof path, "/proc/self/fd/%d", p[0]);
	ssize_t n = readlink(path, buf, sizeof buf - 1);
	CHECK(n > 0);
	buf[n] = 0;
	char want[64];
	snprintf(want, sizeof want, "socket:[%lu]", (unsigned long)st.st_ino);
	CHECK(strcmp(buf, want) == 0);
	FAILS(open(path, O_RDONLY), ENXIO);
	CHECK(stat(path, &st) == 0 && S_ISSOCK(st.st_mode));
	struct stat other;
	CHECK(fstat(p[1], &other) == 0 && other.st_ino != st.st_ino);
}

TEST(proc_net_unix)
{
	const char *name = unique("listed");
	char line[256], want[80];
	struct stat st;
	int s = listener(SOCK_STREAM, name, 3), found = 0;

	CHECK(fstat(s, &st) == 0);
	snprintf(want, sizeof want, " 00010000 0001 01 %5lu %s\n", (unsigned long)st.st_ino, name);
	FILE *f = fopen("/proc/net/unix", "r");
	CHECK(f && fgets(line, sizeof line, f) && strncmp(line, "Num ", 4) == 0);
	while (fgets(line, sizeof line, f))
		found += strlen(line) > strlen(want) && strcmp(line + strlen(line) - strlen(want), want) == 0;
	EQ(found, 1);
}
