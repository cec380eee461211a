/* Files on a disk: what programs do to them by calls and through mappings. With
 * /mnt on another file system than /, there; else, as on a host, below /tmp. */
#include "disk.h"

void enter(const char *name)
{
	struct stat root, mnt;
	char path[64];
	int on_disk = stat("/", &root) == 0 && stat("/mnt", &mnt) == 0 && root.st_dev != mnt.st_dev &&
		      access("/.yolk/run.json", F_OK) == 0;

	snprintf(path, sizeof path, "%s/%s.XXXXXX", on_disk ? "/mnt" : "/tmp", name);
	CHECK(mkdtemp(path) != NULL);
	CHECK(chdir(path) == 0);
}

void fill(char *page, size_t i)
{
	for (size_t k = 0; k < PAGE; k += 64)
		memcpy(page + k, &(size_t){i * 64 + k / 64 + 1}, sizeof(size_t));
}

int filled(const char *page, size_t i)
{
	for (size_t k = 0; k < PAGE; k += 64)
		if (memcmp(page + k, &(size_t){i * 64 + k / 64 + 1}, sizeof(size_t)) != 0)
			return 0;
	return 1;
}

int create(const char *name, size_t n)
{
	char page[PAGE] = {0};
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);

	CHECK(fd >= 0);
	for (size_t i = 0; i < n; i++) {
		fill(page, i);
		EQ(write(fd, page, PAGE), PAGE);
	}
	return fd;
}

char *map(int fd, size_t n, int prot, int flags)
{
	char *p = mmap(NULL, n * PAGE, prot, flags, fd, 0);

	CHECK(p != MAP_FAILED);
	return p;
}
