/* Disks that take their time: everything is right in the end. */
#define _GNU_SOURCE
#include "diskfault.h"

#include <fcntl.h>
#include <sys/mman.h>

enum { PAGES = 5000, FILE_PAGES = 100 };

/* overtaken says how many requests of a disk ended after one that was submitted later. */
static void overtaken(const char *disk)
{
	char name[64];
	unsigned long n;
	FILE *f;

	snprintf(name, sizeof name, "/sys/block/%s/overtaken", disk);
	CHECK((f = fopen(name, "r")) && fscanf(f, "%lu", &n) == 1);
	printf("# %s: %lu overtaken\n", disk, n);
	fflush(stdout);
	fclose(f);
}

TEST(slow_disks)
{
	char page[PAGE], *p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd, pid = fork(), status;

	CHECK(p != MAP_FAILED && pid >= 0);
	if (pid == 0) {
		fd = open("/mnt/slow", O_CREAT | O_RDWR, 0644);
		CHECK(fd >= 0);
		for (size_t i = 0; i < FILE_PAGES; i++) {
			tagged(page, 3, i);
			EQ(write(fd, page, PAGE), PAGE);
			if (i % 30 == 0)
				EQ(fsync(fd), 0);
		}
		EQ(fsync(fd), 0);
		_exit(0);
	}
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < PAGES; i++) {
			CHECK(round == 0 || try_page(p + i * PAGE, 1, i) == 1);
			tagged(p + i * PAGE, 1, i);
		}
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	EQ(status, 0);
	fd = open("/mnt/slow", O_RDONLY);
	for (size_t i = 0; i < FILE_PAGES; i++) {
		EQ(read(fd, page, PAGE), PAGE);
		CHECK(has_tag(page, 3, i));
	}
	EQ(vmstat("swap_read_error") + vmstat("swap_write_error") + vmstat("file_read_error") + vmstat("file_write_error"), 0);
	CHECK(vmstat("pswpin") > 0);
	overtaken("vda");
	overtaken("vdb");
	whole();
}
