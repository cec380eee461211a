/* Pipes, and waiting for files to be ready: poll, select, epoll, eventfd, timerfd. */
#include "files.h"

TEST(pipes)
{
	int p[2];
	char buf[100];

	CHECK(pipe2(p, O_NONBLOCK) == 0);
	FAILS(read(p[0], buf, 1), EAGAIN);
	EQ(write(p[1], "hello", 5), 5);
	int n;
	CHECK(ioctl(p[0], FIONREAD, &n) == 0 && n == 5);
	EQ(read(p[0], buf, 100), 5);
	FAILS(write(p[0], buf, 1), EBADF);
	EQ(fcntl(p[1], F_GETPIPE_SZ), 65536);
	static char big[100000];
	EQ(write(p[1], big, sizeof big), 65536);
	FAILS(write(p[1], big, 1), EAGAIN);
	close(p[1]);
	for (long sum = 0; sum < 65536; sum += n)
		CHECK((n = read(p[0], big, 10000)) > 0);
	EQ(read(p[0], buf, 1), 0);
	FAILS(syscall(SYS_pipe2, p, 0x12345), EINVAL);
	FAILS(syscall(SYS_pipe2, BAD, 0), EFAULT);
}

static volatile int signals;

static void on_signal(int sig) { signals += sig; }

TEST(broken_pipe)
{
	int p[2];

	CHECK(pipe(p) == 0);
	close(p[0]);
	signal(SIGPIPE, on_signal);
	FAILS(write(p[1], "x", 1), EPIPE);
	EQ(signals, SIGPIPE);
	signal(SIGPIPE, SIG_IGN);
	FAILS(write(p[1], "x", 1), EPIPE);
}

TEST(pipe_between_processes)
{
	int p[2], status;
	static char buf[200000], in[sizeof buf];

	for (size_t k = 0; k < sizeof buf; k++)
		buf[k] = k ^ k >> 8;
	CHECK(pipe(p) == 0);
	if (fork() == 0) {
		close(p[0]);
		_exit(write(p[1], buf, sizeof buf) != sizeof buf);
	}
	close(p[1]);
	size_t got = 0;
	for (ssize_t n; (n = read(p[0], in + got, sizeof in - got)) > 0;)
		got += n;
	EQ(got, sizeof buf);
	CHECK(memcmp(in, buf, sizeof buf) == 0);
	CHECK(wait(&status) > 0 && status == 0);
}

TEST(interrupted_read)
{
	int p[2];
	char c;
	struct sigaction a = {.sa_handler = on_signal};

	CHECK(pipe(p) == 0 && sigaction(SIGALRM, &a, NULL) == 0);
	alarm(1);
	FAILS(read(p[0], &c, 1), EINTR);
	EQ(signals, SIGALRM);
}

TEST(fifo)
{
	enter_dir();
	int status;
	char buf[10];

	CHECK(mkfifo("f", 0600) == 0);
	FAILS(open("f", O_WRONLY | O_NONBLOCK), ENXIO);
	if (fork() == 0) {
		int w = open("f", O_WRONLY);
		_exit(write(w, "word", 4) != 4);
	}
	int r = open("f", O_RDONLY);
	EQ(read(r, buf, 10), 4);
	EQ(read(r, buf, 10), 0);
	CHECK(wait(&status) > 0 && status == 0);
}

/* A pipe without a name is opened again through /proc, and that never waits. */
TEST(pipe_again)
{
	int p[2], r, w;
	char buf[10];

	CHECK(pipe(p) == 0 && write(p[1], "left", 4) == 4);
	snprintf(buf, 10, "%d", p[0]);
	CHECK(chdir("/proc/self/fd") == 0);
	CHECK((w = open(buf, O_WRONLY)) >= 0 && write(w, "word", 4) == 4);
	close(w);
	close(p[1]);
	CHECK((r = open(buf, O_RDONLY)) >= 0);
	EQ(read(r, buf, 10), 8);
	EQ(read(r, buf, 10), 0);
	snprintf(buf, 10, "%d", p[0]);
	close(r);
	CHECK((w = open(buf, O_WRONLY | O_NONBLOCK)) >= 0);
}

/* Whoever opens a FIFO waits for its other end, not for another like itself. */
TEST(fifo_partner)
{
	enter_dir();
	int status;
	pid_t one, two;

	CHECK(mkfifo("f", 0600) == 0);
	if ((one = fork()) == 0)
		_exit(open("f", O_RDONLY) < 0);
	usleep(100000);
	if ((two = fork()) == 0)
		_exit(open("f", O_RDONLY) < 0);
	usleep(100000);
	EQ(waitpid(-1, &status, WNOHANG), 0);
	CHECK(open("f", O_WRONLY) >= 0);
	CHECK(waitpid(one, &status, 0) == one && status == 0);
	CHECK(waitpid(two, &status, 0) == two && status == 0);
}

TEST(polling)
{
	int p[2];

	CHECK(pipe(p) == 0);
	struct pollfd f[3] = {{p[0], POLLIN, 9}, {p[1], POLLOUT, 9}, {-1, POLLIN, 9}};
	EQ(poll(f, 3, 0), 1);
	EQ(f[0].revents, 0);
	EQ(f[1].revents, POLLOUT);
	EQ(f[2].revents, 0);
	EQ(poll(f, 1, 20), 0);
	EQ(write(p[1], "x", 1), 1);
	EQ(poll(f, 1, -1), 1);
	EQ(f[0].revents, POLLIN);
	close(p[1]);
	EQ(poll(f, 2, -1), 2);
	EQ(f[0].revents, POLLIN | POLLHUP);
	EQ(f[1].revents, POLLNVAL);
	FAILS(poll(BAD, 1, 0), EFAULT);
	FAILS(syscall(SYS_poll, f, 1 << 30, 0), EINVAL);
	EQ(poll(NULL, 0, 5), 0);
}

TEST(poll_wakes)
{
	int p[2], status;

	CHECK(pipe(p) == 0);
	if (fork() == 0) {
		usleep(30000);
		_exit(write(p[1], "x", 1) != 1);
	}
	struct pollfd f = {p[0], POLLIN, 0};
	EQ(poll(&f, 1, 10000), 1);
	CHECK(wait(&status) > 0 && status == 0);
}

TEST(ppoll_mask)
{
	sigset_t all, none;
	struct sigaction a = {.sa_handler = on_signal};
	struct timespec t = {5, 0};

	sigfillset(&all), sigemptyset(&none);
	CHECK(sigaction(SIGUSR1, &a, NULL) == 0 && sigprocmask(SIG_SETMASK, &all, NULL) == 0);
	CHECK(raise(SIGUSR1) == 0 && signals == 0);
	FAILS(ppoll(NULL, 0, &t, &none), EINTR);
	EQ(signals, SIGUSR1);
}

TEST(selecting)
{
	int p[2];
	fd_set r, w;
	struct timeval t = {0, 20000};

	CHECK(pipe(p) == 0);
	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_SET(p[0], &r);
	FD_SET(p[1], &w);
	EQ(select(p[1] + 1, &r, &w, NULL, NULL), 1);
	CHECK(!FD_ISSET(p[0], &r) && FD_ISSET(p[1], &w));
	FD_SET(p[0], &r);
	EQ(syscall(SYS_select, p[1] + 1, &r, NULL, NULL, &t), 0); /* musl keeps t as it was */
	EQ(t.tv_usec, 0);
	EQ(write(p[1], "x", 1), 1);
	FD_SET(p[0], &r);
	EQ(select(p[1] + 1, &r, NULL, NULL, NULL), 1);
	close(p[1]);
	FD_SET(p[1], &r);
	FAILS(select(p[1] + 1, &r, NULL, NULL, NULL), EBADF);
	FAILS(select(-1, NULL, NULL, NULL, NULL), EINVAL);
}

TEST(epolling)
{
	int ep = epoll_create1(EPOLL_CLOEXEC), p[2];
	struct epoll_event e = {EPOLLIN, {.u64 = 0x123456789abcdef}}, got[4];

	CHECK(ep >= 0 && pipe(p) == 0);
	EQ(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e), 0);
	FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e), EEXIST);
	FAILS(epoll_ctl(ep, EPOLL_CTL_MOD, p[1], &e), ENOENT);
	FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, 99, &e), EBADF);
	FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &e), EINVAL);
	FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, open("/tmp", O_RDONLY), &e), EPERM);
	EQ(epoll_wait(ep, got, 4, 0), 0);
	EQ(epoll_wait(ep, got, 4, 10), 0);
	EQ(write(p[1], "x", 1), 1);
	EQ(epoll_wait(ep, got, 4, -1), 1);
	CHECK(got[0].events == EPOLLIN && got[0].data.u64 == e.data.u64);
	EQ(epoll_wait(ep, got, 4, 0), 1);
	e.events = EPOLLIN | EPOLLET;
	EQ(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e), 0);
	EQ(epoll_wait(ep, got, 4, 0), 1);
	EQ(epoll_wait(ep, got, 4, 0), 0);
	EQ(write(p[1], "x", 1), 1);
	EQ(epoll_wait(ep, got, 4, 0), 1);
	close(p[1]);
	EQ(epoll_wait(ep, got, 4, 0), 1);
	EQ(got[0].events, EPOLLIN | EPOLLHUP);
	EQ(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL), 0);
	FAILS(epoll_wait(ep, got, 0, 0), EINVAL);
	FAILS(epoll_wait(p[0], got, 1, 0), EINVAL);
}

TEST(event_counter)
{
	int fd = eventfd(3, EFD_NONBLOCK), sem = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
	uint64_t v;

	EQ(read(fd, &v, 8), 8);
	EQ(v, 3);
	FAILS(read(fd, &v, 8), EAGAIN);
	FAILS(read(fd, &v, 4), EINVAL);
	v = 5;
	EQ(write(fd, &v, 8), 8);
	EQ(write(fd, &v, 8), 8);
	EQ(read(fd, &v, 8), 8);
	EQ(v, 10);
	v = -1;
	FAILS(write(fd, &v, 8), EINVAL);
	EQ(read(sem, &v, 8), 8);
	EQ(v, 1);
	EQ(read(sem, &v, 8), 8);
	FAILS(read(sem, &v, 8), EAGAIN);
}

TEST(timers)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	struct itimerspec t = {{0, 10000000}, {0, 20000000}}, now;
	uint64_t n;

	CHECK(fd >= 0);
	FAILS(read(fd, &n, 8), EAGAIN);
	EQ(timerfd_settime(fd, 0, &t, NULL), 0);
	CHECK(timerfd_gettime(fd, &now) == 0 && now.it_interval.tv_nsec == 10000000);
	struct pollfd f = {fd, POLLIN, 0};
	EQ(poll(&f, 1, 10000), 1);
	EQ(read(fd, &n, 8), 8);
	CHECK(n >= 1);
	memset(&t, 0, sizeof t);
	EQ(timerfd_settime(fd, 0, &t, NULL), 0);
	FAILS(read(fd, &n, 8), EAGAIN);
	FAILS(timerfd_create(99, 0), EINVAL);
	t.it_value.tv_nsec = 2000000000;
	FAILS(timerfd_settime(fd, 0, &t, NULL), EINVAL);
}

TEST(memfd)
{
	int fd = memfd_create("name", MFD_ALLOW_SEALING);
	char path[50], text[100];

	CHECK(fd >= 0);
	sprintf(path, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(path, text, 99);
	CHECK(n > 0);
	text[n] = 0;
	CHECK(strcmp(text, "/memfd:name (deleted)") == 0);
	EQ(write(fd, "data", 4), 4);
	int other = open(path, O_RDWR);
	has(other, "data", 4);
	EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	FAILS(ftruncate(other, 0), EPERM);
	EQ(fcntl(fd, F_GET_SEALS), F_SEAL_SHRINK);
	EQ(fcntl(memfd_create("x", 0), F_GET_SEALS), F_SEAL_SEAL);
	FAILS(memfd_create("x", 0x10000), EINVAL);
}

/* Files that stay ready take turns, however few one call can report. */
TEST(epoll_takes_turns)
{
	int ep = epoll_create1(0), p[2], seen[5] = {0};
	struct epoll_event got[2];

	for (unsigned i = 0; i < 5; i++) {
		struct epoll_event e = {EPOLLIN, {.u32 = i}};
		CHECK(pipe(p) == 0 && write(p[1], "x", 1) == 1);
		EQ(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e), 0);
	}
	for (int n = 0; n < 10; n++) { /* 20 reports */
		EQ(epoll_wait(ep, got, 2, 0), 2);
		seen[got[0].data.u32]++;
		seen[got[1].data.u32]++;
	}
	for (int i = 0; i < 5; i++)
		EQ(seen[i], 4);
}

/* EPOLLEXCLUSIVE is for files that are no epoll instances, and comes with little else. */
TEST(epoll_exclusive)
{
	int ep = epoll_create1(0), inner = epoll_create1(0), p[2];
	struct epoll_event e = {.events = EPOLLIN | EPOLLEXCLUSIVE};

	CHECK(pipe(p) == 0);
	FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, inner, &e), EINVAL);
	e.events |= EPOLLONESHOT;
	FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e), EINVAL);
	e.events = EPOLLRDHUP | EPOLLEXCLUSIVE;
	FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e), EINVAL);
	e.events = EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLET | EPOLLEXCLUSIVE;
	EQ(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e), 0);
	FAILS(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e), EINVAL);
	e.events = EPOLLIN;
	FAILS(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e), EINVAL);
	EQ(epoll_ctl(ep, EPOLL_CTL_ADD, inner, &e), 0);
}
