/* The swap areas: the one that the machine came with, and another disk if there is one. */
#define _GNU_SOURCE
#include "../c/mkswap.h"
#include "torture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/swap.h>
#include <unistd.h>

static const char *areas[2] = {"/dev/vda"};
static unsigned nr;

/* format makes all of a disk a swap area. */
static int format(const char *disk)
{
	int fd = open(disk, O_RDONLY);
	off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);

	if (fd < 0 || close(fd) || size < 64 * (off_t)PAGE)
		return -1;
	return make_swap(disk, (uint32_t)(size / (off_t)PAGE) - 1);
}

int swap_start(void)
{
	nr = 1;
	if (swapoff(areas[0]) || swapon(areas[0], 0)) /* an empty area to begin with */
		return wrong("swap", 0);
	if (access("/dev/vdc", F_OK) == 0) {
		areas[nr++] = "/dev/vdc";
		if (format("/dev/vdc") || swapon("/dev/vdc", 0))
			return wrong("the second swap area", 1);
	}
	return 0;
}

static int on(unsigned i)
{
	int flags = rnd(2) ? SWAP_FLAG_PREFER | (int)rnd(3) : 0;

	return swapon(areas[i], flags) ? wrong("swapon", i) : 0;
}

int swap_off_and_on(void)
{
	unsigned i = rnd(nr);

	if (swapoff(areas[i]) == 0)
		return on(i);
	return errno == ENOMEM || errno == EINTR ? 1 : wrong("swapoff", i);
}

int swap_renew(void)
{
	for (unsigned i = 0; i < nr; i++)
		if (swapoff(areas[i]))
			return wrong("the last swapoff", i);
	for (unsigned i = 0; i < nr; i++)
		if (swapon(areas[i], 0))
			return wrong("swapon", i);
	return 0;
}
