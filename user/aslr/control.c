/* /proc/sys/kernel/randomize_va_space sets the level for the whole machine. */
#include "where.h"

#include <fcntl.h>

static int set(const char *level)
{
	int fd = open("/proc/sys/kernel/randomize_va_space", O_WRONLY);
	ssize_t n;

	CHECK(fd >= 0);
	n = write(fd, level, strlen(level));
	close(fd);
	return n < 0 ? -1 : 0;
}

TEST(levels)
{
	EQ(set("0\n"), 0);
	MOVE(0);
	EQ(set("1\n"), 0);
	MOVE(ALL & ~(1 << HEAP));
	EQ(set("2\n"), 0);
	MOVE(ALL);
	FAILS(set("3\n"), EINVAL);
	FAILS(set("on\n"), EINVAL);
	MOVE(ALL);
}
