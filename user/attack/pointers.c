/* Kernel addresses, and others that no program has, as arguments of calls: whatever
 * the kernel reads or writes on a program's behalf. */
#include "attack.h"

#define FUTEX_WAIT 0
#define FUTEX_WAKE 1
#define FUTEX_CMP_REQUEUE 4
#define FUTEX_WAKE_OP 5
#define FUTEX_WAIT_PRIVATE 128
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <time.h>

static int full[2], event_fd, epoll_fd, dir_fd, mem_fd;

static void files(void)
{
	static const char text[] = "0123456789";
	unsigned char event[12] = {1};

	CHECK(pipe(full) == 0 && write(full[1], text, 10) == 10);
	CHECK((event_fd = (int)RAW(SYS_eventfd2, 5L)) >= 0);
	CHECK((epoll_fd = (int)RAW(SYS_epoll_create1)) >= 0);
	CHECK(RAW(SYS_epoll_ctl, (long)epoll_fd, 1L, (long)full[0], event) == 0);
	CHECK((dir_fd = open("/", O_RDONLY | O_DIRECTORY)) >= 0);
	CHECK((mem_fd = (int)RAW(SYS_memfd_create, "attack")) >= 0 && write(mem_fd, text, 10) == 10);
	CHECK(lseek(mem_fd, 0, SEEK_SET) == 0);
}

/* WANT_EFAULT makes one call with the bad address in p. */
#define WANT_EFAULT(...) \
	do { \
		long got = RAW(__VA_ARGS__); \
		if (got != -EFAULT) { \
			printf("# %s with %#lx: %ld\n", #__VA_ARGS__, p, got); \
			failed = 1; \
		} \
	} while (0)

static int copies_of_files(unsigned long p)
{
	struct iovec bad = {(void *)p, 4}, good = {(char[8]){0}, 4};
	struct iovec second[2] = {{good.iov_base, 0}, {(void *)p, 4}};
	int failed = 0;

	WANT_EFAULT(SYS_read, (long)full[0], p, 4L);
	WANT_EFAULT(SYS_write, (long)full[1], p, 4L);
	WANT_EFAULT(SYS_pread64, (long)mem_fd, p, 4L, 0L);
	WANT_EFAULT(SYS_pwrite64, (long)mem_fd, p, 4L, 0L);
	WANT_EFAULT(SYS_readv, (long)full[0], p, 2L);
	WANT_EFAULT(SYS_writev, (long)full[1], p, 2L);
	WANT_EFAULT(SYS_readv, (long)full[0], &bad, 1L);
	WANT_EFAULT(SYS_writev, (long)full[1], &bad, 1L);
	WANT_EFAULT(SYS_readv, (long)full[0], second, 2L);
	WANT_EFAULT(SYS_preadv, (long)mem_fd, &bad, 1L, 0L, 0L);
	WANT_EFAULT(SYS_pwritev, (long)mem_fd, &bad, 1L, 0L, 0L);
	WANT_EFAULT(SYS_read, (long)event_fd, p, 8L);
	WANT_EFAULT(SYS_write, (long)event_fd, p, 8L);
	WANT_EFAULT(SYS_epoll_wait, (long)epoll_fd, p, 1L, 0L);
	WANT_EFAULT(SYS_epoll_ctl, (long)epoll_fd, 3L, (long)full[0], p);
	WANT_EFAULT(SYS_getdents64, (long)dir_fd, p, 4096L);
	WANT_EFAULT(SYS_fstat, (long)mem_fd, p);
	WANT_EFAULT(SYS_stat, "/", p);
	WANT_EFAULT(SYS_stat, p, p);
	WANT_EFAULT(SYS_newfstatat, -100L, "/", p, 0L);
	WANT_EFAULT(SYS_statfs, "/", p);
	WANT_EFAULT(SYS_fstatfs, (long)mem_fd, p);
	WANT_EFAULT(SYS_open, p, 0L);
	WANT_EFAULT(SYS_access, p, 0L);
	WANT_EFAULT(SYS_chdir, p);
	WANT_EFAULT(SYS_unlink, p);
	WANT_EFAULT(SYS_mkdir, p, 0L);
	WANT_EFAULT(SYS_rename, p, p);
	WANT_EFAULT(SYS_symlink, p, p);
	WANT_EFAULT(SYS_link, "/", p);
	WANT_EFAULT(SYS_readlink, p, good.iov_base, 4L);
	WANT_EFAULT(SYS_readlink, "/proc/self/exe", p, 4L);
	WANT_EFAULT(SYS_truncate, p, 0L);
	WANT_EFAULT(SYS_chmod, p, 0L);
	WANT_EFAULT(SYS_chown, p, 0L, 0L);
	WANT_EFAULT(SYS_utimensat, -100L, "/", p, 0L);
	WANT_EFAULT(SYS_getcwd, p, 4096L);
	WANT_EFAULT(SYS_pipe2, p, 0L);
	WANT_EFAULT(SYS_memfd_create, p, 0L);
	WANT_EFAULT(SYS_sendfile, (long)full[1], (long)mem_fd, p, 1L);
	WANT_EFAULT(SYS_fcntl, (long)mem_fd, (long)F_GETLK, p);
	WANT_EFAULT(SYS_fcntl, (long)mem_fd, (long)F_SETLK, p);
	WANT_EFAULT(SYS_ioctl, (long)full[0], 0x541bL, p); /* FIONREAD */
	WANT_EFAULT(SYS_ioctl, (long)full[0], 0x5421L, p); /* FIONBIO */
	WANT_EFAULT(SYS_execve, p, 0L, 0L);
	WANT_EFAULT(SYS_execve, "/proc/self/exe", p, 0L);
	WANT_EFAULT(SYS_execve, "/proc/self/exe", 0L, p);
	WANT_EFAULT(SYS_execve, "/proc/self/exe", (unsigned long[]){p, 0}, 0L);
	WANT_EFAULT(SYS_execve, "/proc/self/exe", 0L, (unsigned long[]){p, 0});
	return failed;
}

static int copies_of_processes(unsigned long p)
{
	struct iovec bad = {(void *)p, 4}, good = {(char[8]){0}, 4};
	long self = getpid();
	unsigned long limits[2] = {0};
	int failed = 0;

	WANT_EFAULT(SYS_uname, p);
	WANT_EFAULT(SYS_sysinfo, p);
	WANT_EFAULT(SYS_times, p);
	WANT_EFAULT(SYS_getrusage, 0L, p);
	WANT_EFAULT(SYS_getrlimit, 3L, p);
	WANT_EFAULT(SYS_setrlimit, 3L, p);
	WANT_EFAULT(SYS_prlimit64, 0L, 3L, 0L, p);
	WANT_EFAULT(SYS_prlimit64, 0L, 3L, p, limits);
	WANT_EFAULT(SYS_gettimeofday, p, 0L);
	WANT_EFAULT(SYS_time, p);
	WANT_EFAULT(SYS_clock_gettime, 1L, p);
	WANT_EFAULT(SYS_clock_getres, 1L, p);
	WANT_EFAULT(SYS_nanosleep, p, 0L);
	WANT_EFAULT(SYS_clock_nanosleep, 1L, 0L, p, 0L);
	WANT_EFAULT(SYS_getitimer, 0L, p);
	WANT_EFAULT(SYS_setitimer, 0L, p, 0L);
	WANT_EFAULT(SYS_timerfd_settime, RAW(SYS_timerfd_create, 1L), 0L, p, 0L);
	WANT_EFAULT(SYS_rt_sigaction, (long)SIGUSR1, p, 0L, 8L);
	WANT_EFAULT(SYS_rt_sigaction, (long)SIGUSR1, 0L, p, 8L);
	WANT_EFAULT(SYS_rt_sigprocmask, 0L, p, 0L, 8L);
	WANT_EFAULT(SYS_rt_sigprocmask, 0L, 0L, p, 8L);
	WANT_EFAULT(SYS_rt_sigpending, p, 8L);
	WANT_EFAULT(SYS_rt_sigtimedwait, p, 0L, 0L, 8L);
	WANT_EFAULT(SYS_rt_sigsuspend, p, 8L);
	WANT_EFAULT(SYS_rt_sigqueueinfo, self, (long)SIGUSR1, p);
	WANT_EFAULT(SYS_sigaltstack, p, 0L);
	WANT_EFAULT(SYS_sigaltstack, 0L, p);
	WANT_EFAULT(SYS_getrandom, p, 16L, 0L);
	WANT_EFAULT(SYS_getresuid, p, p, p);
	WANT_EFAULT(SYS_getresgid, p, p, p);
	WANT_EFAULT(SYS_capget, p, p);
	WANT_EFAULT(SYS_capset, p, p);
	WANT_EFAULT(SYS_prctl, 15L, p); /* PR_SET_NAME */
	WANT_EFAULT(SYS_prctl, 16L, p);
	WANT_EFAULT(SYS_prctl, 2L, p); /* PR_GET_PDEATHSIG */
	WANT_EFAULT(SYS_sched_getaffinity, 0L, 128L, p);
	WANT_EFAULT(SYS_sched_setaffinity, 0L, 8L, p);
	WANT_EFAULT(SYS_sched_getparam, 0L, p & ~7UL);
	WANT_EFAULT(SYS_getcpu, p, 0L);
	WANT_EFAULT(SYS_poll, p, 1L, 0L);
	WANT_EFAULT(SYS_select, 1L, p, 0L, 0L, limits);
	WANT_EFAULT(SYS_select, 0L, 0L, 0L, 0L, p);
	WANT_EFAULT(SYS_pselect6, 0L, 0L, 0L, 0L, limits, p);
	WANT_EFAULT(SYS_get_robust_list, 0L, p, limits);
	WANT_EFAULT(SYS_process_vm_readv, self, &bad, 1L, &good, 1L, 0L);
	WANT_EFAULT(SYS_process_vm_readv, self, &good, 1L, &bad, 1L, 0L);
	WANT_EFAULT(SYS_process_vm_writev, self, &good, 1L, &bad, 1L, 0L);
	WANT_EFAULT(SYS_process_vm_writev, self, &bad, 1L, &good, 1L, 0L);
	WANT_EFAULT(SYS_process_vm_readv, self, p, 1L, &good, 1L, 0L);
	WANT_EFAULT(SYS_futex, p & ~3UL, (long)FUTEX_WAIT, 0L, 0L);
	WANT_EFAULT(SYS_futex, p & ~3UL, (long)FUTEX_WAIT_PRIVATE, 0L, 0L);
	WANT_EFAULT(SYS_futex, p & ~3UL, (long)FUTEX_WAKE, 1L);
	WANT_EFAULT(SYS_futex, limits, (long)FUTEX_CMP_REQUEUE, 1L, 1L, p & ~3UL, 0L);
	WANT_EFAULT(SYS_futex, limits, (long)FUTEX_WAKE_OP, 1L, 1L, p & ~3UL, 0L);
	WANT_EFAULT(SYS_futex, limits, (long)FUTEX_WAIT, 0L, p);
	return failed;
}

TEST(file_calls_with_forbidden_pointers)
{
	int failed = 0;

	files();
	for (int i = 0; i < FORBIDDEN; i++)
		failed |= copies_of_files(forbidden[i]);
	CHECK(!failed);
}

TEST(process_calls_with_forbidden_pointers)
{
	int failed = 0;

	for (int i = 0; i < FORBIDDEN; i++)
		failed |= copies_of_processes(forbidden[i]);
	CHECK(!failed);
}

TEST(calls_at_the_edge_of_a_mapping)
{
	/* The first part can be copied, the rest not; and the last byte of user space. */
	unsigned long edge = (unsigned long)page_before_hole() + 4096;

	files();
	EQ(RAW(SYS_uname, edge - 100), -EFAULT);
	EQ(RAW(SYS_stat, "/", edge - 8), -EFAULT);
	EQ(RAW(SYS_rt_sigaction, (long)SIGUSR1, edge - 31, 0L, 8L), -EFAULT);
	EQ(RAW(SYS_nanosleep, edge - 15, 0L), -EFAULT);
	EQ(RAW(SYS_execve, edge - 1, 0L, 0L), -ENOENT); /* an empty name, with its NUL */
	*(char *)(edge - 1) = 'x';
	EQ(RAW(SYS_open, edge - 1, 0L), -EFAULT); /* a name without a NUL */
	EQ(RAW(SYS_execve, edge - 1, 0L, 0L), -EFAULT);
	EQ(RAW(SYS_execve, "/proc/self/exe", edge - 8, 0L), -EFAULT);
	EQ(RAW(SYS_execve, "/proc/self/exe", edge - 7, 0L), -EFAULT);
	EQ(RAW(SYS_uname, USER_END - 1), -EFAULT);
	EQ(RAW(SYS_getrandom, edge - 1024, 1L << 20, 0L), 1024);
	EQ(RAW(SYS_process_vm_readv, (long)getpid(), &(struct iovec){(void *)(edge - 64), 64}, 1L,
	       &(struct iovec){(void *)(edge - 32), 64}, 1L, 0L), 32);
}

TEST(lengths_that_wrap_around)
{
	static const unsigned long lengths[] = {0x7fffffffffffffff, 0x8000000000000000, 0xfffffffffffff000, 0xffffffffffffffff};
	unsigned long page = (unsigned long)page_before_hole();

	files();
	for (unsigned i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		unsigned long n = lengths[i];
		struct iovec v[2] = {{(void *)page, n}, {(void *)page, n}};
		long r = RAW(SYS_read, (long)full[0], page, n);
		CHECK(r < 0 ? r == -EFAULT || r == -EINVAL : write(full[1], "0123456789", (size_t)r) == r);
		r = RAW(SYS_readv, (long)mem_fd, v, 2L);
		CHECK((long)n < 0 ? r == -EINVAL : r >= 0 || r == -EFAULT);
		r = RAW(SYS_writev, (long)full[1], v, 2L);
		CHECK(r == -EINVAL || ((long)n > 0 && (r == 4096 || r == -EFAULT)));
		CHECK(RAW(SYS_munmap, page, n) == -EINVAL);
		r = RAW(SYS_mprotect, page, n, 1L);
		CHECK(r == -ENOMEM || r == -EINVAL || n > 0xffffffffffffe000);
		CHECK(RAW(SYS_mmap, 0L, n, 3L, 0x22L, -1L, 0L) == -ENOMEM);
		CHECK(RAW(SYS_mremap, page, 4096L, n, 1L) < 0);
		r = RAW(SYS_mlock, page, n);
		CHECK(r == -ENOMEM || r == -EINVAL || r == -EPERM || n > 0xffffffffffffe000);
		r = RAW(SYS_madvise, page, n, 4L);
		CHECK(r == -EINVAL || r == -ENOMEM || n > 0xffffffffffffe000);
		CHECK(RAW(SYS_mincore, page, n, page) < 0);
		CHECK(RAW(SYS_msync, page, n, 4L) < 0 || n > 0xffffffffffffe000);
		CHECK(RAW(SYS_pread64, (long)mem_fd, page, 8L, n) == -EINVAL || n == 0x7fffffffffffffff);
		CHECK(RAW(SYS_ftruncate, (long)mem_fd, n) < 0 || (long)n > 0);
		CHECK(RAW(SYS_ftruncate, (long)mem_fd, 10L) == 0);
		CHECK(RAW(SYS_fallocate, (long)mem_fd, 0L, n, n) < 0);
		CHECK(RAW(SYS_shmget, 0L, n, 0600L) < 0);
	}
	for (long iovs = 1025; iovs > 0 && iovs < 1L << 40; iovs <<= 8) {
		EQ(RAW(SYS_readv, (long)full[0], page, iovs), -EINVAL);
		EQ(RAW(SYS_process_vm_readv, (long)getpid(), page, iovs, page, 1L, 0L), -EINVAL);
	}
	EQ(RAW(SYS_getgroups, -1L, page), -EINVAL);
	EQ(RAW(SYS_poll, page, -1L, 0L), -EINVAL);
	EQ(RAW(SYS_epoll_wait, (long)epoll_fd, page, 0x7fffffffL, 0L), -EINVAL);
}

static struct {
	int16_t kind, whence;
	int32_t pad;
	int64_t start, len;
	int32_t pid;
} lock_of(int64_t start, int64_t len)
{
	return (typeof(lock_of(0, 0))){F_WRLCK, SEEK_SET, 0, start, len, 0};
}

TEST(file_locks_that_wrap_around)
{
	static const int64_t odd[] = {0, 1, -1, -2, INT64_MAX, INT64_MAX - 1, INT64_MIN, INT64_MIN + 1};

	files();
	for (unsigned i = 0; i < sizeof odd / sizeof *odd; i++)
		for (unsigned k = 0; k < sizeof odd / sizeof *odd; k++) {
			typeof(lock_of(0, 0)) l = lock_of(odd[i], odd[k]);
			__int128 end = (__int128)odd[i] + odd[k];
			long r = RAW(SYS_fcntl, (long)mem_fd, (long)F_SETLK, &l);
			if (odd[i] < 0 || (odd[k] < 0 && end < 0))
				EQ(r, -EINVAL);
			else if (odd[k] > 0 && end - 1 > INT64_MAX)
				EQ(r, -EOVERFLOW);
			else
				EQ(r, 0);
		}
}

/* What the kernel does to a program's memory later on, by an address given before. */

static void exit_with_robust_list(void *arg)
{
	struct {
		unsigned long next, offset, pending;
	} head = {(unsigned long)arg, 0, 0}, far = {(unsigned long)&head, (unsigned long)arg, (unsigned long)&head},
	  loop = {(unsigned long)&far, 4, (unsigned long)arg};

	RAW(SYS_set_robust_list, arg, 24L);
	if (fork() == 0)
		_exit(0); /* with the list of before: that of the parent is not inherited */
	RAW(SYS_set_robust_list, &head, 24L);
	if (fork() == 0) {
		RAW(SYS_set_robust_list, &head, 24L);
		_exit(0);
	}
	if (fork() == 0) {
		RAW(SYS_set_robust_list, &far, 24L);
		_exit(0);
	}
	if (fork() == 0) {
		RAW(SYS_set_robust_list, &loop, 24L);
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
	RAW(SYS_set_robust_list, arg, 24L);
	_exit(5);
}

TEST(robust_list_in_the_kernel)
{
	for (int i = 0; i < FORBIDDEN; i++)
		EQ(tap_status(exit_with_robust_list, (void *)forbidden[i]), 5 << 8);
}

static int thread_exits(void *arg)
{
	RAW(SYS_set_tid_address, arg);
	RAW(SYS_exit, 0L);
	return 0;
}

static void exit_with_tid_address(void *arg)
{
	static char stack[65536];
	int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID |
		    CLONE_CHILD_CLEARTID;

	for (int i = 0; i < 3; i++) {
		/* The addresses are bad; the thread is made all the same. */
		CHECK(clone(thread_exits, stack + sizeof stack - 4096 * i, flags, arg, arg, NULL, arg) > 0 || errno == EFAULT);
		usleep(2000);
	}
	RAW(SYS_set_tid_address, arg);
	_exit(5);
}

TEST(thread_numbers_stored_in_the_kernel)
{
	for (int i = 0; i < FORBIDDEN; i++)
		EQ(tap_status(exit_with_tid_address, (void *)forbidden[i]), 5 << 8);
}

TEST(clone_with_a_stack_or_thread_area_in_the_kernel)
{
	for (int i = 0; i < FORBIDDEN; i++) {
		/* The child's first use of its stack kills it. */
		long pid = RAW(SYS_clone, (long)SIGCHLD | CLONE_SETTLS, 0L, 0L, 0L, forbidden[i]);
		EQ(pid, -EPERM);
		struct {
			uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
		} a = {.stack = forbidden[i], .stack_size = 4096, .exit_signal = SIGCHLD};
		pid = RAW(435, &a, (long)sizeof a);
		if (pid == 0)
			raise(SIGSEGV); /* gets no further than its next push */
		if (pid > 0) {
			int status = ended((pid_t)pid);
			CHECK(WIFSIGNALED(status));
		}
		CHECK(pid > 0 || pid == -EINVAL || pid == -EFAULT);
		EQ(RAW(435, forbidden[i], (long)sizeof a), -EFAULT);
	}
}

/* Restartable sequences: the kernel writes to the area, and follows a pointer in it. */
extern const ptrdiff_t __rseq_offset __attribute__((weak));
enum { RSEQ = 334, RSEQ_MARK = 0x53053053 };

static void use_rseq(void *arg)
{
	static struct {
		uint32_t cpu_start, cpu;
		uint64_t section;
		uint32_t flags, pad[3];
	} area __attribute__((aligned(32)));

	if (&__rseq_offset) /* the C library has one already */
		RAW(RSEQ, (char *)__builtin_thread_pointer() + __rseq_offset, 32L, 1L, (long)RSEQ_MARK);
	if (RAW(RSEQ, arg, 32L, 0L, (long)RSEQ_MARK) >= 0)
		_exit(3);
	if (RAW(RSEQ, &area, 32L, 0L, (long)RSEQ_MARK) != 0)
		_exit(4);
	area.section = (uint64_t)arg;
	for (double end = now() + 10; now() < end;)
		sched_yield();
	_exit(5);
}

TEST(restartable_sequences_in_the_kernel)
{
	for (int i = 0; i < FORBIDDEN; i++) {
		int status = tap_status(use_rseq, (void *)forbidden[i]);
		if (!WIFSIGNALED(status) && status != 4 << 8)
			printf("# %#lx: %#x\n", forbidden[i], status);
		CHECK(status == 4 << 8 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV));
	}
}

/* Memory calls on ranges of the kernel. */
TEST(memory_calls_on_kernel_ranges)
{
	for (int i = 0; i < FORBIDDEN; i++) {
		unsigned long p = forbidden[i] & ~4095UL;
		CHECK(mmap((void *)p, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED);
		CHECK(mmap((void *)(USER_END - 4096), 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED);
		EQ(RAW(SYS_munmap, p, 4096L), -EINVAL);
		long r = RAW(SYS_mprotect, p, 4096L, 7L);
		CHECK(r == -ENOMEM || r == -EINVAL);
		CHECK(RAW(SYS_mremap, p, 4096L, 8192L, 1L) < 0);
		char *page = page_before_hole();
		CHECK(RAW(SYS_mremap, page, 4096L, 4096L, 3L, p) == -EINVAL);
		EQ(*page, 0);
		CHECK(RAW(SYS_madvise, p, 4096L, 4L) < 0);
		CHECK(RAW(SYS_mlock, p, 4096L) < 0);
		CHECK(RAW(SYS_mincore, p, 4096L, page) < 0);
		CHECK(RAW(SYS_msync, p, 4096L, 4L) < 0);
		CHECK(RAW(SYS_shmat, 0L, p, 0L) < 0);
		CHECK(RAW(SYS_brk, p) == RAW(SYS_brk, 0L));
		CHECK(munmap(page, 4096) == 0);
	}
}

/* Ways round: the kernel's memory by way of a process's. */
static void waits(void *arg)
{
	(void)arg;
	for (;;)
		pause();
}

TEST(kernel_memory_by_ptrace_and_proc)
{
	pid_t pid = child(waits, NULL);
	int fd = open("/proc/self/mem", O_RDWR), status;
	char buf[64];

	CHECK(fd >= 0);
	CHECK(ptrace(PTRACE_ATTACH, pid, 0, 0) == 0 && waitpid(pid, &status, 0) == pid);
	for (int i = 0; i < FORBIDDEN; i++) {
		unsigned long p = forbidden[i];
		if (p >> 12 == 0xffffffffff600) /* Linux shows its old vsyscall page */
			continue;
		errno = 0;
		FAILS(ptrace(PTRACE_PEEKDATA, pid, p, 0), EIO);
		FAILS(ptrace(PTRACE_POKEDATA, pid, p, 0), EIO);
		CHECK(pread(fd, buf, sizeof buf, (off_t)p) <= 0);
		CHECK(pwrite(fd, buf, sizeof buf, (off_t)p) <= 0);
		if (lseek(fd, (off_t)p, SEEK_SET) != -1 || errno == 0) {
			CHECK(read(fd, buf, sizeof buf) <= 0);
			CHECK(write(fd, buf, sizeof buf) <= 0);
		}
	}
	kill(pid, SIGKILL);
	ended(pid);
}

static void write_text(void *arg)
{
	*(volatile char *)arg = 0x90;
}

TEST(vsyscall_page)
{
	void *page = (void *)0xffffffffff600000;

	if (guest())
		EQ(tap_exec_fault(page).sig, SIGSEGV);
	EQ(tap_fault(write_text, page).sig, SIGSEGV);
}
