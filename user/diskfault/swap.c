/* A swap disk with slots that cannot be written, and some that can be written but not read. */
#define _GNU_SOURCE
#include "diskfault.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/swap.h>

enum { PAGES = 4800, WORKERS = 3 };

static const char swap_disk[] = "/dev/vda";

/* swaps is a column of the disk's line in /proc/swaps: 2 its size, 3 what is used, in KiB. */
static long swaps(int column)
{
	char line[256], name[64], kind[32];
	long size = -1, used = -1;
	FILE *f = fopen("/proc/swaps", "r");

	CHECK(f != NULL);
	while (fgets(line, sizeof line, f))
		if (strncmp(line, swap_disk, strlen(swap_disk)) == 0)
			EQ(sscanf(line, "%63s %31s %ld %ld", name, kind, &size, &used), 4);
	fclose(f);
	return column == 2 ? size : used;
}

static char *anonymous(size_t pages, uint64_t tag)
{
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	for (size_t i = 0; i < pages; i++)
		tagged(p + i * PAGE, tag, i);
	return p;
}

/* worker looks at pages of its own, and writes to them, through swap; those that are lost it
 * makes anew. It returns how many. It begins when all workers have their pages, and have closed
 * the pipe: one after the other they would do without swap. */
static int worker(uint64_t tag, const int all[2])
{
	char *p = anonymous(PAGES / WORKERS, tag), nothing;
	int lost = 0;

	close(all[1]);
	EQ(read(all[0], &nothing, 1), 0);
	for (int round = 0; round < 4; round++)
		for (size_t i = 0; i < PAGES / WORKERS; i++) {
			char *page = p + i * PAGE;

			if (!try_page(page, tag, i)) {
				lost++;
				CHECK(mmap(page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page);
				tagged(page, tag, i);
			} else if (i % 3 == 0) {
				tagged(page, tag, i);
			}
		}
	munmap(p, PAGES / WORKERS * PAGE);
	return lost;
}

/* Bad slots are retired, and are no part of the area's size then; a page that cannot be read is
 * lost to the one who needs it; all else is right. */
TEST(swap_errors)
{
	long size = swaps(2), failed = vmstat("swap_write_error"), unread = vmstat("swap_read_error");
	int pid[WORKERS], all[2], status, lost = 0;

	steady();
	EQ(pipe(all), 0);
	for (int i = 0; i < WORKERS; i++) {
		pid[i] = fork();
		CHECK(pid[i] >= 0);
		if (pid[i] == 0) {
			steady();
			int n = worker((uint64_t)i + 10, all);

			_exit(2 + (n > 200 ? 200 : n)); /* 1 is a CHECK's */
		}
	}
	close(all[0]);
	close(all[1]);
	for (int i = 0; i < WORKERS; i++) {
		CHECK(waitpid(pid[i], &status, 0) == pid[i]);
		if (!WIFEXITED(status) || WEXITSTATUS(status) < 2)
			printf("# worker %d ended with status %#x\n", i, status);
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) >= 2);
		lost += WEXITSTATUS(status) - 2;
	}
	failed = vmstat("swap_write_error") - failed;
	unread = vmstat("swap_read_error") - unread;
	printf("# %ld slots retired, %d pages lost, %ld reads failed, %ld and %ld pages tried again\n", failed, lost, unread,
	       vmstat("swap_write_retry"), vmstat("swap_read_retry"));
	CHECK(failed > 0);
	CHECK(failed <= 100); /* as many as there are */
	CHECK(lost > 0);
	CHECK(unread >= lost);
	EQ(size - swaps(2), failed * (PAGE / 1024));
	CHECK(swaps(3) <= swaps(2));
	whole();
}

/* Swapoff with pages that cannot be read: it fails, and the area stays; without them, all is well. */
TEST(swapoff_with_lost_page)
{
	char *p;
	int lost = 0;

	steady();
	p = anonymous(PAGES, 7);
	/* a page that cannot be read may come first, or the one that does not fit */
	CHECK(swapoff(swap_disk) == -1 && (errno == EIO || errno == ENOMEM));
	CHECK(swaps(2) > 0);
	for (size_t i = 0; i < PAGES; i++)
		if (!try_page(p + i * PAGE, 7, i))
			lost++;
	CHECK(lost > 0);
	munmap(p, PAGES * PAGE);
	EQ(swapoff(swap_disk), 0);
	EQ(swaps(2), -1);
	EQ(swapon(swap_disk, 0), 0);
	EQ(swaps(3), 0);
	p = anonymous(PAGES, 8);
	for (size_t i = 0; i < PAGES; i++)
		try_page(p + i * PAGE, 8, i);
	munmap(p, PAGES * PAGE);
	whole();
}
