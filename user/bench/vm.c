/* Mappings and faults. */
#include "bench.h"

char *map(size_t pages)
{
	long p = SYS6(mmap, 0, pages * PAGE, PROT_RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(p > 0);
	return (char *)p;
}

char *map_shared(size_t pages)
{
	long p = SYS6(mmap, 0, pages * PAGE, PROT_RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	MUST(p > 0);
	return (char *)p;
}

void unmap(char *p, size_t pages) { MUST(SYS2(munmap, p, pages * PAGE) == 0); }

void touch(char *p, size_t pages)
{
	for (size_t i = 0; i < pages; i++)
		((volatile char *)p)[i * PAGE] = 1;
}

static void null_call(long n)
{
	begin();
	while (n--)
		SYS0(getppid);
	end();
}

static void fault_anon(long n)
{
	char *p = map(n);

	begin();
	touch(p, n);
	end();
	unmap(p, n);
}

/* Reads of a mapped file whose pages are all in the page cache. */
static void fault_file(long n)
{
	int fd = SYS3(open, "/bench.tmp", O_RDWR | O_CREAT, 0600);
	static char page[PAGE];
	char sum = 0;

	MUST(fd >= 0);
	for (long i = 0; i < n; i++)
		MUST(SYS3(write, fd, page, PAGE) == (long)PAGE);
	char *p = (char *)SYS6(mmap, 0, n * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	MUST((long)p > 0);
	begin();
	for (long i = 0; i < n; i++)
		sum += ((volatile char *)p)[i * PAGE];
	end();
	MUST(sum == 0);
	unmap(p, n);
	SYS1(close, fd);
	MUST(SYS1(unlink, "/bench.tmp") == 0);
}

/* A child's writes to what it shares with its parent. */
static void fault_cow(long n)
{
	char *p = map(n);
	long long *ns = (long long *)map_shared(1);

	touch(p, n);
	int pid = fork();
	if (pid == 0) {
		long long start = now();

		touch(p, n);
		*ns = now() - start;
		quit(0);
	}
	reap(pid);
	took(*ns);
	unmap(p, n);
	unmap((char *)ns, 1);
}

static void map_touch_unmap(long n)
{
	begin();
	while (n--) {
		char *p = map(1);

		*p = 1;
		unmap(p, 1);
	}
	end();
}

static void protect_split_merge(long n)
{
	char *p = map(3);

	begin();
	while (n--) {
		MUST(SYS3(mprotect, p + PAGE, PAGE, PROT_READ) == 0);
		MUST(SYS3(mprotect, p + PAGE, PAGE, PROT_RW) == 0);
	}
	end();
	unmap(p, 3);
}

static void mremap_grow_shrink(long n)
{
	char *p = map(32);

	unmap(p + 16 * PAGE, 16);
	touch(p, 16);
	begin();
	while (n--) {
		MUST(SYS4(mremap, p, 16 * PAGE, 32 * PAGE, 0) == (long)p);
		MUST(SYS4(mremap, p, 32 * PAGE, 16 * PAGE, 0) == (long)p);
	}
	end();
	unmap(p, 16);
}

/* 16 pages in use move to another place. */
static void mremap_move_16(long n)
{
	char *p = map(64), *to = p + 32 * PAGE;

	unmap(to, 32);
	unmap(p + 16 * PAGE, 16);
	touch(p, 16);
	begin();
	while (n--) {
		MUST(SYS5(mremap, p, 16 * PAGE, 16 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == (long)to);
		char *was = p;
		p = to;
		to = was;
	}
	end();
	unmap(p, 16);
}

static void mlock_munlock_16(long n)
{
	char *p = map(16);

	touch(p, 16);
	begin();
	while (n--) {
		MUST(SYS2(mlock, p, 16 * PAGE) == 0);
		MUST(SYS2(munlock, p, 16 * PAGE) == 0);
	}
	end();
	unmap(p, 16);
}

/* Faults here and there in 20,000 pages that count vmas share, with gaps of a page
 * between them: the same pages of the same page tables, however many vmas. */
static void random_faults(long n, long count)
{
	const long span = 20000, each = span / count;
	char *p = map(span);

	for (long i = each - 1; i < span; i += each)
		unmap(p + i * PAGE, 1);
	begin();
	for (long i = 0, at = 0; i < n; i++) {
		at = (at + 7919) % 10000; /* prime to it: no page twice */
		((volatile char *)p)[at * 2 * PAGE] = 1;
	}
	end();
	unmap(p, span);
}

static void vmas_10(long n) { random_faults(n, 10); }

static void vmas_10000(long n) { random_faults(n, 10000); }

const struct bench vm_benches[] = {
	ROW(null_call, 100000),
	ROW(fault_anon, 4000),
	ROW(fault_file, 2000),
	ROW(fault_cow, 2000),
	ROW(map_touch_unmap, 5000),
	ROW(protect_split_merge, 5000),
	ROW(mremap_grow_shrink, 5000),
	ROW(mremap_move_16, 3000),
	ROW(mlock_munlock_16, 5000),
	ROW(vmas_10, 4000),
	ROW(vmas_10000, 4000),
	NO_ROW,
};
