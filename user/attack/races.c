/* Double fetches: a second thread changes what a call of the first is looking at, be it
 * the memory, the structure that leads there, the descriptor, or the task itself. */
#include "attack.h"

#include <pthread.h>
#include <sched.h>
#define FUTEX_WAIT 0
#define FUTEX_WAKE 1
#include <sys/ptrace.h>
#include <sys/ucontext.h>
#include <sys/uio.h>

static volatile int stop;
static char *volatile page;
enum { SIZE = 16 * 4096, TENTHS = 2 };

static void start(pthread_t *t, void *(*f)(void *))
{
	stop = 0;
	CHECK(pthread_create(t, NULL, f, NULL) == 0);
}

static void end(pthread_t t)
{
	stop = 1;
	CHECK(pthread_join(t, NULL) == 0);
}

static int running(double *since)
{
	if (*since == 0)
		*since = now();
	return now() - *since < 0.1 * TENTHS;
}

#define FOR_A_WHILE for (double since = 0; running(&since);)

/* The memory comes and goes, and is read-only at times. */
static void *flip_mapping(void *arg)
{
	char *p = page;

	while (!stop) {
		munmap(p, SIZE / 2);
		mmap(p, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		mprotect(p + 4096, SIZE / 2, PROT_READ);
		mprotect(p + 8192, SIZE / 2, PROT_NONE);
		mprotect(p, SIZE, PROT_READ | PROT_WRITE);
		madvise(p, SIZE, MADV_DONTNEED);
	}
	return arg;
}

/* ok is a result that a copy to memory that comes and goes may have. */
static int ok(ssize_t r, ssize_t most)
{
	return r == -EFAULT || r == -EAGAIN || (r >= 0 && r <= most);
}

static void map_page(void)
{
	page = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(page != MAP_FAILED);
}

TEST(copies_race_with_munmap)
{
	pthread_t t;
	int zero = open("/dev/zero", O_RDONLY), file = open(own("race"), O_CREAT | O_RDWR | O_TRUNC, 0600), p[2];
	int dir = open("/proc/self", O_RDONLY | O_DIRECTORY);

	CHECK(zero >= 0 && file >= 0 && pipe2(p, O_NONBLOCK) == 0 && unlink(own("race")) == 0);
	map_page();
	start(&t, flip_mapping);
	FOR_A_WHILE {
		char *at = page + 100;
		struct iovec v[3] = {{at, 5000}, {at + 5000, 5000}, {at + 10000, 5000}};
		CHECK(ok(RAW(SYS_read, (long)zero, at, (long)SIZE - 200), SIZE - 200));
		CHECK(ok(RAW(SYS_pwrite64, (long)file, at, (long)SIZE - 200, 0L), SIZE - 200));
		CHECK(ok(RAW(SYS_pread64, (long)file, at, (long)SIZE - 200, 0L), SIZE - 200));
		CHECK(ok(RAW(SYS_writev, (long)p[1], v, 3L), 15000));
		CHECK(ok(RAW(SYS_readv, (long)p[0], v, 3L), 15000));
		CHECK(ok(RAW(SYS_getrandom, at, 9000L, 0L), 9000));
		CHECK(ok(RAW(SYS_uname, at + 4000), 0));
		CHECK(ok(RAW(SYS_stat, "/", at + 4000), 0));
		CHECK(ok(RAW(SYS_getdents64, (long)dir, at, 9000L), 9000));
		RAW(SYS_lseek, (long)dir, 0L, 0L);
		CHECK(ok(RAW(SYS_process_vm_readv, (long)getpid(), v, 3L, v, 3L, 0L), 15000));
		CHECK(ok(RAW(SYS_process_vm_writev, (long)getpid(), v, 3L, v, 3L, 0L), 15000));
		long r = RAW(SYS_futex, (long)page, (long)FUTEX_WAIT, 1L, (struct timespec[1]){{0, 1000}});
		CHECK(r == -EAGAIN || r == -EFAULT || r == -ETIMEDOUT || r == 0);
		r = RAW(SYS_open, at, 0L);
		CHECK(r == -EFAULT || r == -ENOENT || r == -ENAMETOOLONG || r >= 0 || r == -ENOTDIR);
		if (r >= 0)
			close((int)r);
		r = RAW(SYS_execve, "/nonexistent", at, at);
		CHECK(r == -ENOENT || r == -EFAULT || r == -E2BIG);
		r = RAW(SYS_mremap, page, (long)SIZE, (long)SIZE, 0L);
		CHECK(r == -EFAULT || r == (long)page || r == -EINVAL || r == -ENOMEM);
	}
	end(t);
}

/* A structure changes between its check and its use. */
static struct iovec vectors[4];
/* Room for the longest of them, with a hole behind it. */
static struct {
	char safe[1 << 17], hole[4096];
} room __attribute__((aligned(4096)));
#define safe room.safe
#define hole room.hole

static void *flip_vectors(void *arg)
{
	unsigned i = 0;

	while (!stop) {
		volatile struct iovec *v = &vectors[i++ % 4];
		v->iov_base = (void *)forbidden[i % FORBIDDEN];
		v->iov_len = i % 3 ? 1UL << 62 : 100000;
		v->iov_base = safe;
		v->iov_len = 4096;
	}
	return arg;
}

TEST(vectors_change_under_the_call)
{
	pthread_t t;
	int zero = open("/dev/zero", O_RDONLY), p[2];

	CHECK(zero >= 0 && pipe2(p, O_NONBLOCK) == 0);
	CHECK(mprotect(hole, sizeof hole, PROT_NONE) == 0);
	for (int i = 0; i < 4; i++)
		vectors[i] = (struct iovec){safe, 4096};
	start(&t, flip_vectors);
	FOR_A_WHILE {
		long r = RAW(SYS_readv, (long)zero, vectors, 4L);
		CHECK(r == -EFAULT || r == -EINVAL || r >= 0);
		r = RAW(SYS_writev, (long)p[1], vectors, 4L);
		CHECK(r == -EFAULT || r == -EINVAL || r == -EAGAIN || r >= 0);
		r = RAW(SYS_readv, (long)p[0], vectors, 4L);
		CHECK(r == -EFAULT || r == -EINVAL || r == -EAGAIN || r >= 0);
		r = RAW(SYS_process_vm_readv, (long)getpid(), &(struct iovec){safe, 4096}, 1L, vectors, 4L, 0L);
		CHECK(r == -EFAULT || r == -EINVAL || r >= 0);
	}
	end(t);
}

/* Strings lose and gain their NUL; lists of them grow. */
static char text[8192];
static char *list[512];

static void *flip_strings(void *arg)
{
	unsigned i = 0;

	while (!stop) {
		unsigned k = (i++ * 37) % (sizeof text - 1);
		text[k] = i & 1 ? 0 : 'x';
		list[k % 511] = i & 2 ? text : (char *)forbidden[i % FORBIDDEN];
		list[k % 511] = text + k;
		list[(k * 3) % 511] = i & 1 ? NULL : text;
	}
	return arg;
}

TEST(strings_change_under_the_call)
{
	pthread_t t;

	memset(text, 'x', sizeof text - 1);
	for (int i = 0; i < 511; i++)
		list[i] = text;
	start(&t, flip_strings);
	FOR_A_WHILE {
		CHECK(RAW(SYS_open, text, 0L) < 0);
		CHECK(RAW(SYS_execve, "/tmp", list, list) < 0);
		CHECK(RAW(SYS_rename, text, text + 4000) < 0);
		CHECK(RAW(SYS_prctl, 15L, text) == 0);
		CHECK(RAW(SYS_readlink, text, safe, 100L) < 0);
	}
	end(t);
}

/* Programs executed with arguments that change: they run, or the call fails. */
TEST(arguments_change_under_exec)
{
	pthread_t t;
	int status, null = open("/dev/null", O_WRONLY);

	memset(text, 'x', sizeof text - 1);
	for (int i = 0; i < 511; i++)
		list[i] = text;
	start(&t, flip_strings);
	for (int n = 0; n < 8; n++) {
		pid_t pid = vfork(); /* shares the memory that changes */
		if (pid == 0) {
			RAW(SYS_dup2, (long)null, 1L);
			RAW(SYS_execve, "/proc/self/exe", (char *[]){"attack", "-l", NULL}, list);
			_exit(7);
		}
		CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	}
	end(t);
}

/* Descriptors are closed and replaced under a call that uses them. */
static int pair[2];

static void *flip_descriptors(void *arg)
{
	while (!stop) {
		int other[2];
		if (pipe2(other, O_NONBLOCK) != 0)
			continue;
		dup2(other[0], pair[0]);
		dup2(other[1], pair[1]);
		close(other[0]);
		close(other[1]);
		close(pair[0]);
		open("/proc/self/maps", O_RDONLY);
	}
	return arg;
}

TEST(descriptors_change_under_the_call)
{
	pthread_t t;
	int ep = (int)RAW(SYS_epoll_create1);

	CHECK(pipe2(pair, O_NONBLOCK) == 0 && ep >= 0);
	signal(SIGPIPE, SIG_IGN);
	start(&t, flip_descriptors);
	FOR_A_WHILE {
		struct { uint32_t events; uint64_t data; } __attribute__((packed)) e = {1, 1}, out[4];
		RAW(SYS_write, (long)pair[1], safe, 100L);
		RAW(SYS_read, (long)pair[0], safe, 4096L);
		RAW(SYS_epoll_ctl, (long)ep, 1L, (long)pair[0], &e);
		RAW(SYS_epoll_wait, (long)ep, out, 4L, 0L);
		RAW(SYS_epoll_ctl, (long)ep, 2L, (long)pair[0], &e);
		RAW(SYS_poll, (int[4]){pair[0], 1, pair[1], 4}, 2L, 0L);
		RAW(SYS_fstat, (long)pair[0], safe);
		RAW(SYS_mmap, 0L, 4096L, 1L, 2L, (long)pair[0], 0L);
		RAW(SYS_sendfile, (long)pair[1], (long)pair[0], 0L, 100L);
		for (int fd = pair[1] + 3; fd < pair[1] + 8; fd++)
			close(fd == ep ? -1 : fd);
	}
	end(t);
}

/* The signal frame changes while it is read back. */
static ucontext_t *volatile live;

static void *flip_frame(void *arg)
{
	unsigned i = 0;

	while (!stop) {
		ucontext_t *uc = live;
		if (!uc)
			continue;
		volatile unsigned char *fp = (volatile unsigned char *)page; /* the copy of the image */
		fp[512 + i % 64] ^= 0x81;
		fp[24 + i % 4] ^= 0x40;
		fp[464 + i % 24] ^= 1;
		i++;
	}
	return arg;
}

static void use_copy(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig, (void)info;
	memcpy(page + 64, uc->uc_mcontext.fpregs, 832 + 4);
	uc->uc_mcontext.fpregs = (void *)(page + 64);
	live = uc;
}

static void signals_with_copies(void *arg)
{
	struct sigaction a = {.sa_sigaction = use_copy, .sa_flags = SA_SIGINFO};

	(void)arg;
	map_page();
	sigaction(SIGUSR1, &a, NULL);
	pthread_t t;
	start(&t, flip_frame);
	FOR_A_WHILE {
		raise(SIGUSR1);
		__asm__ volatile("fninit; ldmxcsr %0" ::"m"((const unsigned){0x1f80}));
	}
	_exit(0);
}

TEST(frame_changes_under_sigreturn)
{
	for (int n = 0; n < 3; n++) {
		int status = tap_status(signals_with_copies, NULL);
		CHECK(status == 0 || (WIFSIGNALED(status) && (WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGFPE)));
	}
}

/* Tasks. */
static void *make_calls(void *arg)
{
	while (!stop) {
		getppid();
		sched_yield();
	}
	return arg;
}

static void exec_with_threads(void *arg)
{
	pthread_t t;

	stop = 0;
	for (int i = 0; i < 4; i++)
		pthread_create(&t, NULL, make_calls, NULL);
	usleep(1000);
	int fd = open("/dev/null", O_WRONLY);
	dup2(fd, 1);
	execv("/proc/self/exe", (char *[]){"attack", "-l", NULL});
	_exit(arg ? 8 : 9);
}

TEST(exec_while_other_threads_run)
{
	for (int n = 0; n < 5; n++)
		EQ(tap_status(exec_with_threads, NULL), 0);
}

static void *kill_children(void *arg)
{
	pid_t last = getpid();

	while (!stop)
		for (pid_t p = last + 1; p < last + 40 && !stop; p++)
			if (p != syscall(SYS_gettid) && getpgid(p) == getpgrp())
				kill(p, SIGKILL);
	return arg;
}

static void fork_and_exit(void *arg)
{
	pthread_t t;

	(void)arg;
	setpgid(0, 0);
	start(&t, kill_children);
	FOR_A_WHILE {
		pid_t pid = fork();
		if (pid == 0) {
			if (fork() == 0)
				_exit(0);
			_exit(0);
		}
		if (pid > 0)
			waitpid(pid, NULL, 0);
	}
	end(t);
}

TEST(fork_races_with_exit_and_kill)
{
	EQ(tap_status(fork_and_exit, NULL), 0);
}

static void tracee(void *arg)
{
	(void)arg;
	for (;;)
		getppid();
}

static void trace_and_die(void *arg)
{
	pid_t pid = (pid_t)(long)arg;

	if (ptrace(PTRACE_ATTACH, pid, 0, 0) == 0)
		for (int i = 0; i < 20; i++)
			ptrace(i & 1 ? PTRACE_CONT : PTRACE_PEEKUSER, pid, 0, 0);
	_exit(0); /* attached, its stop not waited for */
}

TEST(tracers_come_and_go)
{
	pid_t pid = child(tracee, NULL);
	int status;

	FOR_A_WHILE {
		EQ(tap_status(trace_and_die, (void *)(long)pid), 0);
		kill(pid, SIGCONT);
		if (ptrace(PTRACE_ATTACH, pid, 0, 0) == 0) {
			CHECK(waitpid(pid, &status, __WALL) == pid);
			ptrace(PTRACE_DETACH, pid, 0, 0);
		}
		kill(pid, SIGCONT);
	}
	CHECK(kill(pid, SIGKILL) == 0);
	ended(pid);
}

static void *truncate_file(void *arg)
{
	int fd = *(int *)arg;

	while (!stop) {
		RAW(SYS_ftruncate, (long)fd, 0L);
		RAW(SYS_ftruncate, (long)fd, (long)SIZE);
	}
	return arg;
}

TEST(copies_race_with_truncate)
{
	int fd = open(own("cut"), O_CREAT | O_RDWR | O_TRUNC, 0600), p[2];
	pthread_t t;

	CHECK(fd >= 0 && unlink(own("cut")) == 0 && ftruncate(fd, SIZE) == 0 && pipe2(p, O_NONBLOCK) == 0);
	char *m = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(m != MAP_FAILED);
	stop = 0;
	CHECK(pthread_create(&t, NULL, truncate_file, &fd) == 0);
	FOR_A_WHILE {
		CHECK(ok(RAW(SYS_write, (long)p[1], m, (long)SIZE), SIZE));
		CHECK(ok(RAW(SYS_read, (long)p[0], m, (long)SIZE), SIZE));
		CHECK(ok(RAW(SYS_uname, m + 8192), 0));
		long r = RAW(SYS_futex, m + 4096, (long)FUTEX_WAKE, 1L);
		CHECK(r == 0 || r == -EFAULT);
		r = RAW(SYS_futex, m + 4096, (long)FUTEX_WAIT, 5L, (struct timespec[1]){{0, 1000}});
		CHECK(r == -EAGAIN || r == -EFAULT);
	}
	end(t);
}
