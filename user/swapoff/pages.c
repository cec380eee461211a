#include "swapoff.h"

const char *area(void)
{
	static char name[64];
	FILE *f = fopen("/proc/swaps", "r");

	if (!name[0])
		CHECK(f && fscanf(f, "%*[^\n] %63s", name) == 1);
	if (f)
		fclose(f);
	return name;
}

size_t ram(void) { return (size_t)tap_field("/proc/meminfo", "MemTotal") * 1024 / PAGE; }

/* value is what a page holds: it depends on its address. */
static uint64_t value(const uint64_t *page) { return (uintptr_t)page * 31 + 7; }

uint64_t *new_pages(size_t n)
{
	uint64_t *p = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	fill_pages(p, 0, n);
	return p;
}

void fill_pages(uint64_t *p, size_t first, size_t n)
{
	for (size_t i = first; i < n; i++)
		p[i * 512] = p[i * 512 + 511] = value(p + i * 512);
}

void check_pages(const uint64_t *p, size_t first, size_t n)
{
	for (size_t i = first; i < n; i++)
		CHECK(p[i * 512] == value(p + i * 512) && p[i * 512 + 511] == value(p + i * 512));
}

/* More than the RAM holds is written, and all but the n pages that the stealer
 * took most of are unmapped. */
uint64_t *swapped_pages(size_t n)
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
