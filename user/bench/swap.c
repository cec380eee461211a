/* Swap: the rows need a disk to swap to, and less RAM than they use. */
#include "bench.h"

/* The area, which does not fit into RAM; it stays for the rows that read it. */
static char *area;
static long pages;

long vmstat(const char *name)
{
	static char text[16384];
	int fd = SYS3(open, "/proc/vmstat", O_RDONLY, 0);
	long n = 0, used = 0;

	MUST(fd >= 0);
	while ((n = SYS3(read, fd, text + used, sizeof text - 1 - used)) > 0)
		used += n;
	SYS1(close, fd);
	text[used] = 0;
	for (char *p = text; *p;) {
		const char *s = name;

		while (*s && *p == *s)
			p++, s++;
		if (*s == 0 && *p == ' ') {
			for (n = 0, p++; *p >= '0' && *p <= '9'; p++)
				n = n * 10 + *p - '0';
			return n;
		}
		while (*p && *p++ != '\n')
			;
	}
	return 0;
}

static void fill(void)
{
	if (area)
		return;
	pages = area_mib << 8;
	area = map(pages);
	for (long i = 0; i < pages; i++)
		*(volatile long *)(area + i * PAGE) = i;
}

/* Filling it, per page that had to be written to the disk for that. */
static void swap_out(long n)
{
	(void)n;
	long before = vmstat("pswpout");
	begin();
	fill();
	end();
	operations(vmstat("pswpout") - before);
}

/* Reading it in order, per page that came from the disk. */
static void swap_in_seq(long n)
{
	(void)n;
	fill();
	long before = vmstat("pswpin");
	begin();
	for (long i = 0; i < pages; i++)
		MUST(*(volatile long *)(area + i * PAGE) == i);
	end();
	operations(vmstat("pswpin") - before);
}

/* Reading here and there in the third of it that has not been used for longest: per
 * page, whether it or its neighbours came from the disk for it or for another. */
static void swap_in_random(long n)
{
	fill();
	begin();
	for (long i = 0, at = 0; i < n; i++) {
		at = (at + 7919) % (pages / 3); /* prime to it: no page twice */
		MUST(*(volatile long *)(area + at * PAGE) == at);
	}
	end();
	unmap(area, pages);
	area = 0;
}

const struct bench swap_benches[] = {
	COLD_ROW(swap_out, 1),
	COLD_ROW(swap_in_seq, 1),
	COLD_ROW(swap_in_random, 2000),
	NO_ROW,
};
