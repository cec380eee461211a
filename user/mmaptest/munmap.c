#include "mm.h"

static void gone(char *p)
{
	struct tap_fault f = tap_read_fault(p);

	CHECK(f.sig == SIGSEGV && f.code == SEGV_MAPERR && f.addr == p);
}

TEST(munmap_all)
{
	char *p = new_pages(3, RW);

	fill(p, 3);
	CHECK(munmap(p, PAGES(3)) == 0);
	gone(p);
	gone(p + PAGES(2));
	CHECK(munmap(p, PAGES(3)) == 0); /* nothing there: no error */
}

TEST(munmap_head)
{
	char *p = new_pages(4, RW);

	fill(p, 4);
	CHECK(munmap(p, PAGES(2)) == 0);
	gone(p + PAGES(1));
	CHECK(filled(p + PAGES(2), 2) && filled(p + PAGES(3), 3));
}

TEST(munmap_tail)
{
	char *p = new_pages(4, RW);

	fill(p, 4);
	CHECK(munmap(p + PAGES(2), PAGES(2)) == 0);
	CHECK(filled(p, 0) && filled(p + PAGES(1), 1));
	gone(p + PAGES(2));
}

TEST(munmap_hole)
{
	char *p = new_pages(5, RW);

	fill(p, 5);
	CHECK(munmap(p + PAGES(2), PAGES(1)) == 0);
	CHECK(filled(p + PAGES(1), 1) && filled(p + PAGES(3), 3));
	gone(p + PAGES(2));
	CHECK(map_lines(p, PAGES(5)) == 2);
}

TEST(munmap_over_many)
{
	char *p = new_pages(12, RW);

	fill(p, 12);
	for (int i = 1; i < 12; i += 2)
		CHECK(mprotect(p + PAGES(i), PAGES(1), PROT_READ) == 0);
	CHECK(munmap(p + PAGES(6), PAGES(1)) == 0);
	CHECK(munmap(p + PAGES(2), PAGES(8)) == 0);
	CHECK(filled(p + PAGES(1), 1) && filled(p + PAGES(10), 10));
	for (int i = 2; i < 10; i++)
		CHECK(!mapped(p + PAGES(i)));
}

TEST(munmap_errors)
{
	char *p = new_pages(1, RW);

	FAILS(munmap(p + 1, PAGES(1)), EINVAL);
	FAILS(munmap(p, 0), EINVAL);
	FAILS(munmap((void *)0xffffffff80000000, PAGES(1)), EINVAL);
	FAILS(munmap(p, (size_t)-4096), EINVAL);
	CHECK(mapped(p));
}

TEST(munmap_frees_and_fresh_is_zero)
{
	for (int round = 0; round < 20; round++) {
		char *p = new_pages(64, RW);
		for (size_t i = 0; i < PAGES(64); i += 512)
			CHECK(p[i] == 0);
		memset(p, 0x5a, PAGES(64));
		CHECK(munmap(p, PAGES(64)) == 0);
	}
}

TEST(munmap_large_sparse)
{
	char *p = mmap(NULL, (size_t)1 << 33, RW, ANON | MAP_NORESERVE, -1, 0);

	CHECK(p != MAP_FAILED);
	for (size_t at = 0; at < (size_t)1 << 33; at += (size_t)1 << 29)
		p[at] = 1;
	CHECK(munmap(p, (size_t)1 << 33) == 0);
	CHECK(!mapped(p));
}
