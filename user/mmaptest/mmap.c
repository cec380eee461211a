#include "mm.h"

TEST(mmap_is_zero_filled)
{
	char *p = new_pages(8, RW);

	for (size_t i = 0; i < PAGES(8); i++)
		CHECK(p[i] == 0);
	fill(p, 8);
	for (size_t i = 0; i < 8; i++)
		CHECK(filled(p + PAGES(i), i));
}

TEST(mmap_read_before_write)
{
	char *p = new_pages(4, RW);

	CHECK(p[0] == 0 && p[PAGES(3)] == 0);
	p[0] = 1;
	CHECK(p[0] == 1 && p[1] == 0 && p[PAGES(1)] == 0);
}

TEST(mmap_rounds_length_up)
{
	char *p = mmap(NULL, 1, RW, ANON, -1, 0);

	CHECK(p != MAP_FAILED);
	p[4095] = 1;
	CHECK(munmap(p, 1) == 0 && !mapped(p));
}

TEST(mmap_errors)
{
	char *p = new_pages(1, RW);

	FAILS(mmap(NULL, 0, RW, ANON, -1, 0), EINVAL);
	FAILS(mmap(NULL, PAGES(1), RW, MAP_ANONYMOUS, -1, 0), EINVAL);
	FAILS(mmap(p + 1, PAGES(1), RW, ANON | MAP_FIXED, -1, 0), EINVAL);
	FAILS(syscall(SYS_mmap, NULL, PAGES(1), RW, ANON, -1, 1L), EINVAL);
	FAILS(mmap(NULL, (size_t)1 << 60, RW, ANON, -1, 0), ENOMEM);
	FAILS(syscall(SYS_mmap, NULL, -1L, RW, ANON, -1, 0L), ENOMEM);
	FAILS(mmap(NULL, PAGES(1), RW, MAP_PRIVATE, -1, 0), EBADF);
	FAILS(mmap(NULL, PAGES(1), RW, MAP_PRIVATE, 999, 0), EBADF);
	FAILS(mmap((void *)0x7ffffffff000, PAGES(1), RW, ANON | MAP_FIXED, -1, 0), ENOMEM);
	FAILS(mmap((void *)0xffffffff80000000, PAGES(1), RW, ANON | MAP_FIXED, -1, 0), ENOMEM);
}

TEST(mmap_hint_is_taken)
{
	char *p = new_pages(16, RW);

	CHECK(munmap(p, PAGES(16)) == 0);
	CHECK(mmap(p + PAGES(4), PAGES(1), RW, ANON, -1, 0) == p + PAGES(4));
	char *q = mmap(p + PAGES(4), PAGES(1), RW, ANON, -1, 0); /* taken: elsewhere */
	CHECK(q != MAP_FAILED && q != p + PAGES(4));
	q = mmap(p + PAGES(8) + 123, PAGES(1), RW, ANON, -1, 0); /* rounded */
	CHECK(q != MAP_FAILED && (uintptr_t)q % 4096 == 0);
}

TEST(mmap_fixed_replaces)
{
	char *p = new_pages(5, RW);

	fill(p, 5);
	CHECK(mmap(p + PAGES(1), PAGES(3), RW, ANON | MAP_FIXED, -1, 0) == p + PAGES(1));
	CHECK(filled(p, 0) && filled(p + PAGES(4), 4));
	for (size_t i = PAGES(1); i < PAGES(4); i++)
		CHECK(p[i] == 0);
}

TEST(mmap_fixed_noreplace)
{
	char *p = new_pages(3, RW);

	FAILS(mmap(p, PAGES(3), RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
	FAILS(mmap(p - PAGES(1), PAGES(2), RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
	CHECK(munmap(p + PAGES(1), PAGES(1)) == 0);
	CHECK(mmap(p + PAGES(1), PAGES(1), RW, ANON | MAP_FIXED_NOREPLACE, -1, 0) == p + PAGES(1));
}

TEST(mmap_populate)
{
	unsigned char vec[8];
	char *p = mmap(NULL, PAGES(8), RW, ANON | MAP_POPULATE, -1, 0);

	CHECK(p != MAP_FAILED && mincore(p, PAGES(8), vec) == 0);
	for (int i = 0; i < 8; i++)
		CHECK(vec[i] & 1);
}

TEST(mmap_noreserve_is_lazy)
{
	size_t size = (size_t)1 << 36; /* 64 GiB of addresses */
	char *p = mmap(NULL, size, RW, ANON | MAP_NORESERVE, -1, 0);

	CHECK(p != MAP_FAILED);
	for (size_t at = 0; at < size; at += size / 16)
		p[at] = (char)(at >> 32) + 1;
	for (size_t at = 0; at < size; at += size / 16)
		CHECK(p[at] == (char)(at >> 32) + 1);
	CHECK(munmap(p, size) == 0);
}

TEST(mmap_protections)
{
	char *none = new_pages(1, PROT_NONE), *ro = new_pages(1, PROT_READ);
	struct tap_fault f;

	f = tap_read_fault(none);
	CHECK(f.sig == SIGSEGV && f.code == SEGV_ACCERR && f.addr == none);
	CHECK(tap_read_fault(ro).sig == 0);
	f = tap_write_fault(ro + 77);
	CHECK(f.sig == SIGSEGV && f.code == SEGV_ACCERR && f.addr == ro + 77);
	CHECK(tap_exec_fault(ro).code == SEGV_ACCERR);
}

TEST(mmap_executable)
{
	char *p = new_pages(1, RW | PROT_EXEC);

	memcpy(p, "\xb8\x2a\x00\x00\x00\xc3", 6); /* mov $42, %eax; ret */
	CHECK(((int (*)(void))p)() == 42);
}

TEST(mmap_merges_neighbours)
{
	char *p = new_pages(3, PROT_NONE);

	CHECK(mprotect(p, PAGES(1), RW) == 0);
	CHECK(mprotect(p + PAGES(2), PAGES(1), RW) == 0);
	CHECK(map_lines(p, PAGES(3)) == 3);
	CHECK(mprotect(p + PAGES(1), PAGES(1), RW) == 0);
	CHECK(map_lines(p, PAGES(3)) == 1);
}

TEST(mmap_shared_anonymous_is_shared)
{
	int status;
	volatile int *p = mmap(NULL, PAGES(2), RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	p[0] = 1;
	pid_t pid = fork();
	if (pid == 0) {
		p[0]++;
		p[1024] = 5;
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(p[0] == 2 && p[1024] == 5);
}

TEST(mmap_growsdown)
{
	/* A stack of one page under a hole: it grows by the faults of this thread's
	 * accesses near its start, but never into the guard gap of what lies below. */
	char *p = new_pages(1024, PROT_NONE);
	char *top = p + PAGES(1000);

	CHECK(mprotect(p, PAGES(1), RW) == 0);
	CHECK(munmap(p + PAGES(1), PAGES(999)) == 0);
	CHECK(mmap(top, PAGES(1), RW, ANON | MAP_FIXED | MAP_GROWSDOWN, -1, 0) == top);
	top[0] = 1;
	for (int i = 1; i < 40; i++) {
		char *at = top - PAGES(i);
		*at = (char)i;
		CHECK(*at == (char)i);
	}
	CHECK(map_lines(top - PAGES(39), PAGES(40)) == 1);
	CHECK(top[0] == 1);
	CHECK(tap_write_fault(p + PAGES(2)).sig == SIGSEGV); /* in the gap */
}

TEST(mmap_many)
{
	enum { N = 500 };
	static char *at[N];

	for (int i = 0; i < N; i++) {
		at[i] = mmap(NULL, PAGES(2), i & 1 ? RW : PROT_READ, ANON, -1, 0);
		CHECK(at[i] != MAP_FAILED);
	}
	for (int i = 0; i < N; i += 2)
		CHECK(munmap(at[i], PAGES(2)) == 0);
	for (int i = 1; i < N; i += 2) {
		at[i][0] = (char)i;
		CHECK(!mapped(at[i - 1]));
	}
	for (int i = 1; i < N; i += 2)
		CHECK(at[i][0] == (char)i);
}
