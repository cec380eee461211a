/* The functions of the vDSO: what they return, and that they do it alone. */
#include "vdso.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

static const clockid_t fast[] = {CLOCK_REALTIME,       CLOCK_MONOTONIC,        CLOCK_MONOTONIC_RAW,
				 CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME};
enum { FAST = sizeof fast / sizeof *fast, ROUNDS = 200 };

static int64_t by_call(clockid_t clock)
{
	struct timespec t;

	EQ(syscall(SYS_clock_gettime, clock, &t), 0);
	return nanoseconds(t);
}

static int64_t by_vdso(struct functions *f, clockid_t clock)
{
	struct timespec t = {-1, -1};

	EQ(f->gettime(clock, &t), 0);
	CHECK(t.tv_sec >= 0 && t.tv_nsec >= 0 && t.tv_nsec < 1000000000);
	return nanoseconds(t);
}

TEST(found_by_name_and_version)
{
	vdso_functions();
	CHECK(memcmp(vdso_image(), "\177ELF", 4) == 0);
	CHECK(vdso_symbol("clock_gettime") == vdso_symbol("__vdso_clock_gettime"));
	CHECK(!vdso_symbol("clock_settime"));
}

TEST(agrees_with_the_system_call)
{
	struct functions f = vdso_functions();

	for (int i = 0; i < FAST; i++)
		for (int n = 0; n < ROUNDS; n++) {
			int64_t before = by_call(fast[i]), now = by_vdso(&f, fast[i]), after = by_call(fast[i]);
			CHECK(before <= now && now <= after);
		}
	for (int n = 0; n < ROUNDS; n++) {
		int64_t before = by_call(CLOCK_REALTIME_COARSE) / 1000;
		struct timeval v;
		EQ(f.gettimeofday(&v, NULL), 0);
		int64_t now = v.tv_sec * 1000000ll + v.tv_usec, after = by_call(CLOCK_REALTIME) / 1000;
		CHECK(v.tv_usec < 1000000 && before <= now && now <= after);
		time_t stored = -1, returned = f.time(&stored);
		CHECK(stored == returned && f.time(NULL) >= returned);
		CHECK(returned >= before / 1000000 && returned <= by_call(CLOCK_REALTIME) / 1000000000);
	}
}

TEST(resolution_is_that_of_the_call)
{
	struct functions f = vdso_functions();

	for (clockid_t clock = 0; clock < 8; clock++) {
		struct timespec a = {-1, -1}, b = {-2, -2};
		EQ(f.getres(clock, &a), 0);
		EQ(syscall(SYS_clock_getres, clock, &b), 0);
		EQ(nanoseconds(a), nanoseconds(b));
		EQ(f.getres(clock, NULL), 0);
	}
	EQ(f.getres(77, NULL), -EINVAL);
}

TEST(other_clocks_are_the_kernels)
{
	struct functions f = vdso_functions();
	struct timespec t;

	for (int n = 0; n < ROUNDS; n++) {
		int64_t before = by_call(CLOCK_THREAD_CPUTIME_ID), now = by_vdso(&f, CLOCK_THREAD_CPUTIME_ID);
		CHECK(before <= now && now <= by_call(CLOCK_THREAD_CPUTIME_ID));
	}
	EQ(f.gettime(77, &t), -EINVAL);
	EQ(f.gettime(-1, &t), -EINVAL);
}

TEST(null_arguments)
{
	struct functions f = vdso_functions();
	struct timezone zone = {-1, -1};

	EQ(f.gettimeofday(NULL, NULL), 0);
	EQ(f.gettimeofday(NULL, &zone), 0);
	EQ(zone.tz_minuteswest, 0);
	EQ(zone.tz_dsttime, 0);
	EQ(f.getcpu(NULL, NULL, NULL), 0);
}

/* The system calls of a child are counted by its tracer; a call with a number that
 * nobody has marks where they begin to count, and where they end. */
enum { MARK = 511 };

static void ask_a_lot(void)
{
	struct functions f = vdso_functions();
	struct timespec t;
	struct timeval v;
	unsigned cpu;

	syscall(MARK);
	for (int n = 0; n < ROUNDS; n++) {
		for (int i = 0; i < FAST; i++) {
			f.gettime(fast[i], &t);
			f.getres(fast[i], &t);
		}
		f.gettimeofday(&v, NULL);
		f.time(NULL);
		f.getcpu(&cpu, NULL, NULL);
		/* The C library has found them too. */
		clock_gettime(CLOCK_MONOTONIC, &t);
		clock_gettime(CLOCK_REALTIME, &t);
		gettimeofday(&v, NULL);
	}
	syscall(MARK);
}

/* next_call runs pid to its next system call and returns the number. */
static long next_call(pid_t pid)
{
	int status;

	for (int half = 0; half < 2; half++) { /* into the call, and out of it */
		EQ(ptrace(PTRACE_SYSCALL, pid, 0, 0), 0);
		EQ(waitpid(pid, &status, 0), pid);
		EQ(status, (SIGTRAP | 0x80) << 8 | 0x7f);
	}
	return ptrace(PTRACE_PEEKUSER, pid, 8 * 15, 0); /* orig_rax */
}

TEST(no_system_call)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		CHECK(ptrace(PTRACE_TRACEME, 0, 0, 0) == 0);
		raise(SIGSTOP);
		ask_a_lot();
		_exit(0);
	}
	EQ(waitpid(pid, &status, 0), pid);
	EQ(status, SIGSTOP << 8 | 0x7f);
	EQ(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL), 0);
	while (next_call(pid) != MARK)
		;
	EQ(next_call(pid), MARK);
	EQ(ptrace(PTRACE_CONT, pid, 0, 0), 0);
	EQ(waitpid(pid, &status, 0), pid);
	EQ(status, 0);
}

/* Threads on all CPUs pass on the latest time that any of them has seen. */
enum { THREADS = 4, READINGS = 20000 };
static _Atomic int64_t latest;
static atomic_int backwards;

static void *watch(void *arg)
{
	struct functions f = vdso_functions();
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((intptr_t)arg % cpus, &set);
	sched_setaffinity(0, sizeof set, &set); /* who may not choose is spread all the same */
	for (int n = 0; n < READINGS; n++) {
		int64_t seen = atomic_load(&latest), now = by_vdso(&f, CLOCK_MONOTONIC);
		if (now < seen)
			atomic_fetch_add(&backwards, 1);
		while (seen < now && !atomic_compare_exchange_weak(&latest, &seen, now))
			;
	}
	return NULL;
}

TEST(monotonic_across_cpus)
{
	pthread_t thread[THREADS];

	for (intptr_t i = 0; i < THREADS; i++)
		EQ(pthread_create(&thread[i], NULL, watch, (void *)i), 0);
	for (int i = 0; i < THREADS; i++)
		EQ(pthread_join(thread[i], NULL), 0);
	EQ(backwards, 0);
}

/* A thread may move between two questions, but not all the time. */
TEST(getcpu_says_where_we_are)
{
	struct functions f = vdso_functions();
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	int same = 0, different = 0;

	for (int n = 0; n < ROUNDS; n++) {
		unsigned before = -1, got = -1, node = -1, after = -1;
		sched_yield();
		EQ(syscall(SYS_getcpu, &before, NULL, NULL), 0);
		EQ(f.getcpu(&got, &node, NULL), 0);
		EQ(syscall(SYS_getcpu, &after, NULL, NULL), 0);
		CHECK(got < cpus && node < 4096);
		if (before == after && got == before)
			same++;
		else if (before == after)
			different++;
	}
	if (different > same) {
		printf("# %d times another CPU than the call says, %d times the same\n", different, same);
		CHECK(0);
	}
}
