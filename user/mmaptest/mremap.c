#include "mm.h"

TEST(mremap_shrinks)
{
	char *p = new_pages(6, RW);

	fill(p, 6);
	CHECK(mremap(p, PAGES(6), PAGES(2), 0) == p);
	CHECK(filled(p, 0) && filled(p + PAGES(1), 1));
	CHECK(!mapped(p + PAGES(2)) && !mapped(p + PAGES(5)));
}

TEST(mremap_same_size)
{
	char *p = new_pages(2, RW);

	CHECK(mremap(p, PAGES(2), PAGES(2), 0) == p);
	CHECK(mremap(p, PAGES(2) - 5, PAGES(2), 0) == p); /* rounded up */
}

TEST(mremap_grows_in_place)
{
	char *p = new_pages(6, RW);

	fill(p, 2);
	CHECK(munmap(p + PAGES(2), PAGES(4)) == 0);
	CHECK(mremap(p, PAGES(2), PAGES(5), 0) == p);
	CHECK(filled(p, 0) && filled(p + PAGES(1), 1));
	for (size_t i = PAGES(2); i < PAGES(5); i++)
		CHECK(p[i] == 0);
}

TEST(mremap_no_room)
{
	char *p = new_pages(6, RW);

	CHECK(mprotect(p + PAGES(2), PAGES(1), PROT_READ) == 0); /* a mapping of its own */
	FAILS(mremap(p, PAGES(2), PAGES(4), 0), ENOMEM);
	CHECK(mapped(p));
}

TEST(mremap_moves)
{
	char *p = new_pages(300, RW), *q;

	CHECK(mprotect(p + PAGES(200), PAGES(1), PROT_READ) == 0);
	fill(p, 200);
	q = mremap(p, PAGES(200), PAGES(400), MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED && q != p && !mapped(p) && !mapped(p + PAGES(199)));
	for (size_t i = 0; i < 200; i++)
		CHECK(filled(q + PAGES(i), i));
	CHECK(q[PAGES(200)] == 0 && q[PAGES(399)] == 0);
	q[PAGES(399)] = 1;
	CHECK(mapped(p + PAGES(200)));
}

TEST(mremap_fixed)
{
	char *p = new_pages(4, RW), *to = new_pages(8, RW);

	fill(p, 4);
	fill(to, 8);
	CHECK(mremap(p, PAGES(4), PAGES(4), MREMAP_MAYMOVE | MREMAP_FIXED, to + PAGES(2)) == to + PAGES(2));
	CHECK(!mapped(p) && filled(to + PAGES(1), 1) && filled(to + PAGES(6), 6));
	for (size_t i = 0; i < 4; i++)
		CHECK(filled(to + PAGES(2 + i), i));
}

TEST(mremap_part_of_a_mapping)
{
	char *p = new_pages(6, RW), *q;

	fill(p, 6);
	q = mremap(p + PAGES(2), PAGES(2), PAGES(3), MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED);
	CHECK(filled(q, 2) && filled(q + PAGES(1), 3) && q[PAGES(2)] == 0);
	CHECK(filled(p + PAGES(1), 1) && filled(p + PAGES(4), 4));
	CHECK(!mapped(p + PAGES(2)));
}

TEST(mremap_keeps_protection)
{
	char *p = new_pages(2, RW), *q;

	fill(p, 2);
	CHECK(mprotect(p, PAGES(2), PROT_READ) == 0);
	q = mremap(p, PAGES(2), PAGES(64), MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED && filled(q, 0) && tap_write_fault(q).code == SEGV_ACCERR);
}

TEST(mremap_errors)
{
	char *p = new_pages(4, RW), *hole = new_pages(4, RW);

	CHECK(munmap(hole + PAGES(1), PAGES(3)) == 0);
	FAILS(mremap(p + 1, PAGES(1), PAGES(2), MREMAP_MAYMOVE), EINVAL);
	FAILS(mremap(p, PAGES(1), 0, MREMAP_MAYMOVE), EINVAL);
	FAILS(mremap(p, PAGES(1), PAGES(1), MREMAP_FIXED, hole), EINVAL);
	FAILS(mremap(p, PAGES(1), PAGES(1), 64), EINVAL);
	FAILS(mremap(p, PAGES(2), PAGES(2), MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGES(1)), EINVAL);
	FAILS(mremap(p, PAGES(2), PAGES(2), MREMAP_MAYMOVE | MREMAP_FIXED, (char *)hole + 1), EINVAL);
	FAILS(mremap(hole + PAGES(2), PAGES(1), PAGES(2), MREMAP_MAYMOVE), EFAULT);
	FAILS(mremap(hole, PAGES(4), PAGES(5), MREMAP_MAYMOVE), EFAULT);
}

TEST(mremap_locked)
{
	char *p = new_pages(4, RW), *q;

	CHECK(mlock(p, PAGES(4)) == 0);
	q = mremap(p, PAGES(4), PAGES(40), MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED);
	EQ(tap_field("/proc/self/status", "VmLck"), 160);
	CHECK(munmap(q, PAGES(40)) == 0);
	EQ(tap_field("/proc/self/status", "VmLck"), 0);
}

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

TEST(mremap_leaves_the_mapping)
{
	char *p = new_pages(8, RW), *q, *to = new_pages(4, RW);

	fill(p, 8);
	q = mremap(p + PAGES(2), PAGES(4), PAGES(4), MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
	CHECK(q != MAP_FAILED && q != p + PAGES(2));
	for (size_t i = 0; i < 8; i++) {
		CHECK(i >= 2 && i < 6 ? filled(q + PAGES(i - 2), i) : filled(p + PAGES(i), i));
		if (i >= 2 && i < 6)
			EQ(p[PAGES(i)], 0);
	}
	fill(p, 8); /* it can be used as before, and has nothing to do with the new one */
	CHECK(filled(q, 2) && filled(q + PAGES(3), 5));
	CHECK(mremap(p, PAGES(4), PAGES(4), MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, to) == to);
	CHECK(filled(to, 0) && filled(to + PAGES(3), 3));
	EQ(p[0], 0);
	FAILS(mremap(p, PAGES(1), PAGES(1), MREMAP_DONTUNMAP, 0), EINVAL);
	FAILS(mremap(p, PAGES(1), PAGES(2), MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0), EINVAL);
	FAILS(mremap(p, PAGES(2), PAGES(1), MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0), EINVAL);
}

TEST(mremap_leaves_it_unlocked)
{
	char *p = new_pages(4, RW), *q;

	CHECK(mlock(p, PAGES(4)) == 0);
	q = mremap(p, PAGES(4), PAGES(4), MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
	CHECK(q != MAP_FAILED);
	CHECK(munmap(q, PAGES(4)) == 0);
	EQ(p[0], 0);
	CHECK(madvise(p, PAGES(4), MADV_DONTNEED) == 0); /* EINVAL, were it locked */
}

TEST(mremap_leaves_a_file)
{
	char *p = mmap(NULL, PAGES(2), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), *q;

	CHECK(p != MAP_FAILED);
	fill(p, 2);
	q = mremap(p, PAGES(2), PAGES(2), MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
	CHECK(q != MAP_FAILED && q != p);
	CHECK(filled(p, 0) && filled(q, 0)); /* both show it */
	q[0] = 'x';
	EQ(p[0], 'x');
}

TEST(mremap_after_fork_keeps_sharing)
{
	char *p = new_pages(32, RW), *q;
	int status;

	fill(p, 32);
	pid_t pid = fork();
	if (pid == 0) {
		usleep(20000);
		for (size_t i = 0; i < 32; i++)
			if (!filled(p + PAGES(i), i))
				_exit(1);
		_exit(0);
	}
	q = mremap(p, PAGES(32), PAGES(1000), MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED);
	memset(q, 0x77, PAGES(32));
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}
