/* swapoff and swapon while pages are swapped. Not for a machine that anyone needs:
 * it takes the first swap area of /proc/swaps away, more than once. */
#define _GNU_SOURCE
#include "../c/tap.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/swap.h>

#define PAGE 4096UL

/* area is the device that the machine swaps to. */
static const char *area(void)
{
	static char name[64];
	FILE *f = fopen("/proc/swaps", "r");

	if (!name[0]) {
		CHECK(f && fscanf(f, "%*[^\n] %63s", name) == 1);
		fclose(f);
	}
	return name;
}

static size_t ram(void) { return (size_t)tap_field("/proc/meminfo", "MemTotal") * 1024 / PAGE; }

/* value is what a page holds: it depends on its address. */
static uint64_t value(const uint64_t *page) { return (uintptr_t)page * 31 + 7; }

static uint64_t *new_pages(size_t n)
{
	uint64_t *p = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	for (size_t i = 0; i < n; i++)
		p[i * 512] = p[i * 512 + 511] = value(p + i * 512);
	return p;
}

static void check_pages(const uint64_t *p, size_t first, size_t n)
{
	for (size_t i = first; i < n; i++)
		CHECK(p[i * 512] == value(p + i * 512) && p[i * 512 + 511] == value(p + i * 512));
}

/* swapped_pages returns n pages with contents, of which many are in the swap area:
 * more than the RAM holds are written, and all but the n that the stealer took most
 * of are unmapped. */
static uint64_t *swapped_pages(size_t n)
{
	static unsigned char resident[1 << 16];
	size_t all = ram() * 3 / 2, best = 0, most = 0;
	uint64_t *p = new_pages(all);

	CHECK(all <= sizeof resident && mincore(p, all * PAGE, resident) == 0);
	for (size_t first = 0; first + n <= all; first += n / 4) {
		size_t out = 0;
		for (size_t i = first; i < first + n; i++)
			out += !(resident[i] & 1);
		if (out > most) {
			most = out;
			best = first;
		}
	}
	CHECK(most > n / 4);
	if (best > 0)
		CHECK(munmap(p, best * PAGE) == 0);
	CHECK(munmap(p + (best + n) * 512, (all - best - n) * PAGE) == 0);
	return p + best * 512;
}

TEST(swapoff_brings_pages_back)
{
	size_t n = ram() / 8;
	uint64_t *p = swapped_pages(n);

	CHECK(swapoff(area()) == 0);
	EQ(tap_field("/proc/meminfo", "SwapTotal"), 0);
	EQ(tap_field("/proc/self/status", "VmSwap"), 0);
	check_pages(p, 0, n);
	CHECK(swapon(area(), 0) == 0);
	CHECK(tap_field("/proc/meminfo", "SwapTotal") > 0);
	check_pages(p, 0, n);
	swapped_pages(n); /* and it is used again */
}

TEST(shared_after_fork)
{
	size_t n = ram() / 8;
	uint64_t *p = swapped_pages(n);
	int go[2], status;
	char c;

	CHECK(pipe(go) == 0);
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		close(go[1]);
		CHECK(read(go[0], &c, 1) == 0);
		check_pages(p, 0, n);
		for (size_t i = 0; i < n; i += 2)
			p[i * 512] = 0;
		_exit(0);
	}
	CHECK(swapoff(area()) == 0);
	close(go[1]);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	check_pages(p, 0, n);
	CHECK(swapon(area(), 0) == 0);
}

static void *fault_in(void *arg)
{
	check_pages(arg, 0, ram() / 8);
	return NULL;
}

TEST(faults_during_swapoff)
{
	size_t n = ram() / 8;

	for (int round = 0; round < 3; round++) {
		uint64_t *p = swapped_pages(n);
		pthread_t id;

		CHECK(pthread_create(&id, NULL, fault_in, p) == 0);
		CHECK(swapoff(area()) == 0);
		CHECK(pthread_join(id, NULL) == 0);
		check_pages(p, 0, n);
		CHECK(swapon(area(), 0) == 0);
		CHECK(munmap(p, n * PAGE) == 0);
	}
}

TEST(what_does_not_fit_stays)
{
	size_t n = ram() * 3 / 2;
	uint64_t *p = new_pages(n);

	FAILS(swapoff(area()), ENOMEM);
	CHECK(tap_field("/proc/meminfo", "SwapTotal") > 0);
	check_pages(p, 0, n);
}

static void as_nobody(void *arg)
{
	(void)arg;
	CHECK(setuid(65534) == 0);
	FAILS(swapoff(area()), EPERM);
	FAILS(swapon(area(), 0), EPERM);
}

TEST(errors)
{
	FAILS(swapon(area(), 0), EBUSY);
	FAILS(swapon("/no/such/file", 0), ENOENT);
	FAILS(swapon((char *)16, 0), EFAULT);
	FAILS(swapoff("/proc/version"), EINVAL);
	FAILS(swapon(area(), 0x40000000), EINVAL);
	CHECK(tap_status(as_nobody, NULL) == 0);
	CHECK(swapoff(area()) == 0);
	FAILS(swapoff(area()), EINVAL);

	/* A device without the header of a swap area is left alone. */
	char page[PAGE], none[PAGE] = {0};
	int fd = open(area(), O_RDWR);
	CHECK(fd >= 0 && pread(fd, page, PAGE, 0) == (ssize_t)PAGE && memcmp(page + PAGE - 10, "SWAPSPACE2", 10) == 0);
	CHECK(pwrite(fd, none, PAGE, 0) == (ssize_t)PAGE);
	FAILS(swapon(area(), 0), EINVAL);
	CHECK(pwrite(fd, page, PAGE, 0) == (ssize_t)PAGE && close(fd) == 0);
	CHECK(swapon(area(), SWAP_FLAG_PREFER | 5) == 0);
}
