/* What costs the kernel memory of its own, by call. Where exhaust.c goes to the end of
 * what there is, this goes as far as it takes for a careless kernel to fall. */
#include "attack.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static void well(void *arg)
{
	char *m = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)arg;
	CHECK(m != MAP_FAILED);
	memset(m, 1, 1 << 20);
	CHECK(getppid() > 0);
}

/* hoard runs f in a child, which may die of it; then all must be well. */
static int hoard(void (*f)(void *), void *arg)
{
	int status = ended(child(f, arg));

	EQ(tap_status(well, NULL), 0);
	return status;
}

enum { VMAS = 1 << 13 };

static int make_vmas(void)
{
	char *m = mmap(NULL, 2L * VMAS * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int n = 0;

	CHECK(m != MAP_FAILED);
	while (n < VMAS && mprotect(m + 2L * n * 4096, 4096, PROT_READ) == 0)
		n++;
	CHECK(n > 1000);
	return n;
}

/* The text of maps, and a core file's headers, are as long as the list of vmas. */
static void read_maps(void *arg)
{
	static char buf[65536];
	int n = make_vmas(), lines = 0;

	for (int k = 0; k < 20; k++) { /* each open file keeps a piece */
		int fd = open(arg, O_RDONLY);
		CHECK(fd >= 0 && read(fd, buf, sizeof buf) > 0);
	}
	int fd = open("/proc/self/maps", O_RDONLY);
	for (ssize_t r; (r = read(fd, buf, sizeof buf)) > 0;)
		for (ssize_t i = 0; i < r; i++)
			lines += buf[i] == '\n';
	CHECK(lines >= 2 * n);
}

TEST(reading_maps_of_many_vmas) { EQ(hoard(read_maps, "/proc/self/maps"), 0); }
TEST(reading_smaps_of_many_vmas) { EQ(hoard(read_maps, "/proc/self/smaps"), 0); }

static void dump_vmas(void *arg)
{
	struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};

	(void)arg;
	CHECK(chdir("/tmp") == 0 && setrlimit(RLIMIT_CORE, &all) == 0);
	make_vmas();
	abort();
}

TEST(core_file_of_many_vmas)
{
	int status = hoard(dump_vmas, NULL);

	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	unlink("/tmp/core");
}

/* Page tables: one page in each of many of them, far apart. */
static void touch_apart(void *arg)
{
	unsigned long stride = (unsigned long)arg;

	for (unsigned long n = 0; n < 1500; n++) {
		unsigned long at = (1UL << 32) + n * stride;
		char *m = mmap((void *)at, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		if (m == MAP_FAILED && errno == ENOMEM)
			_exit(3);
		if (m != MAP_FAILED)
			*(volatile char *)m = 1;
	}
}

TEST(page_tables_for_single_pages)
{
	for (unsigned long stride = 2UL << 20; stride <= 1UL << 30; stride <<= 9) {
		int status = hoard(touch_apart, (void *)stride);
		CHECK(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) || status == 3 << 8);
	}
}

static void descriptors(void *arg)
{
	struct rlimit limit;
	int top;

	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = limit.rlim_max;
	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	top = (int)limit.rlim_cur - 1;
	CHECK(dup2(0, top) == top && dup2(0, top + 1) == -1 && errno == EBADF);
	CHECK(dup2(0, 0x7fffffff) == -1 && errno == EBADF);
	for (int k = 0; k < 200; k++) { /* each with a table of that size */
		if (fork() == 0) {
			pause();
			_exit(0);
		}
	}
	fd_set *sets = calloc(1, 1 << 20);
	struct timeval zero = {0, 0};
	CHECK(RAW(SYS_select, 0x7fffffffL, sets, sets, sets, &zero) == 0);
	FAILS(poll((struct pollfd *)sets, limit.rlim_cur + 1, 0), EINVAL);
	CHECK(poll((struct pollfd *)sets, limit.rlim_cur, 0) >= 0);
	kill(0, SIGKILL);
	_exit(arg != NULL);
}

static void in_a_group(void *arg)
{
	setpgid(0, 0);
	((void (*)(void *))arg)(NULL);
}

TEST(descriptor_tables)
{
	int status = hoard(in_a_group, descriptors);

	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void full_pipes(void *arg)
{
	static char buf[65536];
	int n = 0, p[2];

	(void)arg;
	while (n < 60 && pipe2(p, O_NONBLOCK) == 0) {
		while (write(p[1], buf, sizeof buf) > 0)
			;
		n++;
	}
	CHECK(n > 10);
}

TEST(pipes_full_of_pages)
{
	int status = hoard(full_pipes, NULL);

	CHECK(status == 0 || WIFSIGNALED(status));
}

/* What lies in the queues of sockets is bounded for all of them together. */
static void full_sockets(void *arg)
{
	static char buf[65536];
	int n = 0, p[2];

	(void)arg;
	while (n < 480 && socketpair(AF_UNIX, n % 3 ? SOCK_STREAM : SOCK_DGRAM, 0, p) == 0) {
		while (send(p[0], buf, sizeof buf, MSG_DONTWAIT) > 0)
			;
		CHECK(errno == EAGAIN || errno == ENOBUFS);
		n++;
	}
	EQ(n, 480);
}

TEST(sockets_full_of_messages)
{
	EQ(hoard(full_sockets, NULL), 0);
}

static int send_file(int s, int fd)
{
	union {
		char room[CMSG_SPACE(sizeof fd)];
		struct cmsghdr align;
	} c;
	struct iovec v = {"x", 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = c.room, .msg_controllen = sizeof c.room};

	c.align = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
	memcpy(CMSG_DATA(&c.align), &fd, sizeof fd);
	return sendmsg(s, &m, MSG_DONTWAIT) == 1 ? 0 : -1;
}

/* Sockets that only lie in each other's queues are in nobody's table of descriptors. */
static void sockets_in_flight(void *arg)
{
	int n, p[2];

	(void)arg;
	for (n = 0; n < 8000; n++) {
		if (socketpair(AF_UNIX, SOCK_DGRAM, 0, p))
			break;
		if (send_file(p[0], p[1]) || send_file(p[1], p[0]))
			CHECK(errno == ETOOMANYREFS || errno == ENOBUFS);
		close(p[0]);
		close(p[1]);
	}
	EQ(n, 8000); /* those that nobody can reach are found in time */
}

TEST(sockets_that_nobody_can_reach)
{
	EQ(hoard(sockets_in_flight, NULL), 0);
}

/* Connections that nobody accepts have no descriptor either, once those who made them are gone. */
static void unaccepted(void *arg)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int s = 0, n = 0;

	(void)arg;
	for (int k = 0; k < 100; k++) {
		CHECK((s = socket(AF_UNIX, SOCK_STREAM, 0)) >= 0 || errno == ENFILE);
		if (s < 0)
			break;
		snprintf(a.sun_path + 1, 20, "hoard%d", k);
		CHECK(bind(s, (void *)&a, 20) == 0 && listen(s, 4096) == 0);
		for (int i = 0; i < 4096; i++) {
			int c = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
			int r = c < 0 ? -1 : connect(c, (void *)&a, 20);
			CHECK(r == 0 || errno == EAGAIN || errno == ENFILE);
			close(c);
			if (r < 0)
				break;
			n++;
		}
	}
	CHECK(n > 1000);
}

TEST(connections_that_nobody_accepts)
{
	EQ(hoard(unaccepted, NULL), 0);
}

static void deep_directories(void *arg)
{
	static char buf[8192];
	char name[201];
	int n = 0;

	(void)arg;
	memset(name, 'd', sizeof name - 1);
	name[sizeof name - 1] = 0;
	CHECK(mkdir("/tmp/deep", 0700) == 0 && chdir("/tmp/deep") == 0);
	while (n < 600 && mkdir(name, 0700) == 0 && chdir(name) == 0)
		n++;
	CHECK(n > 100);
	long r = RAW(SYS_getcwd, buf, (long)sizeof buf);
	CHECK(r == -ENAMETOOLONG || r == -ERANGE || r > 0);
	RAW(SYS_readlink, "/proc/self/cwd", buf, (long)sizeof buf);
	while (n > 0) {
		CHECK(chdir("..") == 0 && rmdir(name) == 0);
		n--;
	}
	CHECK(chdir("/") == 0 && rmdir("/tmp/deep") == 0);
}

TEST(directories_without_end) { EQ(hoard(deep_directories, NULL), 0); }

static void links(void *arg)
{
	char from[64], to[64];

	(void)arg;
	CHECK(mkdir("/tmp/links", 0700) == 0 && chdir("/tmp/links") == 0);
	CHECK(symlink("1", "0") == 0 && symlink("0", "1") == 0 && symlink("self/x", "self") == 0);
	FAILS(open("0", O_RDONLY), ELOOP);
	FAILS(open("self", O_RDONLY), ELOOP);
	for (int i = 2; i < 100; i++) {
		snprintf(from, sizeof from, "c%d", i);
		snprintf(to, sizeof to, "c%d/../c%d", i + 1, i + 1);
		CHECK(symlink(to, from) == 0);
	}
	CHECK(open("c2", O_RDONLY) == -1 && (errno == ELOOP || errno == ENOENT));
	for (int i = 2; i < 100; i++) {
		snprintf(from, sizeof from, "c%d", i);
		CHECK(unlink(from) == 0);
	}
	CHECK(unlink("0") == 0 && unlink("1") == 0 && unlink("self") == 0 && chdir("/") == 0 && rmdir("/tmp/links") == 0);
}

TEST(links_that_lead_round) { EQ(hoard(links, NULL), 0); }

static void nested_epoll(void *arg)
{
	struct { uint32_t events; uint64_t data; } __attribute__((packed)) e = {1, 1};
	int fd[200], n = 0;

	(void)arg;
	for (int i = 0; i < 200; i++)
		CHECK((fd[i] = (int)RAW(SYS_epoll_create1)) >= 0);
	EQ(RAW(SYS_epoll_ctl, (long)fd[0], 1L, (long)fd[0], &e), -EINVAL);
	for (int i = 1; i < 200; i++)
		n += RAW(SYS_epoll_ctl, (long)fd[i], 1L, (long)fd[i - 1], &e) == 0;
	CHECK(n < 199);
	CHECK(RAW(SYS_epoll_ctl, (long)fd[0], 1L, (long)fd[1], &e) == -ELOOP);
	RAW(SYS_epoll_wait, (long)fd[199], (char[64]){0}, 1L, 0L);
}

TEST(epoll_in_epoll) { EQ(hoard(nested_epoll, NULL), 0); }

static void many_items(void *arg)
{
	struct { uint32_t events; uint64_t data; } __attribute__((packed)) e = {1, 1};
	int ep, p[2], n = 0;

	(void)arg;
	CHECK(pipe(p) == 0);
	for (int k = 0; k < 40; k++) {
		if ((ep = (int)RAW(SYS_epoll_create1)) < 0)
			break;
		for (int fd = 100; fd < 400; fd++)
			if (dup2(p[0], fd) == fd && RAW(SYS_epoll_ctl, (long)ep, 1L, (long)fd, &e) == 0)
				n++;
	}
	CHECK(n > 1000);
}

TEST(epoll_items_without_end)
{
	int status = hoard(many_items, NULL);

	CHECK(status == 0 || WIFSIGNALED(status));
}

static void many_locks(void *arg)
{
	int fd = open("/tmp/locks", O_CREAT | O_RDWR, 0600), n = 0;
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};

	(void)arg;
	CHECK(fd >= 0 && unlink("/tmp/locks") == 0);
	double until = now() + 4;
	while (n < 3000 && now() < until) {
		l.l_start = 2L * n;
		if (fcntl(fd, F_SETLK, &l) != 0)
			break;
		n++;
	}
	CHECK(n > 100);
}

TEST(file_locks_without_end) { EQ(hoard(many_locks, NULL), 0); }

static void shared_memory(void *arg)
{
	int n = 0, id;

	(void)arg;
	while (n < 200 && (id = shmget(IPC_PRIVATE, 64 << 10, IPC_CREAT | 0600)) >= 0) {
		char *m = shmat(id, NULL, 0);
		shmctl(id, IPC_RMID, NULL);
		if (m == (void *)-1)
			break;
		memset(m, 1, 64 << 10);
		n++;
	}
	CHECK(n > 10);
}

TEST(shared_memory_without_end)
{
	int status = hoard(shared_memory, NULL);

	CHECK(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
}

static void memory_files(void *arg)
{
	static char buf[65536];
	int n = 0, fd;

	(void)arg;
	memset(buf, 1, sizeof buf);
	while (n < 4 && (fd = (int)RAW(SYS_memfd_create, "hoard")) >= 0) {
		for (int k = 0; k < 64; k++)
			if (write(fd, buf, sizeof buf) <= 0)
				_exit(errno == ENOSPC || errno == ENOMEM ? 3 : 4);
		n++;
	}
}

TEST(memory_files_without_end)
{
	int status = hoard(memory_files, NULL);

	CHECK(status == 3 << 8 || status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
}

static void bomb(void *arg)
{
	struct rlimit limit = {150, 150};

	(void)arg;
	setpgid(0, 0);
	setrlimit(RLIMIT_NPROC, &limit);
	be(61003);
	alarm(3);
	for (;;)
		if (fork() < 0)
			usleep(10000);
}

/* Everybody forks as often as it can; the leader's end is not that of the others. That
 * tasks run out for all is processes_end_with_eagain's. */
TEST(fork_bomb)
{
	pid_t pid = child(bomb, NULL);
	int status;

	usleep(1500000);
	status = kill(-pid, SIGKILL);
	CHECK(status == 0);
	for (int n = 0; n < 200 && kill(-pid, SIGKILL) == 0; n++)
		usleep(10000);
	ended(pid);
	EQ(tap_status(well, NULL), 0);
}

static void long_arguments(void *arg)
{
	static char big[100000], *many[50];

	(void)arg;
	memset(big, 'x', sizeof big - 1);
	for (int i = 0; i < 18; i++)
		many[i] = big;
	pid_t pid = fork();
	if (pid == 0) {
		dup2(open("/dev/null", O_WRONLY), 1);
		execve("/proc/self/exe", (char *[]){"attack", "sleep_on_the_arguments", NULL}, many);
		_exit(9);
	}
	char name[64];
	static char buf[65536];
	long total = 0;
	snprintf(name, sizeof name, "/proc/%d/environ", pid);
	for (int n = 0; n < 200 && total < 18 * 99999L; n++) { /* until it has executed */
		int fd = open(name, O_RDONLY);
		total = 0;
		for (ssize_t r; (r = read(fd, buf, sizeof buf)) > 0;)
			total += r;
		close(fd);
		usleep(50000);
	}
	kill(pid, SIGKILL);
	CHECK(total >= 18 * 99999L);
}

TEST(sleep_on_the_arguments)
{
	if (getenv("PATH") || getppid() == 0 || !environ[0] || strlen(environ[0]) < 90000)
		SKIP("it is what the next case executes");
	usleep(20000000);
}

TEST(environment_read_in_pieces) { EQ(hoard(long_arguments, NULL), 0); }
