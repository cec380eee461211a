/* A machine with bad disks, whose sectors the host chooses (qemu/guest/diskfault_test.go). */
#define _GNU_SOURCE
#include "diskfault.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

long vmstat(const char *name)
{
	char line[128];
	long n = -1, v;
	FILE *f = fopen("/proc/vmstat", "r");

	CHECK(f != NULL);
	while (fgets(line, sizeof line, f))
		if (strncmp(line, name, strlen(name)) == 0 && sscanf(line + strlen(name), " %ld", &v) == 1)
			n = v;
	fclose(f);
	CHECK(n >= 0);
	return n;
}

void steady(void)
{
	vmstat("pswpin"); /* has the memory that stdio takes */
	CHECK(mlockall(MCL_CURRENT) == 0);
}

/* keep has a file of the root in memory for good: in the swap area it could get a slot that cannot
 * be read, and then swapoff fails for what is no test's. */
static int keep(const char *path, const struct stat *st, int type, struct FTW *at)
{
	int fd;

	(void)at;
	if (type == FTW_F && st->st_size > 0 && (fd = open(path, O_RDONLY)) >= 0) {
		(void)mmap(NULL, (size_t)st->st_size, PROT_READ, MAP_SHARED | MAP_LOCKED, fd, 0);
		close(fd);
	}
	return 0;
}

__attribute__((constructor)) static void parent_is_steady(void)
{
	if (access("/.yolk/run.json", F_OK) == 0) {
		nftw("/", keep, 16, FTW_MOUNT | FTW_PHYS);
		steady();
	}
}

static long recount(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	CHECK(at != NULL);
	return atol(at + strlen(name));
}

void whole(void)
{
	char text[4096];
	size_t n;

	/* What is said of one moment fits what is said of another if nothing moved. A read that
	 * nobody waits for any more may be on its way still, from a slow disk: it holds a
	 * reference to its page until it ends; one that is lost stays. */
	for (int i = 0; i < 200; i++) {
		FILE *f = fopen("/proc/recount", "r");

		CHECK(f != NULL);
		n = fread(text, 1, sizeof text - 1, f);
		fclose(f);
		text[n] = 0;
		if (recount(text, "frames_moved ") == 0 && (recount(text, "stray_references ") == 0 || i == 199)) {
			EQ(recount(text, "unowned_frames "), 0);
			EQ(recount(text, "stray_references "), 0);
			return;
		}
		usleep(20000);
	}
	printf("# no quiet moment for a recount\n");
	_exit(1);
}

void host(const char *line)
{
	char answer[64];

	printf("host: %s\n", line);
	fflush(stdout);
	CHECK(fgets(answer, sizeof answer, stdin) != NULL);
}

void tagged(char *page, uint64_t tag, size_t i)
{
	for (size_t k = 0; k < PAGE; k += 256)
		*(volatile uint64_t *)(page + k) = tag << 32 | i;
}

int has_tag(const char *page, uint64_t tag, size_t i)
{
	for (size_t k = 0; k < PAGE; k += 256)
		if (*(volatile const uint64_t *)(page + k) != (tag << 32 | i))
			return 0;
	return 1;
}

int try_page(char *page, uint64_t tag, size_t i)
{
	struct tap_fault f = tap_read_fault(page);

	if (f.sig == 0) {
		if (!has_tag(page, tag, i)) {
			printf("# page %zu of %llu has %#llx\n", i, (unsigned long long)tag, *(unsigned long long *)page);
			fflush(stdout);
			_exit(1);
		}
		return 1;
	}
	EQ(f.sig, SIGBUS);
	EQ(f.code, BUS_ADRERR);
	EQ((uintptr_t)f.addr, (uintptr_t)page);
	return 0;
}
