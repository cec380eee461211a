/* swapoff and swapon while pages are swapped. Not for a machine that anyone needs:
 * it takes the first swap area of /proc/swaps away, more than once. */
#include "swapoff.h"

#include <fcntl.h>
#include <pthread.h>

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
