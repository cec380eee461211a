/* POSIX timers. */
#define _GNU_SOURCE
#include "tap.h"

#include <sys/syscall.h>
#include <time.h>

/* The calls themselves: a C library has numbers of its own for timers. */
struct event {
	unsigned long value;
	int signo, notify, tid, rest[11];
};

static long create(int clock, struct event *e, int *id) { return syscall(SYS_timer_create, clock, e, id); }
static long settime(int id, int flags, const struct itimerspec *new, struct itimerspec *old)
{
	return syscall(SYS_timer_settime, id, flags, new, old);
}
static long gettime(int id, struct itimerspec *now) { return syscall(SYS_timer_gettime, id, now); }
static long overrun(int id) { return syscall(SYS_timer_getoverrun, id); }
static long delete(int id) { return syscall(SYS_timer_delete, id); }

enum { MS = 1000000 };

static sigset_t only(int sig)
{
	sigset_t s;
	sigemptyset(&s);
	sigaddset(&s, sig);
	CHECK(sigprocmask(SIG_BLOCK, &s, NULL) == 0);
	return s;
}

TEST(signal_with_its_value)
{
	struct event e = {.value = 0x1234567890, .signo = SIGRTMIN + 1, .notify = 0};
	struct itimerspec at = {.it_value.tv_nsec = MS};
	sigset_t s = only(e.signo);
	siginfo_t i;
	int other, id;

	CHECK(create(CLOCK_MONOTONIC, NULL, &other) == 0);
	CHECK(create(CLOCK_MONOTONIC, &e, &id) == 0 && id != other);
	CHECK(settime(id, 0, &at, NULL) == 0);
	EQ(sigwaitinfo(&s, &i), e.signo);
	EQ(i.si_code, SI_TIMER);
	EQ((long)i.si_value.sival_ptr, 0x1234567890);
	EQ(i.si_timerid, id);
	EQ(i.si_overrun, 0);
	CHECK(gettime(id, &at) == 0 && at.it_value.tv_sec == 0 && at.it_value.tv_nsec == 0);
	CHECK(delete(id) == 0);
	FAILS(delete(id), EINVAL);
	FAILS(settime(id, 0, &at, NULL), EINVAL);
	FAILS(gettime(id, &at), EINVAL);
	FAILS(overrun(id), EINVAL);
}

static void periodic(int clock)
{
	struct event e = {.signo = SIGUSR1};
	struct itimerspec at = {{0, 2 * MS}, {0, MS}};
	sigset_t s = only(SIGUSR1);
	siginfo_t i;
	int id;

	CHECK(create(clock, &e, &id) == 0);
	CHECK(settime(id, 0, &at, NULL) == 0);
	for (int n = 0; n < 5; n++) {
		if (clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID)
			while (sigpending(&s) == 0 && !sigismember(&s, SIGUSR1))
				; /* uses the CPU */
		s = only(SIGUSR1);
		EQ(sigwaitinfo(&s, &i), SIGUSR1);
		EQ(i.si_overrun, overrun(id));
	}
	CHECK(gettime(id, &at) == 0 && at.it_interval.tv_nsec == 2 * MS);
	CHECK(at.it_value.tv_nsec > 0 && at.it_value.tv_nsec <= 2 * MS);
	CHECK(delete(id) == 0);
}

TEST(periodic_monotonic) { periodic(CLOCK_MONOTONIC); }
TEST(periodic_realtime) { periodic(CLOCK_REALTIME); }
TEST(periodic_boottime) { periodic(CLOCK_BOOTTIME); }
TEST(periodic_process_cpu) { periodic(CLOCK_PROCESS_CPUTIME_ID); }
TEST(periodic_thread_cpu) { periodic(CLOCK_THREAD_CPUTIME_ID); }

TEST(overruns_are_counted)
{
	struct event e = {.signo = SIGUSR1};
	struct itimerspec at = {{0, MS}, {0, MS}};
	struct timespec nap = {0, 50 * MS};
	sigset_t s = only(SIGUSR1);
	siginfo_t i;
	int id;

	CHECK(create(CLOCK_MONOTONIC, &e, &id) == 0 && settime(id, 0, &at, NULL) == 0);
	CHECK(nanosleep(&nap, NULL) == 0);
	EQ(sigwaitinfo(&s, &i), SIGUSR1);
	CHECK(i.si_overrun >= 40);
	EQ(overrun(id), i.si_overrun);
}

TEST(absolute_and_old)
{
	struct event e = {.signo = SIGUSR1};
	struct itimerspec far = {{0, 0}, {3600, 0}}, past = {{0, 0}, {0, 1}}, old;
	sigset_t s = only(SIGUSR1);
	int id;

	CHECK(create(CLOCK_REALTIME, &e, &id) == 0 && settime(id, 0, &far, NULL) == 0);
	CHECK(settime(id, TIMER_ABSTIME, &past, &old) == 0);
	CHECK(old.it_value.tv_sec > 3000 && old.it_value.tv_sec <= 3600);
	EQ(sigwaitinfo(&s, NULL), SIGUSR1);
	past.it_value.tv_nsec = 0;
	CHECK(settime(id, 0, &far, NULL) == 0 && settime(id, 0, &past, NULL) == 0);
	CHECK(gettime(id, &old) == 0 && old.it_value.tv_sec == 0 && old.it_value.tv_nsec == 0);
	past.it_value.tv_nsec = 1000000000;
	FAILS(settime(id, 0, &past, NULL), EINVAL);
}

TEST(to_a_thread)
{
	struct event e = {.signo = SIGUSR2, .notify = 4 /* SIGEV_THREAD_ID */, .tid = (int)syscall(SYS_gettid)};
	struct itimerspec at = {.it_value.tv_nsec = MS};
	sigset_t s = only(SIGUSR2);
	int id;

	CHECK(create(CLOCK_MONOTONIC, &e, &id) == 0 && settime(id, 0, &at, NULL) == 0);
	EQ(sigwaitinfo(&s, NULL), SIGUSR2);
	e.tid = 1;
	FAILS(create(CLOCK_MONOTONIC, &e, &id), EINVAL);
}

TEST(errors)
{
	struct event e = {.signo = 65}, none = {.notify = 1 /* SIGEV_NONE */};
	struct itimerspec at = {.it_value.tv_sec = 100};
	int id;

	FAILS(create(CLOCK_MONOTONIC, &e, &id), EINVAL);
	e = (struct event){.signo = SIGUSR1, .notify = 77};
	FAILS(create(CLOCK_MONOTONIC, &e, &id), EINVAL);
	FAILS(create(1000, NULL, &id), EINVAL);
	FAILS(create(CLOCK_MONOTONIC_COARSE, NULL, &id), EOPNOTSUPP);
	FAILS(create(CLOCK_MONOTONIC, NULL, (int *)8), EFAULT);
	CHECK(create(CLOCK_MONOTONIC, &none, &id) == 0 && settime(id, 0, &at, NULL) == 0);
	CHECK(gettime(id, &at) == 0 && at.it_value.tv_sec > 0);
	FAILS(settime(id, 0, NULL, NULL), EINVAL);
}

static void no_timers(void *arg)
{
	struct itimerspec at;
	FAILS(gettime((int)(long)arg, &at), EINVAL);
	_exit(0);
}

TEST(fork_leaves_them)
{
	int id;
	CHECK(create(CLOCK_MONOTONIC, NULL, &id) == 0);
	EQ(tap_status(no_timers, (void *)(long)id), 0);
}
