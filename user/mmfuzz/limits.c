/* Limits relative to what the program has, which is not the same everywhere. */
#define _GNU_SOURCE
#include "mmfuzz.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* kilobytes returns a number of /proc/self/status. */
static uint64_t kilobytes(const char *name)
{
	static char text[8192];
	int fd = open("/proc/self/status", O_RDONLY);
	ssize_t n = read(fd, text, sizeof text - 1);
	uint64_t k = 0;

	close(fd);
	text[n > 0 ? n : 0] = 0;
	char *p = strstr(text, name);
	for (p = p ? p + strlen(name) : ""; *p == ' ' || *p == '\t'; p++)
		;
	for (; *p >= '0' && *p <= '9'; p++)
		k = k * 10 + (uint64_t)(*p - '0');
	return k;
}

/* set_limit sets the soft limit of kind a[0] to a[1] pages: of locked memory, or more than the size or the data are. */
void set_limit(const uint64_t a[ARGS])
{
	int kind = a[0] == 0 ? RLIMIT_MEMLOCK : a[0] == 1 ? RLIMIT_AS : RLIMIT_DATA;
	uint64_t now = a[0] == 0 ? 0 : kilobytes(a[0] == 1 ? "VmSize:" : "VmData:") * 1024;
	struct rlimit l;

	getrlimit(kind, &l);
	l.rlim_cur = now + a[1] * PAGE;
	if (l.rlim_cur > l.rlim_max)
		l.rlim_cur = l.rlim_max;
	put_result(setrlimit(kind, &l) ? (uint64_t)-1 : 0);
}
