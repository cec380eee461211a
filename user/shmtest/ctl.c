/* shmctl: what it tells, and to whom. */
#include "shm.h"

TEST(stat_says_what_happened)
{
	int id = shmget(IPC_PRIVATE, 5000, 0640);
	time_t before = time(NULL);
	struct shmid_ds ds;
	char *p;

	CHECK(id >= 0);
	ds = stat_of(id);
	CHECK(ds.shm_segsz == 5000 && ds.shm_nattch == 0 && ds.shm_atime == 0 && ds.shm_dtime == 0);
	CHECK(ds.shm_cpid == getpid() && ds.shm_lpid == 0 && ds.shm_ctime >= before - 1);
	CHECK((ds.shm_perm.mode & 07777) == 0640 && ds.shm_perm.uid == geteuid() && ds.shm_perm.cgid == getegid());
	p = shmat(id, NULL, 0);
	CHECK(p != NOWHERE);
	ds = stat_of(id);
	CHECK(ds.shm_nattch == 1 && ds.shm_lpid == getpid() && ds.shm_atime >= before - 1 && ds.shm_dtime == 0);
	CHECK(shmdt(p) == 0);
	ds = stat_of(id);
	CHECK(ds.shm_nattch == 0 && ds.shm_dtime >= before - 1);
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
}

TEST(set_changes_the_mode_only_there)
{
	int id = leave_it(1);
	struct shmid_ds ds = stat_of(id);

	ds.shm_perm.mode = 07644;
	ds.shm_segsz = 1 << 20;
	CHECK(shmctl(id, IPC_SET, &ds) == 0);
	ds = stat_of(id);
	CHECK((ds.shm_perm.mode & 07777) == 0644 && ds.shm_segsz == 1);
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
}

TEST(ctl_errors)
{
	int id = leave_it(1);
	struct shmid_ds ds;

	FAILS(shmctl(id, 99, &ds), EINVAL);
	FAILS(shmctl(-1, IPC_STAT, &ds), EINVAL);
	FAILS(shmctl(id, IPC_STAT, (void *)8), EFAULT);
	FAILS(shmctl(id, IPC_SET, (void *)8), EFAULT);
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
	FAILS(shmctl(id, IPC_STAT, &ds), EINVAL);
}

TEST(info_counts_segments)
{
	struct shminfo limits;
	struct shm_info a, b;
	struct shmid_ds ds;
	int id = leave_it(PAGES(5)), last, found = 0;

	CHECK(shmctl(0, IPC_INFO, (struct shmid_ds *)&limits) >= 0);
	CHECK(limits.shmmin == 1 && limits.shmmax >= 1 << 25 && limits.shmmni >= 128 && limits.shmall > 0);
	CHECK(shmctl(0, SHM_INFO, (struct shmid_ds *)&a) >= 0);
	char *p = shmat(id, NULL, 0);
	CHECK(p != NOWHERE);
	memset(p, 1, PAGES(3));
	last = shmctl(0, SHM_INFO, (struct shmid_ds *)&b);
	CHECK(last >= 0 && b.used_ids >= 1 && b.shm_tot >= 5);
	for (int i = 0; i <= last; i++) {
		int got = shmctl(i, SHM_STAT, &ds);
		if (got == id) {
			found = 1;
			CHECK(ds.shm_segsz == PAGES(5) && ds.shm_nattch == 1);
			EQ(shmctl(i, SHM_STAT_ANY, &ds), id);
		}
	}
	CHECK(found);
	FAILS(shmctl(30000, SHM_STAT, &ds), EINVAL);
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
}

/* The line of a segment in /proc/sysvipc/shm. */
TEST(proc_sysvipc)
{
	char line[512];
	int key, found = 0, lines = 0, id = shmget(IPC_PRIVATE, 12345, 0604);
	unsigned mode;
	unsigned long size;
	char *p = shmat(id, NULL, 0);
	FILE *f = fopen("/proc/sysvipc/shm", "r");

	if (!f) {
		CHECK(shmctl(id, IPC_RMID, NULL) == 0);
		SKIP("no /proc/sysvipc here");
	}
	CHECK(id >= 0 && p != NOWHERE);
	memset(p, 1, 5000);
	while (fgets(line, sizeof line, f)) {
		int got, cpid, lpid, nattch, n;
		unsigned long rss, swap;
		if (lines++ == 0) {
			CHECK(strstr(line, "key      shmid perms                  size  cpid  lpid nattch"));
			continue;
		}
		n = sscanf(line, "%d %d %o %lu %d %d %d %*d %*d %*d %*d %*d %*d %*d %lu %lu", &key, &got, &mode, &size,
			   &cpid, &lpid, &nattch, &rss, &swap);
		CHECK(n == 9);
		if (got != id)
			continue;
		found++;
		CHECK(key == 0 && mode == 0604 && size == 12345 && cpid == getpid() && lpid == getpid());
		CHECK(nattch == 1 && rss == 8192 && swap == 0);
	}
	EQ(found, 1);
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
}

static long number(const char *file)
{
	FILE *f = fopen(file, "r");
	unsigned long v;

	CHECK(f && fscanf(f, "%lu", &v) == 1);
	fclose(f);
	return (long)v;
}

TEST(proc_limits)
{
	struct shminfo limits;

	CHECK(shmctl(0, IPC_INFO, (struct shmid_ds *)&limits) >= 0);
	EQ(number("/proc/sys/kernel/shmmax"), (long)limits.shmmax);
	EQ(number("/proc/sys/kernel/shmall"), (long)limits.shmall);
	EQ(number("/proc/sys/kernel/shmmni"), (long)limits.shmmni);
}

static int theirs;
static key_t their_key;

static void not_allowed(void)
{
	struct shmid_ds ds = {0};

	FAILS(shmat(theirs, NULL, 0), EACCES);
	FAILS(shmat(theirs, NULL, SHM_RDONLY), EACCES);
	FAILS(shmctl(theirs, IPC_STAT, &ds), EACCES);
	FAILS(shmctl(theirs, IPC_SET, &ds), EPERM);
	FAILS(shmctl(theirs, IPC_RMID, NULL), EPERM);
	FAILS(shmctl(theirs, SHM_LOCK, NULL), EPERM);
	FAILS(shmctl(theirs, SHM_UNLOCK, NULL), EPERM);
	FAILS(shmget(their_key, 0, 0600), EACCES);
	EQ(shmget(their_key, 0, 0), theirs);
}

static void may_read(void)
{
	struct shmid_ds ds;

	FAILS(shmat(theirs, NULL, 0), EACCES);
	FAILS(shmat(theirs, NULL, SHM_RDONLY | SHM_EXEC), EACCES);
	CHECK(shmat(theirs, NULL, SHM_RDONLY) != NOWHERE);
	CHECK(shmctl(theirs, IPC_STAT, &ds) == 0);
	EQ(shmget(their_key, 0, 0444), theirs);
}

static void may_do_all(void)
{
	CHECK(shmat(theirs, NULL, 0) != NOWHERE);
	CHECK(shmctl(theirs, IPC_RMID, NULL) == 0);
}

TEST(permissions)
{
	struct shmid_ds ds;

	if (geteuid() != 0)
		SKIP("only root can become somebody else");
	their_key = unused_key();
	theirs = shmget(their_key, 1, IPC_CREAT | 0600);
	CHECK(theirs >= 0);
	in_child(not_allowed, 1);
	ds = stat_of(theirs);
	ds.shm_perm.mode = 0644;
	CHECK(shmctl(theirs, IPC_SET, &ds) == 0);
	in_child(may_read, 1);
	ds.shm_perm.uid = 65534; /* a new owner */
	CHECK(shmctl(theirs, IPC_SET, &ds) == 0);
	in_child(may_do_all, 1);
	FAILS(shmctl(theirs, IPC_STAT, &ds), EINVAL);
}

static void lock_within_the_limit(void)
{
	struct rlimit r = {PAGES(4), PAGES(4)};
	int a, b;

	CHECK(setrlimit(RLIMIT_MEMLOCK, &r) == 0);
	a = leave_it(PAGES(3));
	b = leave_it(PAGES(2));
	CHECK(shmctl(a, SHM_LOCK, NULL) == 0);
	CHECK(stat_of(a).shm_perm.mode & SHM_LOCKED);
	CHECK(shmctl(a, SHM_LOCK, NULL) == 0); /* 2.3: EINVAL */
	FAILS(shmctl(b, SHM_LOCK, NULL), ENOMEM);
	CHECK(shmctl(a, SHM_UNLOCK, NULL) == 0);
	CHECK(!(stat_of(a).shm_perm.mode & SHM_LOCKED));
	CHECK(shmctl(b, SHM_LOCK, NULL) == 0);
	CHECK(shmctl(b, IPC_RMID, NULL) == 0); /* gives the lock back */
	CHECK(shmctl(a, SHM_LOCK, NULL) == 0);
	CHECK(shmctl(a, IPC_RMID, NULL) == 0);
}

static void may_not_lock(void)
{
	struct rlimit r = {0, 0};
	int id = leave_it(1);

	CHECK(setrlimit(RLIMIT_MEMLOCK, &r) == 0);
	FAILS(shmctl(id, SHM_LOCK, NULL), EPERM);
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
}

TEST(lock_limits)
{
	if (geteuid() != 0)
		SKIP("only root can become somebody else");
	in_child(lock_within_the_limit, 1);
	in_child(may_not_lock, 1);
}
