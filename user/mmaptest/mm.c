#include "mm.h"

char *new_pages(size_t n, int prot)
{
	char *p = mmap(NULL, PAGES(n), prot, ANON, -1, 0);

	CHECK(p != MAP_FAILED && (uintptr_t)p % 4096 == 0);
	return p;
}

void fill(char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < 4096; k += 64)
			p[PAGES(i) + k] = (char)(i * 7 + k / 64 + 1);
}

int filled(const char *p, size_t i)
{
	for (size_t k = 0; k < 4096; k += 64)
		if (p[k] != (char)(i * 7 + k / 64 + 1))
			return 0;
	return 1;
}

int mapped(void *p)
{
	unsigned char vec;

	return mincore(p, 4096, &vec) == 0;
}

/* No stdio here: its buffers might be mapped into the hole that is looked at. */
int map_lines(void *p, size_t len)
{
	static char text[256 * 1024];
	size_t have = 0;
	ssize_t got;
	int n = 0, fd = open("/proc/self/maps", O_RDONLY);

	CHECK(fd >= 0);
	while ((got = read(fd, text + have, sizeof text - 1 - have)) > 0)
		have += got;
	CHECK(got == 0 && close(fd) == 0);
	text[have] = 0;
	for (char *line = text; *line; line = strchr(line, '\n') + 1) {
		char *dash;
		unsigned long start = strtoul(line, &dash, 16), end = strtoul(dash + 1, NULL, 16);
		if (start < (unsigned long)p + len && end > (unsigned long)p)
			n++;
	}
	return n;
}

void set_limit(int which, rlim_t soft)
{
	struct rlimit r;

	CHECK(getrlimit(which, &r) == 0);
	r.rlim_cur = soft < r.rlim_max ? soft : r.rlim_max;
	CHECK(setrlimit(which, &r) == 0);
}
