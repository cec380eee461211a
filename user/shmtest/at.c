/* shmat and shmdt: addresses, protections, and who is attached. */
#include "shm.h"

TEST(at_is_zero_filled_and_shared)
{
	char *p, *q;
	int id = segment(3, &p);

	for (size_t i = 0; i < PAGES(3); i++)
		CHECK(p[i] == 0);
	q = shmat(id, NULL, 0);
	CHECK(q != NOWHERE && q != p);
	p[PAGES(2)] = 7;
	CHECK(q[PAGES(2)] == 7);
	q[1] = 9;
	CHECK(p[1] == 9);
}

TEST(at_survives_detach)
{
	int id = leave_it(PAGES(1));
	char *p = shmat(id, NULL, 0);

	CHECK(p != NOWHERE);
	mark(p, 0, 1);
	CHECK(shmdt(p) == 0);
	EQ(tap_read_fault(p).sig, SIGSEGV);
	EQ(stat_of(id).shm_nattch, 0);
	p = shmat(id, NULL, 0);
	CHECK(p != NOWHERE && marked(p, 0, 1));
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
}

TEST(at_address)
{
	char *hole = mmap(NULL, PAGES(16), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *p;
	int id = segment(2, &p);

	CHECK(hole != MAP_FAILED);
	FAILS(shmat(id, hole, 0), EINVAL); /* in use */
	FAILS(shmat(id, hole + 1, SHM_REMAP), EINVAL);
	FAILS(shmat(id, NULL, SHM_REMAP), EINVAL);
	CHECK(munmap(hole, PAGES(16)) == 0);
	FAILS(shmat(id, hole + 1, 0), EINVAL);
	CHECK(shmat(id, hole + PAGES(4) + 77, SHM_RND) == hole + PAGES(4));
	FAILS(shmat(id, hole + PAGES(5), 0), EINVAL);
	FAILS(shmat(id, hole + PAGES(3), 0), EINVAL);
	CHECK(shmat(id, hole + PAGES(6), 0) == hole + PAGES(6));
	hole[PAGES(4)] = 1;
	CHECK(hole[PAGES(6)] == 1);
	EQ(stat_of(id).shm_nattch, 3);
}

TEST(at_remap_replaces)
{
	char *old = mmap(NULL, PAGES(4), RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *p;
	int id = segment(2, &p);

	CHECK(old != MAP_FAILED);
	memset(old, 1, PAGES(4));
	CHECK(shmat(id, old + PAGES(1), SHM_REMAP) == old + PAGES(1));
	CHECK(old[0] == 1 && old[PAGES(1)] == 0 && old[PAGES(2)] == 0 && old[PAGES(3)] == 1);
	CHECK(shmat(id, old + PAGES(1), SHM_REMAP) == old + PAGES(1)); /* itself */
	EQ(stat_of(id).shm_nattch, 2);
}

TEST(at_read_only)
{
	char *p, *q;
	int id = segment(1, &p);
	struct tap_fault f;

	q = shmat(id, NULL, SHM_RDONLY);
	CHECK(q != NOWHERE);
	p[5] = 5;
	CHECK(q[5] == 5);
	f = tap_write_fault(q);
	CHECK(f.sig == SIGSEGV && f.code == SEGV_ACCERR && f.addr == q);
	FAILS(mprotect(q, PAGES(1), RW), EACCES);
	CHECK(tap_exec_fault(p).code == SEGV_ACCERR);
}

TEST(at_executable)
{
	int id = shmget(IPC_PRIVATE, PAGES(1), 0700);
	char *p, *q;

	CHECK(id >= 0);
	p = shmat(id, NULL, 0);
	q = shmat(id, NULL, SHM_RDONLY | SHM_EXEC);
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
	CHECK(p != NOWHERE && q != NOWHERE);
	memcpy(p, "\xb8\x2a\x00\x00\x00\xc3", 6); /* mov $42, %eax; ret */
	CHECK(((int (*)(void))q)() == 42);
}

TEST(dt_errors)
{
	char *p;

	segment(4, &p);
	FAILS(shmdt(p + PAGES(1)), EINVAL);
	FAILS(shmdt(p + 1), EINVAL);
	FAILS(shmdt(NULL), EINVAL);
	CHECK(shmdt(p) == 0);
	FAILS(shmdt(p), EINVAL);
}

TEST(dt_takes_all_pieces)
{
	char *p, *q;
	int id = segment(8, &p);

	q = shmat(id, NULL, 0);
	CHECK(q != NOWHERE);
	CHECK(mprotect(q + PAGES(2), PAGES(1), PROT_READ) == 0);
	CHECK(munmap(q + PAGES(5), PAGES(1)) == 0);
	EQ(stat_of(id).shm_nattch, 5);
	CHECK(mprotect(q + PAGES(2), PAGES(1), RW) == 0);
	/* As in 1999 the pieces become one again; Linux of today leaves them. */
	CHECK(stat_of(id).shm_nattch == 3 || stat_of(id).shm_nattch == 5);
	CHECK(munmap(q, PAGES(1)) == 0);
	CHECK(shmdt(q) == 0);
	EQ(stat_of(id).shm_nattch, 1);
	EQ(tap_read_fault(q + PAGES(7)).sig, SIGSEGV);
	CHECK(p[PAGES(7)] == 0);
}

static char *family;

static void write_as_child(void)
{
	CHECK(family[0] == 1);
	family[PAGES(1)] = 2;
}

TEST(fork_inherits_and_exit_detaches)
{
	int id = segment(2, &family);

	family[0] = 1;
	in_child(write_as_child, 0);
	CHECK(family[PAGES(1)] == 2);
	EQ(stat_of(id).shm_nattch, 1);
}

TEST(fork_counts)
{
	int id = segment(2, &family), ready[2], go[2], status;
	char c;

	CHECK(pipe(ready) == 0 && pipe(go) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(go[1]);
		(void)!write(ready[1], "r", 1);
		_exit(read(go[0], &c, 1) != 0);
	}
	CHECK(read(ready[0], &c, 1) == 1);
	EQ(stat_of(id).shm_nattch, 2);
	CHECK(close(go[1]) == 0 && waitpid(pid, &status, 0) == pid && status == 0);
	EQ(stat_of(id).shm_nattch, 1);
}

TEST(exec_detaches)
{
	int id = segment(2, &family), ready[2], status;
	char c;

	CHECK(pipe(ready) == 0);
	pid_t pid = fork();
	if (pid == 0) { /* this program again: it lists its cases and exits */
		dup2(ready[1], 1);
		execl("/proc/self/exe", "shmtest", "-l", NULL);
		_exit(1);
	}
	CHECK(read(ready[0], &c, 1) == 1);
	EQ(stat_of(id).shm_nattch, 1);
	close(ready[0]);
	CHECK(waitpid(pid, &status, 0) == pid);
}

TEST(mremap_moves_and_keeps)
{
	char *p, *q;
	int id = segment(6, &p);

	for (size_t i = 0; i < 6; i++)
		mark(p, i, 3);
	q = mremap(p, PAGES(6), PAGES(6), MREMAP_MAYMOVE | MREMAP_FIXED,
		   (char *)mmap(NULL, PAGES(6), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	CHECK(q != MAP_FAILED && q != p);
	for (size_t i = 0; i < 6; i++)
		CHECK(marked(q, i, 3));
	EQ(stat_of(id).shm_nattch, 1);
	CHECK(shmdt(q) == 0);
}

TEST(address_space_limit)
{
	struct rlimit r;
	int id = leave_it(64 << 20);

	CHECK(getrlimit(RLIMIT_AS, &r) == 0);
	r.rlim_cur = 48 << 20;
	CHECK(setrlimit(RLIMIT_AS, &r) == 0);
	FAILS(shmat(id, NULL, 0), ENOMEM);
	EQ(stat_of(id).shm_nattch, 0);
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
}

/* Locked for the future, an attach has all its pages at once. */
TEST(at_after_mlockall)
{
	unsigned char vec[8];
	char *p;

	if (mlockall(MCL_FUTURE) != 0)
		SKIP("no right to lock memory");
	segment(8, &p);
	CHECK(mincore(p, PAGES(8), vec) == 0);
	for (int i = 0; i < 8; i++)
		CHECK(vec[i] & 1);
}
