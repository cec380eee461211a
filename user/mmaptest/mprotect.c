#include "mm.h"

TEST(mprotect_takes_and_gives_back)
{
	char *p = new_pages(2, RW);
	struct tap_fault f;

	fill(p, 2);
	CHECK(mprotect(p, PAGES(2), PROT_READ) == 0);
	f = tap_write_fault(p + PAGES(1));
	CHECK(f.sig == SIGSEGV && f.code == SEGV_ACCERR && f.addr == p + PAGES(1));
	CHECK(filled(p, 0));
	CHECK(mprotect(p, PAGES(2), PROT_NONE) == 0);
	CHECK(tap_read_fault(p).code == SEGV_ACCERR);
	CHECK(mprotect(p, PAGES(2), RW) == 0);
	CHECK(filled(p, 0) && filled(p + PAGES(1), 1));
	p[0] = 1;
}

/* split protects pages [from, to) of six and looks at all of them. */
static void split(int from, int to, int lines)
{
	char *p = new_pages(8, PROT_NONE) + PAGES(1); /* neighbours that can't merge */

	CHECK(mprotect(p, PAGES(6), RW) == 0);
	fill(p, 6);
	CHECK(mprotect(p + PAGES(from), PAGES(to - from), PROT_READ) == 0);
	EQ(map_lines(p, PAGES(6)), lines);
	for (int i = 0; i < 6; i++) {
		int want = i >= from && i < to ? SIGSEGV : 0;
		CHECK(filled(p + PAGES(i), i));
		CHECK(tap_write_fault(p + PAGES(i) + 1).sig == want);
	}
	CHECK(mprotect(p, PAGES(6), RW) == 0);
	EQ(map_lines(p, PAGES(6)), 1);
}

TEST(mprotect_all) { split(0, 6, 1); }
TEST(mprotect_start) { split(0, 2, 2); }
TEST(mprotect_end) { split(4, 6, 2); }
TEST(mprotect_middle) { split(2, 4, 3); }

TEST(mprotect_over_several)
{
	char *p = new_pages(6, RW);

	CHECK(mprotect(p + PAGES(1), PAGES(1), PROT_READ) == 0);
	CHECK(mprotect(p + PAGES(3), PAGES(1), PROT_NONE) == 0);
	CHECK(mprotect(p, PAGES(6), PROT_READ) == 0);
	EQ(map_lines(p, PAGES(6)), 1);
	for (int i = 0; i < 6; i++)
		CHECK(tap_write_fault(p + PAGES(i)).code == SEGV_ACCERR && p[PAGES(i)] == 0);
}

TEST(mprotect_errors)
{
	char *p = new_pages(3, RW);

	FAILS(syscall(SYS_mprotect, p + 1, PAGES(1), PROT_READ), EINVAL); /* musl would round */
	FAILS(mprotect(p, PAGES(1), 0x1000000), EINVAL);
	CHECK(mprotect(p, 0, PROT_READ) == 0);
	CHECK(munmap(p + PAGES(1), PAGES(1)) == 0);
	FAILS(mprotect(p, PAGES(3), PROT_READ), ENOMEM);
	CHECK(tap_write_fault(p).sig == SIGSEGV); /* what came before the hole is done */
	FAILS(mprotect((void *)0xffffffff80000000, PAGES(1), PROT_READ), ENOMEM);
}

TEST(mprotect_exec)
{
	char *p = new_pages(1, RW);

	p[0] = (char)0xc3;
	CHECK(tap_exec_fault(p).code == SEGV_ACCERR);
	CHECK(mprotect(p, PAGES(1), PROT_READ | PROT_EXEC) == 0);
	CHECK(tap_exec_fault(p).sig == 0);
	CHECK(tap_write_fault(p).code == SEGV_ACCERR);
}

/* The zero page that a read maps must not become writable with its mapping. */
TEST(mprotect_does_not_share_zeros)
{
	char *a = new_pages(1, PROT_READ), *b = new_pages(1, PROT_READ);

	CHECK(a[0] == 0 && b[0] == 0);
	CHECK(mprotect(a, PAGES(1), RW) == 0);
	a[0] = 9;
	CHECK(b[0] == 0 && a[0] == 9);
}

/* Nor must a page shared with a child after fork. */
TEST(mprotect_keeps_copy_on_write)
{
	char *p = new_pages(1, RW);
	int status;

	p[0] = 1;
	pid_t pid = fork();
	if (pid == 0) {
		if (mprotect(p, PAGES(1), PROT_READ) || mprotect(p, PAGES(1), RW))
			_exit(2);
		p[0] = 2;
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(p[0] == 1);
}
