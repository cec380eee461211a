/* The memory pressure: a task that keeps pages in use which do not all fit, so that what the fuzzers use has to be swapped. */
#define _GNU_SOURCE
#include "sysfuzz.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, AT_ONCE = 8 };

pid_t press(void)
{
	struct sysinfo s;
	pid_t pid = fork();

	if (pid)
		return pid;
	spare("500");
	sysinfo(&s);
	size_t pages = s.freeram / PAGE * 9 / 10;
	volatile char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		_exit(1);
	for (size_t i = 0; i < pages; i++)
		p[i * PAGE] = 1;
	for (;;) {
		struct timespec pause = {0, 5000000};
		for (int k = 0; k < AT_ONCE; k++)
			p[(size_t)random() % pages * PAGE]++;
		nanosleep(&pause, NULL);
	}
}
