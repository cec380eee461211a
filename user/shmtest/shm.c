#include "shm.h"

int segment(size_t n, char **p)
{
	int id = leave_it(PAGES(n));

	*p = shmat(id, NULL, 0);
	CHECK(*p != NOWHERE);
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
	return id;
}

int leave_it(size_t bytes)
{
	int id = shmget(IPC_PRIVATE, bytes, 0600);

	CHECK(id >= 0);
	return id;
}

key_t unused_key(void)
{
	key_t key = getpid() * 4099 + 17;

	while (shmget(key, 0, 0) >= 0)
		key++;
	CHECK(errno == ENOENT);
	return key;
}

struct shmid_ds stat_of(int id)
{
	struct shmid_ds ds;

	memset(&ds, 0x5a, sizeof ds);
	CHECK(shmctl(id, IPC_STAT, &ds) == 0);
	return ds;
}

void in_child(void (*f)(void), int nobody)
{
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		if (nobody)
			CHECK(setgid(65534) == 0 && setuid(65534) == 0);
		f();
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

void mark(char *p, size_t i, uint64_t salt)
{
	uint64_t v = (i + 1) * 0x9e3779b97f4a7c15UL ^ salt;

	*(uint64_t *)(p + PAGES(i)) = v;
	*(uint64_t *)(p + PAGES(i) + 4088) = v + 1;
}

int marked(const char *p, size_t i, uint64_t salt)
{
	uint64_t v = (i + 1) * 0x9e3779b97f4a7c15UL ^ salt;

	return *(uint64_t *)(p + PAGES(i)) == v && *(uint64_t *)(p + PAGES(i) + 4088) == v + 1;
}
