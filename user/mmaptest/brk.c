#include "mm.h"

/* The raw call: it returns the break, old or new, and never -1. */
static uintptr_t raw_brk(uintptr_t to) { return (uintptr_t)syscall(SYS_brk, to); }

TEST(brk_grows_and_shrinks)
{
	uintptr_t start = raw_brk(0), base = (start + 4095) & ~4095UL;
	char *p = (char *)base;

	CHECK(raw_brk(base + PAGES(10)) == base + PAGES(10));
	for (size_t i = 0; i < PAGES(10); i++)
		CHECK(p[i] == 0);
	fill(p, 10);
	CHECK(raw_brk(base + PAGES(3)) == base + PAGES(3));
	CHECK(filled(p + PAGES(2), 2) && !mapped(p + PAGES(3)));
	CHECK(tap_read_fault(p + PAGES(5)).code == SEGV_MAPERR);
	CHECK(raw_brk(base + PAGES(10)) == base + PAGES(10));
	CHECK(p[PAGES(5)] == 0); /* fresh, not what was there */
	CHECK(raw_brk(start) == start);
}

TEST(brk_to_any_byte)
{
	uintptr_t base = (raw_brk(0) + 4095) & ~4095UL;

	CHECK(raw_brk(base + 1) == base + 1);
	*(char *)base = 1;
	*((char *)base + 4095) = 1; /* the page is whole */
	CHECK(raw_brk(base + 4097) == base + 4097);
	*((char *)base + 4096) = 1;
}

TEST(brk_refuses)
{
	uintptr_t now = raw_brk(0);

	CHECK(raw_brk(4096) == now);
	CHECK(raw_brk(0xffffffff80000000) == now);
	CHECK(raw_brk((uintptr_t)1 << 46) == now || raw_brk(0) != now);
}

TEST(brk_stops_at_a_mapping)
{
	uintptr_t base = (raw_brk(0) + 4095) & ~4095UL;
	char *wall = mmap((void *)(base + PAGES(64)), PAGES(1), RW, ANON | MAP_FIXED, -1, 0);

	CHECK(wall != MAP_FAILED);
	uintptr_t now = raw_brk(0);
	CHECK(raw_brk(base + PAGES(65)) == now);
	CHECK(raw_brk(base + PAGES(32)) == base + PAGES(32));
}

TEST(brk_limit)
{
	uintptr_t now = raw_brk(0);

	set_limit(RLIMIT_DATA, 0);
	CHECK(raw_brk(now + PAGES(4096)) == now);
}
