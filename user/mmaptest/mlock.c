#include "mm.h"

static long locked_kb(void) { return tap_field("/proc/self/status", "VmLck"); }

TEST(mlock_counts)
{
	char *p = new_pages(8, RW);
	unsigned char vec[8];

	EQ(locked_kb(), 0);
	CHECK(mlock(p, PAGES(8)) == 0);
	EQ(locked_kb(), 32);
	CHECK(mincore(p, PAGES(8), vec) == 0);
	for (int i = 0; i < 8; i++)
		CHECK(vec[i] & 1);
	CHECK(munlock(p + PAGES(2), PAGES(2)) == 0);
	EQ(locked_kb(), 24);
	CHECK(mlock(p, PAGES(4)) == 0); /* locks do not nest */
	EQ(locked_kb(), 32);
	CHECK(munmap(p, PAGES(6)) == 0);
	EQ(locked_kb(), 8);
	CHECK(munlock(p + PAGES(6), PAGES(2)) == 0);
	EQ(locked_kb(), 0);
}

/* piece locks pages [from, to) of six: the four shapes of a split. */
static void piece(int from, int to, int lines)
{
	char *p = new_pages(8, PROT_NONE) + PAGES(1);

	CHECK(mprotect(p, PAGES(6), RW) == 0);
	fill(p, 6);
	CHECK(mlock(p + PAGES(from), PAGES(to - from)) == 0);
	EQ(map_lines(p, PAGES(6)), lines);
	EQ(locked_kb(), 4 * (to - from));
	CHECK(munlock(p, PAGES(6)) == 0);
	EQ(map_lines(p, PAGES(6)), 1);
	EQ(locked_kb(), 0);
	for (int i = 0; i < 6; i++)
		CHECK(filled(p + PAGES(i), i));
}

TEST(mlock_all) { piece(0, 6, 1); }
TEST(mlock_start) { piece(0, 2, 2); }
TEST(mlock_end) { piece(4, 6, 2); }
TEST(mlock_middle) { piece(2, 4, 3); }

TEST(mlock_errors)
{
	char *p = new_pages(3, RW);

	CHECK(munmap(p + PAGES(1), PAGES(1)) == 0);
	FAILS(mlock(p, PAGES(3)), ENOMEM);
	FAILS(munlock(p, PAGES(3)), ENOMEM);
	FAILS(mlock(p, (size_t)-4096), EINVAL);
	CHECK(mlock(p, 0) == 0);
	CHECK(mlock(p + 100, 1) == 0); /* rounded out to the page */
}

/* Root is not held to the limit: give up that privilege first. */
static void as_nobody(void)
{
	if (setuid(65534) != 0)
		SKIP("setuid");
}

TEST(mlock_limit)
{
	char *p = new_pages(8, RW);

	set_limit(RLIMIT_MEMLOCK, PAGES(4));
	as_nobody();
	FAILS(mlock(p, PAGES(5)), ENOMEM);
	CHECK(mlock(p, PAGES(4)) == 0);
	FAILS(mlock(p + PAGES(4), PAGES(1)), ENOMEM);
	CHECK(munlock(p, PAGES(2)) == 0);
	CHECK(mlock(p + PAGES(4), PAGES(1)) == 0);
	FAILS(mlockall(MCL_CURRENT), ENOMEM);
}

TEST(mlock_without_permission)
{
	char *p = new_pages(1, RW);

	set_limit(RLIMIT_MEMLOCK, 0);
	as_nobody();
	FAILS(mlock(p, PAGES(1)), EPERM);
	FAILS(mlockall(MCL_CURRENT), EPERM);
}

TEST(mlockall_now_and_then)
{
	unsigned char vec[4];
	long before;
	char *p;

	set_limit(RLIMIT_MEMLOCK, 64 << 20);
	CHECK(mlockall(MCL_CURRENT) == 0);
	before = locked_kb();
	CHECK(before > 0);
	p = new_pages(4, RW);
	EQ(locked_kb(), before);
	CHECK(munmap(p, PAGES(4)) == 0);
	CHECK(mlockall(MCL_FUTURE) == 0);
	p = new_pages(4, RW);
	CHECK(mincore(p, PAGES(4), vec) == 0 && (vec[0] & vec[3] & 1));
	CHECK(munlockall() == 0);
	EQ(locked_kb(), 0);
	FAILS(mlockall(0), EINVAL);
	FAILS(mlockall(64), EINVAL);
}

TEST(mlock_is_not_inherited)
{
	char *p = new_pages(2, RW);
	int status;

	CHECK(mlock(p, PAGES(2)) == 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(locked_kb() == 0 ? 0 : 1);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	EQ(locked_kb(), 8);
}
