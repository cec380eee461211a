/* What the cases about sockets have in common. */
#ifndef SOCKETS_H
#define SOCKETS_H

#define _GNU_SOURCE
#include "../c/tap.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>

/* BAD is an address where no program has memory. */
#define BAD ((void *)0x7fff00000000)

static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
#define EACH_TYPE(t) (int each = 0, t; each < 3 && (t = types[each], 1); each++)

/* name_of makes the address of a path, or with '@' in front of an abstract name. */
static inline socklen_t name_of(struct sockaddr_un *a, const char *name)
{
	size_t n = strlen(name);

	memset(a, 0, sizeof *a);
	a->sun_family = AF_UNIX;
	memcpy(a->sun_path, name, n);
	if (name[0] == '@') {
		a->sun_path[0] = 0;
		return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	}
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1);
}

/* unique is an abstract name that no other run has. */
static inline const char *unique(const char *name)
{
	static char text[8][60];
	static unsigned next;
	char *s = text[next++ % 8];

	snprintf(s, 60, "@yolk-%d-%s", getpid(), name);
	return s;
}

static inline int bind_to(int s, const char *name)
{
	struct sockaddr_un a;
	socklen_t n = name_of(&a, name);

	return bind(s, (struct sockaddr *)&a, n);
}

static inline int connect_to(int s, const char *name)
{
	struct sockaddr_un a;
	socklen_t n = name_of(&a, name);

	return connect(s, (struct sockaddr *)&a, n);
}

static inline ssize_t send_to(int s, const char *text, const char *name)
{
	struct sockaddr_un a;
	socklen_t n = name_of(&a, name);

	return sendto(s, text, strlen(text), 0, (struct sockaddr *)&a, n);
}

static inline int make(int type)
{
	int s = socket(AF_UNIX, type, 0);

	CHECK(s >= 0);
	return s;
}

static inline int named(int type, const char *name)
{
	int s = make(type);

	CHECK(bind_to(s, name) == 0);
	return s;
}

static inline int listener(int type, const char *name, int backlog)
{
	int s = named(type, name);

	CHECK(listen(s, backlog) == 0);
	return s;
}

static inline void pair(int type, int p[2])
{
	CHECK(socketpair(AF_UNIX, type, 0, p) == 0);
}

static inline void expect(int s, const char *text)
{
	char buf[100];

	EQ(recv(s, buf, sizeof buf, 0), (long)strlen(text));
	CHECK(memcmp(buf, text, strlen(text)) == 0);
}

static inline int nonblocking(int s)
{
	return fcntl(s, F_SETFL, fcntl(s, F_GETFL) | O_NONBLOCK);
}

/* ready returns what poll says of all that it knows, now. */
static inline int ready(int s)
{
	struct pollfd p = {s, POLLIN | POLLOUT | POLLPRI | POLLRDHUP, 0};

	CHECK(poll(&p, 1, 0) >= 0);
	return p.revents;
}

static inline void enter_dir(void)
{
	char dir[] = "/tmp/socketsXXXXXX";

	CHECK(mkdtemp(dir) && chdir(dir) == 0);
}

static inline int get_int(int s, int option)
{
	int v = -1;
	socklen_t n = sizeof v;

	CHECK(getsockopt(s, SOL_SOCKET, option, &v, &n) == 0 && n == sizeof v);
	return v;
}

static inline int set_int(int s, int option, int v)
{
	return setsockopt(s, SOL_SOCKET, option, &v, sizeof v);
}

/* await_child ends the case unless the child has ended well. */
static inline void await_child(pid_t p)
{
	int status;

	CHECK(waitpid(p, &status, 0) == p);
	EQ(status, 0);
}

static inline void pause_ms(long ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

/* pass sends a descriptor with a byte; take receives one, or -1. */
int pass(int s, int fd);
int take(int s);

#endif
