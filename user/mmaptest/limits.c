#include "mm.h"

TEST(limit_address_space)
{
	char *p;

	set_limit(RLIMIT_AS, (rlim_t)256 << 20);
	FAILS(mmap(NULL, (size_t)512 << 20, RW, ANON, -1, 0), ENOMEM);
	p = mmap(NULL, (size_t)64 << 20, RW, ANON, -1, 0);
	CHECK(p != MAP_FAILED);
	FAILS(mremap(p, (size_t)64 << 20, (size_t)512 << 20, MREMAP_MAYMOVE), ENOMEM);
	CHECK(munmap(p, (size_t)64 << 20) == 0);
	p = mmap(NULL, (size_t)64 << 20, RW, ANON, -1, 0);
	CHECK(p != MAP_FAILED);
}

TEST(limit_data)
{
	set_limit(RLIMIT_DATA, (rlim_t)8 << 20);
	FAILS(mmap(NULL, (size_t)64 << 20, RW, ANON, -1, 0), ENOMEM);
	CHECK(mmap(NULL, (size_t)64 << 20, PROT_READ, ANON, -1, 0) != MAP_FAILED);
}

TEST(limit_get_and_set)
{
	struct rlimit r = {100, 50}, now;

	FAILS(setrlimit(RLIMIT_NOFILE, &r), EINVAL);
	FAILS(getrlimit(99, &r), EINVAL);
	r = (struct rlimit){50, 60};
	CHECK(setrlimit(RLIMIT_NOFILE, &r) == 0 && getrlimit(RLIMIT_NOFILE, &now) == 0);
	CHECK(now.rlim_cur == 50 && now.rlim_max == 60);
	int status;
	pid_t pid = fork();
	if (pid == 0)
		_exit(getrlimit(RLIMIT_NOFILE, &now) == 0 && now.rlim_cur == 50 ? 0 : 1);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

TEST(limit_stack_growth)
{
	/* The stack grows by far accesses too, within its limit and no further. */
	char *sp = __builtin_frame_address(0);

	set_limit(RLIMIT_STACK, (rlim_t)2 << 20);
	CHECK(tap_write_fault(sp - (1 << 20)).sig == 0);
	struct tap_fault f = tap_write_fault(sp - (3 << 20));
	CHECK(f.sig == SIGSEGV && f.code == SEGV_MAPERR && f.addr == sp - (3 << 20));
	/* ... by the kernel on the program's behalf as well. */
	int fd[2];
	CHECK(pipe(fd) == 0 && write(fd[1], "abcd", 4) == 4);
	CHECK(read(fd[0], sp - (1 << 20) - PAGES(64), 4) == 4);
	CHECK(write(fd[1], "abcd", 4) == 4);
	FAILS(read(fd[0], sp - (3 << 20), 4), EFAULT);
}
