/* shmget, and how long a segment and its key live. */
#include "shm.h"

TEST(get_private_is_always_new)
{
	int a = leave_it(100), b = leave_it(100);

	CHECK(a != b);
	CHECK(shmctl(a, IPC_RMID, NULL) == 0 && shmctl(b, IPC_RMID, NULL) == 0);
}

TEST(get_by_key)
{
	key_t key = unused_key();
	int id = shmget(key, 5000, IPC_CREAT | 0600);

	CHECK(id >= 0);
	EQ(shmget(key, 0, 0), id);
	EQ(shmget(key, 5000, IPC_CREAT | 0600), id);
	FAILS(shmget(key, 5000, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
	FAILS(shmget(key, 5001, 0), EINVAL);
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
	FAILS(shmget(key, 0, 0), ENOENT);
}

TEST(get_errors)
{
	key_t key = unused_key();

	FAILS(shmget(key, 4096, 0600), ENOENT);
	FAILS(shmget(key, 0, IPC_CREAT | 0600), EINVAL);
	FAILS(shmget(IPC_PRIVATE, 0, 0600), EINVAL);
	FAILS(shmget(IPC_PRIVATE, -1, 0600), EINVAL);
}

TEST(removed_ids_are_dead)
{
	int id = leave_it(1);

	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
	FAILS(shmctl(id, IPC_RMID, NULL), EINVAL);
	FAILS(shmat(id, NULL, 0), EINVAL);
	FAILS(shmat(-1, NULL, 0), EINVAL);
	FAILS(shmat(1 << 30, NULL, 0), EINVAL);
}

/* The key goes at once, the memory with the last detach. */
TEST(rmid_waits_for_the_last_detach)
{
	key_t key = unused_key();
	int id = shmget(key, PAGES(2), IPC_CREAT | 0600), other;
	char *p, *q;

	CHECK(id >= 0);
	p = shmat(id, NULL, 0);
	CHECK(p != NOWHERE);
	strcpy(p, "old");
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
	CHECK(stat_of(id).shm_perm.mode & SHM_DEST);
	q = shmat(id, NULL, 0); /* Linux lets it be attached by its number */
	CHECK(q != NOWHERE && !strcmp(q, "old"));
	other = shmget(key, PAGES(2), IPC_CREAT | IPC_EXCL | 0600);
	CHECK(other >= 0 && other != id);
	CHECK(shmdt(p) == 0 && !strcmp(q, "old"));
	CHECK(shmdt(q) == 0);
	CHECK(shmctl(id, IPC_STAT, &(struct shmid_ds){0}) == -1 && (errno == EINVAL || errno == EIDRM));
	CHECK(shmctl(other, IPC_RMID, NULL) == 0);
}

TEST(many_segments)
{
	enum { N = 150 };
	int id[N];

	for (int i = 0; i < N; i++) {
		id[i] = leave_it(1);
		char *p = shmat(id[i], NULL, 0);
		CHECK(p != NOWHERE);
		mark(p, 0, i);
		CHECK(shmdt(p) == 0);
	}
	for (int i = 0; i < N; i++) {
		char *p = shmat(id[i], NULL, SHM_RDONLY);
		CHECK(p != NOWHERE && marked(p, 0, i) && shmdt(p) == 0);
		CHECK(shmctl(id[i], IPC_RMID, NULL) == 0);
	}
}
