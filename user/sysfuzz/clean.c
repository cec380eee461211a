/* What the fuzzers leave behind that outlives its makers: files and shared memory. */
#define _GNU_SOURCE
#include "sysfuzz.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/shm.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <unistd.h>

static int removes(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	if (at->level == 0)
		return 0;
	if ((type == FTW_DP ? rmdir(path) : unlink(path)) != 0)
		perror(path);
	return 0;
}

/* renew_swap empties the swap area: pages that this program shared with its children may have a place there. */
void renew_swap(void)
{
	char text[4096], *line, *end;
	int fd = open("/proc/swaps", O_RDONLY);
	ssize_t n = read(fd, text, sizeof text - 1);

	close(fd);
	text[n > 0 ? n : 0] = 0;
	line = strchr(text, '\n');
	if (!line || !(end = strchr(line, ' ')))
		return;
	*end = 0;
	if (swapoff(line + 1) || swapon(line + 1, 0))
		perror(line + 1);
}

void clean(void)
{
	struct shmid_ds d;
	struct shm_info info;

	nftw("/tmp", removes, 8, FTW_DEPTH | FTW_PHYS);
	nftw("/dev/shm", removes, 8, FTW_DEPTH | FTW_PHYS);
	for (int i = 0, last = shmctl(0, SHM_INFO, (struct shmid_ds *)&info); i <= last; i++) {
		int id = shmctl(i, SHM_STAT, &d);
		if (id >= 0)
			shmctl(id, IPC_RMID, NULL);
	}
}
