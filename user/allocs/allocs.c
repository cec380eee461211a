/* The frequent paths of the kernel allocate nothing on its Go heap: each case reads
 * /proc/goheap before and after many operations. Beside it, other goroutines may
 * allocate a little: one allocation in a hundred operations is let pass. */
#define _GNU_SOURCE
#include "../c/tap.h"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/syscall.h>
#include <time.h>

/* From linux/futex.h, which musl does without. */
#define FUTEX_WAIT_PRIVATE 128
#define FUTEX_WAKE_PRIVATE 129

#define PAGE 4096UL

static long allocations(void)
{
	long n = tap_field("/proc/goheap", "mallocs");

	CHECK(n > 0);
	return n;
}

/* measure runs f once to warm up, with a tenth of the operations, and once more. */
static void measure(void (*f)(long), long n)
{
	f(n / 10);
	allocations();
	long before = allocations(), none = allocations() - before; /* of looking */
	before = allocations();
	f(n);
	long count = allocations() - before - none;
	printf("# %ld allocations in %ld operations: %.4f each\n", count, n, (double)count / n);
	CHECK(count <= n / 100);
}

static char *new_pages(size_t n)
{
	char *p = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

static void null_calls(long n)
{
	while (n--)
		syscall(SYS_getppid);
}

TEST(null_call) { measure(null_calls, 100000); }

static void clock_calls(long n)
{
	struct timespec t;

	while (n--)
		syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
}

TEST(clock_gettime_call) { measure(clock_calls, 50000); }

static void futex_wakes(long n)
{
	static int word;

	while (n--)
		syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

TEST(futex_wake) { measure(futex_wakes, 100000); }

/* Two threads wake each other in turn: each operation is a sleep and a wake-up. */
static int turn;

static void take_turns(int me, long n)
{
	while (n--) {
		int seen;
		while ((seen = __atomic_load_n(&turn, __ATOMIC_SEQ_CST)) != me)
			syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
		__atomic_store_n(&turn, !me, __ATOMIC_SEQ_CST);
		syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	}
}

static void *other_player(void *arg)
{
	take_turns(1, (long)arg);
	return NULL;
}

static void futex_sleeps(long n)
{
	pthread_t other;

	CHECK(pthread_create(&other, NULL, other_player, (void *)(n / 2)) == 0);
	take_turns(0, n / 2);
	CHECK(pthread_join(other, NULL) == 0);
}

TEST(futex_sleep_and_wake) { measure(futex_sleeps, 20000); }

static void pipe_bytes(long n)
{
	int fd[2];
	char c = 'x';

	CHECK(pipe(fd) == 0);
	while (n--)
		CHECK(write(fd[1], &c, 1) == 1 && read(fd[0], &c, 1) == 1);
	close(fd[0]);
	close(fd[1]);
}

TEST(pipe_read_and_write) { measure(pipe_bytes, 20000); }

static int socket_type;

static void socket_bytes(long n)
{
	char text[1000];
	int fd[2];

	CHECK(socketpair(AF_UNIX, socket_type, 0, fd) == 0);
	for (long i = 0; i < n; i += 2) {
		struct iovec v = {text, sizeof text};
		struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
		CHECK(write(fd[1], text, 100) == 100 && read(fd[0], text, sizeof text) == 100);
		CHECK(sendmsg(fd[0], &m, 0) == sizeof text && recv(fd[1], text, sizeof text, 0) == sizeof text);
	}
	close(fd[0]);
	close(fd[1]);
}

TEST(stream_send_and_receive)
{
	socket_type = SOCK_STREAM;
	measure(socket_bytes, 20000);
}

TEST(datagram_send_and_receive)
{
	socket_type = SOCK_DGRAM;
	measure(socket_bytes, 20000);
}

/* In pieces of a megabyte, so that nothing is swapped. */
static void anonymous_faults(long n)
{
	char *p = new_pages(256);

	for (long i = 0; i < n; i++) {
		p[i % 256 * PAGE] = 1;
		if (i % 256 == 255)
			CHECK(madvise(p, 256 * PAGE, MADV_DONTNEED) == 0);
	}
	CHECK(munmap(p, 256 * PAGE) == 0);
}

TEST(anonymous_fault) { measure(anonymous_faults, 20480); }

static void maps(long n)
{
	while (n--) {
		char *p = new_pages(1);
		*p = 1;
		CHECK(munmap(p, PAGE) == 0);
	}
}

TEST(mmap_touch_munmap) { measure(maps, 10000); }

static void splits(long n)
{
	char *p = new_pages(3);

	while (n--) {
		CHECK(mprotect(p + PAGE, PAGE, PROT_READ) == 0);
		CHECK(mprotect(p + PAGE, PAGE, PROT_READ | PROT_WRITE) == 0);
	}
	CHECK(munmap(p, 3 * PAGE) == 0);
}

TEST(mprotect_split_and_merge) { measure(splits, 10000); }

static char *shared; /* pages that the parent has as well */

static void copies(long n)
{
	while (n--) {
		*shared = 2;
		shared += PAGE;
	}
}

static void copy_all(void *arg)
{
	measure(copies, (long)arg);
}

TEST(copy_on_write)
{
	enum { N = 1500 };

	shared = new_pages(N + N / 10);
	memset(shared, 1, (N + N / 10) * PAGE);
	CHECK(tap_status(copy_all, (void *)N) == 0);
}

/* Twice the RAM, page by page: each operation steals a page, writes it to
 * swap and reads another. */
static void through_swap(long n)
{
	long pages = tap_field("/proc/meminfo", "MemTotal") / 4 * 2;
	char *p = new_pages(pages);

	for (long i = 0; i < n; i++)
		p[i % pages * PAGE]++;
	CHECK(munmap(p, pages * PAGE) == 0);
}

TEST(swap_in_and_out)
{
	long before = tap_field("/proc/vmstat", "pswpin");

	measure(through_swap, 30000);
	CHECK(tap_field("/proc/vmstat", "pswpin") - before > 1000);
}
