/* POSIX threads: clone, futex, thread-local storage, and faults among threads. */
#define _GNU_SOURCE
#include "tap.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

enum { THREADS = 8 };

static void start(pthread_t *t, void *(*f)(void *), void *arg)
{
	CHECK(pthread_create(t, NULL, f, arg) == 0);
}

static void *square(void *arg)
{
	long n = (long)arg;

	return (void *)(n * n);
}

TEST(create_and_join)
{
	pthread_t t[THREADS];
	void *result;

	for (long round = 0; round < 20; round++) {
		for (long i = 0; i < THREADS; i++)
			start(&t[i], square, (void *)(i + round));
		for (long i = 0; i < THREADS; i++) {
			CHECK(pthread_join(t[i], &result) == 0);
			CHECK((long)result == (i + round) * (i + round));
		}
	}
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long counter;

static void *add(void *arg)
{
	for (long i = 0; i < (long)arg; i++) {
		pthread_mutex_lock(&lock);
		counter++;
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

TEST(mutex)
{
	pthread_t t[THREADS];

	for (int i = 0; i < THREADS; i++)
		start(&t[i], add, (void *)5000);
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	CHECK(counter == THREADS * 5000);
}

static pthread_cond_t turn = PTHREAD_COND_INITIALIZER;
static int whose;

static void *ping(void *arg)
{
	for (int i = 0; i < 500; i++) {
		pthread_mutex_lock(&lock);
		while (whose != (int)(long)arg)
			pthread_cond_wait(&turn, &lock);
		whose = !whose;
		pthread_cond_signal(&turn);
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

TEST(condition_variable)
{
	pthread_t a, b;

	start(&a, ping, (void *)0);
	start(&b, ping, (void *)1);
	CHECK(pthread_join(a, NULL) == 0 && pthread_join(b, NULL) == 0);
}

TEST(timed_wait_times_out)
{
	struct timespec until;

	CHECK(clock_gettime(CLOCK_REALTIME, &until) == 0);
	until.tv_nsec += 30 * 1000 * 1000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_mutex_lock(&lock);
	CHECK(pthread_cond_timedwait(&turn, &lock, &until) == ETIMEDOUT);
	pthread_mutex_unlock(&lock);
}

static __thread long mine = 7;

static void *use_tls(void *arg)
{
	CHECK(mine == 7);
	for (long i = 0; i < 1000; i++) {
		mine = (long)arg + i;
		if (i % 100 == 0)
			sched_yield();
		CHECK(mine == (long)arg + i);
	}
	return NULL;
}

TEST(thread_local_storage)
{
	pthread_t t[THREADS];

	for (long i = 0; i < THREADS; i++)
		start(&t[i], use_tls, (void *)(i * 1000000));
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	CHECK(mine == 7);
}

static pthread_barrier_t barrier;
static atomic_int arrived;

static void *meet(void *arg)
{
	(void)arg;
	for (int round = 1; round <= 50; round++) {
		atomic_fetch_add(&arrived, 1);
		pthread_barrier_wait(&barrier);
		CHECK(arrived == round * THREADS);
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

TEST(barrier_meets)
{
	pthread_t t[THREADS];

	CHECK(pthread_barrier_init(&barrier, NULL, THREADS) == 0);
	for (int i = 0; i < THREADS; i++)
		start(&t[i], meet, NULL);
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
}

static pthread_key_t key;
static atomic_int destroyed;

static void destroy(void *p) { atomic_fetch_add(&destroyed, (int)(long)p); }
static void *set_key(void *arg)
{
	pthread_setspecific(key, arg);
	return NULL;
}

TEST(key_destructors)
{
	pthread_t t;

	CHECK(pthread_key_create(&key, destroy) == 0);
	for (long i = 1; i <= 4; i++) {
		start(&t, set_key, (void *)i);
		CHECK(pthread_join(t, NULL) == 0);
	}
	CHECK(destroyed == 10);
}

/* Threads of one mm that fault, map and unmap at once. */
static void *map_and_touch(void *arg)
{
	for (int i = 0; i < 60; i++) {
		size_t size = 4096 * (1 + i % 16);
		char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		CHECK(p != MAP_FAILED);
		for (size_t k = 0; k < size; k += 4096) {
			CHECK(p[k] == 0);
			p[k] = (char)(long)arg;
		}
		CHECK(mprotect(p, size, PROT_READ) == 0);
		for (size_t k = 0; k < size; k += 4096)
			CHECK(p[k] == (char)(long)arg);
		CHECK(munmap(p, size) == 0);
	}
	return NULL;
}

TEST(faults_in_parallel)
{
	pthread_t t[THREADS];

	for (long i = 0; i < THREADS; i++)
		start(&t[i], map_and_touch, (void *)(i + 1));
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
}

static void *spin_forever(void *arg)
{
	for (;;)
		(*(volatile long *)arg)++;
	return NULL;
}

static void crash_among_threads(void *arg)
{
	pthread_t t;

	start(&t, spin_forever, arg);
	start(&t, spin_forever, arg);
	usleep(20000);
	*(volatile int *)8 = 1;
}

TEST(crash_kills_all_threads)
{
	static long spins;
	int status = tap_status(crash_among_threads, &spins);

	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static void exit_among_threads(void *arg)
{
	pthread_t t;

	start(&t, spin_forever, arg);
	usleep(10000);
	exit(4);
}

TEST(exit_ends_all_threads)
{
	static long spins;
	int status = tap_status(exit_among_threads, &spins);

	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 4);
}

static volatile pid_t handled_by;
static void note_thread(int sig)
{
	(void)sig;
	handled_by = syscall(SYS_gettid);
}

static volatile int stop;
static volatile pid_t tid;
static void *wait_for_stop(void *arg)
{
	(void)arg;
	tid = syscall(SYS_gettid);
	while (!stop)
		usleep(1000);
	return NULL;
}

TEST(pthread_kill_reaches_its_thread)
{
	pthread_t t;

	signal(SIGUSR1, note_thread);
	start(&t, wait_for_stop, NULL);
	while (!tid)
		usleep(1000);
	CHECK(pthread_kill(t, SIGUSR1) == 0);
	for (int i = 0; i < 1000 && !handled_by; i++)
		usleep(1000);
	CHECK(handled_by == tid && tid != getpid());
	stop = 1;
	CHECK(pthread_join(t, NULL) == 0);
}

static void *fork_in_thread(void *arg)
{
	int status;
	pid_t pid = fork();

	(void)arg;
	if (pid == 0)
		_exit(6);
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 6);
	return NULL;
}

TEST(fork_from_a_thread)
{
	pthread_t t;

	start(&t, fork_in_thread, NULL);
	CHECK(pthread_join(t, NULL) == 0);
}
