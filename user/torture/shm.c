/* A segment of System V memory: attached here and in children, removed while it is
 * attached, swapped like anything else. */
#define _GNU_SOURCE
#include "torture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 128, KEY = 0x70727400, PLACES = 16 };

static char *const base = (char *)0x300000000000, *const again = (char *)0x310000000000;
static int id = -1, removed, locked, second; /* second: attached twice */
static unsigned size;
static key_t key;
static uint64_t holds[MOST];

static uint64_t *at(char *map, unsigned i)
{
	return (uint64_t *)(map + i * PAGE + PAGE / 2);
}

static int check(char *map, unsigned i)
{
	if (*at(map, i) == holds[i])
		return 0;
	fprintf(stderr, "torture: page %u of a segment holds %#lx, should hold %#lx\n", i, *at(map, i), holds[i]);
	return -1;
}

static int begin(void)
{
	size = 1 + rnd(MOST);
	id = shmget(key, size * PAGE, IPC_CREAT | IPC_EXCL | 0600);
	if (id < 0)
		return errno == ENOMEM || errno == ENOSPC ? 0 : wrong("shmget", size);
	if (shmat(id, base, 0) != base)
		return wrong("shmat", size);
	memset(holds, 0, sizeof holds);
	removed = second = locked = 0;
	return 0;
}

static int end(void)
{
	if (shmdt(base) || (second && shmdt(again)))
		return wrong("shmdt", size);
	if (!removed && shmctl(id, IPC_RMID, NULL))
		return wrong("IPC_RMID", size);
	if (shmctl(id, IPC_STAT, &(struct shmid_ds){0}) == 0)
		return wrong("a removed segment is there", size);
	id = -1;
	return 0;
}

static int attach_again(void)
{
	int flags = rnd(2) ? SHM_RDONLY : 0;

	if (second ? shmdt(again) != 0 : shmat(id, again, flags) != again && !(removed && errno == EINVAL))
		return wrong("the second attach", size);
	second = !second;
	return 0;
}

static int count_attaches(void)
{
	struct shmid_ds d;

	if (shmctl(id, IPC_STAT, &d))
		return wrong("IPC_STAT", size);
	return (int)d.shm_nattch == 1 + second ? 0 : wrong("shm_nattch", (unsigned)d.shm_nattch);
}

/* a child attaches it too, and writes; who waits for it finds that */
static int child_writes(void)
{
	unsigned i = rnd(size);
	uint64_t value = ++serial;
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return errno == ENOMEM || errno == EAGAIN ? 0 : wrong("fork", i);
	if (pid == 0) {
		if (second && shmdt(again))
			_exit(2);
		if (!removed && shmat(id, again, 0) != again)
			_exit(3);
		*at(removed ? base : again, i) = value;
		_exit(size > 1 && check(base, (i + 1) % size)); /* of one page there is no other */
	}
	if (waitpid(pid, &status, 0) != pid)
		return wrong("waitpid", i);
	if (WIFEXITED(status)) {
		holds[i] = value;
		return WEXITSTATUS(status) ? wrong("a child that attached a segment", (unsigned)status) : 0;
	}
	holds[i] = *at(base, i); /* it was killed, before or after */
	return 0;
}

int shm_step(void)
{
	if (id < 0)
		return rnd(4) ? 0 : begin();
	switch (rnd(24)) {
	case 0:
		return end();
	case 1: case 2:
		return removed ? 0 : attach_again();
	case 3:
		removed = 1;
		return shmctl(id, IPC_RMID, NULL) ? wrong("IPC_RMID", size) : 0;
	case 4: case 5:
		return count_attaches();
	case 6:
		return child_writes();
	case 7:
		locked = !locked;
		return shmctl(id, locked ? SHM_LOCK : SHM_UNLOCK, NULL) ? wrong("SHM_LOCK", size) : 0;
	}
	for (unsigned i = rnd(size), n = rnd(32); n && i < size; n--, i++) {
		if (check(rnd(2) && second ? again : base, i))
			return -1;
		if (rnd(2))
			*at(base, i) = holds[i] = ++serial;
	}
	return 0;
}

int shm_look(void)
{
	for (unsigned i = 0; id >= 0 && i < size; i += 1 + rnd(8))
		if (check(base, i))
			return -1;
	return 0;
}

/* drop removes the segment of a key, if there is one. */
static void drop(key_t k)
{
	int old = shmget(k, 0, 0);

	if (old >= 0)
		shmctl(old, IPC_RMID, NULL);
}

int shm_start(unsigned place)
{
	key = (key_t)(KEY + place);
	drop(key);
	return 0;
}

void shm_cleanup(void)
{
	for (unsigned i = 0; i < PLACES; i++)
		drop((key_t)(KEY + i));
}
