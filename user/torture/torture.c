/* torture [-seed N] [-seconds N] [-workers N] [-pages N]: programs that map, unmap, protect, move, lock, fork and exit at
 * random in more memory than there is, are killed at random, and lose their swap and get it back; at the end every counter
 * must be as at the start. The seed is printed; what depends on the moment is not repeated by it. */
#define _GNU_SOURCE
#include "torture.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/swap.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX = 16 };

static uint64_t seed;
static unsigned seconds = 20, workers = 4, pages = 2500;
static pid_t pids[MAX];
static int verbose;
static unsigned started, killed, offs, refused, failed;

static void start(unsigned i)
{
	uint64_t own = seed + 1000 * ++started + i;

	if ((pids[i] = fork()) == 0)
		_exit(worker(own, pages));
	if (pids[i] < 0)
		pids[i] = 0; /* no memory just now: the next round tries again */
}

/* reap collects those who have ended: of a signal, which may have been the OOM killer's, or of a mistake. */
static void reap(void)
{
	int status;

	for (unsigned i = 0; i < workers; i++) {
		if (!pids[i] || waitpid(pids[i], &status, WNOHANG) != pids[i])
			continue;
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
			printf("worker %u ended with status %#x\n", i, status);
			failed++;
		}
		pids[i] = 0;
	}
}

/* number returns what follows name in a file of /proc, or -1. */
static long number(const char *file, const char *name)
{
	char line[256];
	long value = -1;
	FILE *f = fopen(file, "r");

	while (f && fgets(line, sizeof line, f))
		if (!strncmp(line, name, strlen(name)) && line[strlen(name)] == ' ')
			value = atol(line + strlen(name));
	if (f)
		fclose(f);
	return value;
}

/* frames are all frames that are free, or have an owner outside of programs. kswapd may move some between two looks: the
 * free ones must be the same before and after. */
static long frames(void)
{
	long unused, heap, reserve, file, again;

	for (int i = 0; i < 50; i++) {
		unused = number("/proc/recount", "free_frames");
		heap = number("/proc/goheap", "frames");
		reserve = number("/proc/goheap", "reserve");
		file = number("/proc/vmstat", "nr_file_pages");
		again = number("/proc/recount", "free_frames");
		if (unused == again)
			break;
		usleep(20000);
	}
	if (verbose)
		printf("# free %ld heap %ld reserve %ld file %ld\n", unused, heap, reserve, file);
	return unused + heap + reserve + file;
}

static void swap_off_and_on(void)
{
	if (swapoff("/dev/vda")) {
		if (errno != ENOMEM && errno != EINTR) {
			printf("swapoff: %s\n", strerror(errno));
			failed++;
		}
		refused++;
		return;
	}
	offs++;
	if (swapon("/dev/vda", 0)) {
		printf("swapon: %s\n", strerror(errno));
		failed++;
	}
}

/* stop_all ends the workers, and waits for their children too, whose parent this program is then: one that went on would
 * put pages into the swap area after the last swapoff. */
static void stop_all(void)
{
	int status;

	for (unsigned i = 0; i < workers; i++)
		if (pids[i]) {
			kill(pids[i], SIGKILL);
			waitpid(pids[i], NULL, 0);
			pids[i] = 0;
		}
	while (wait(&status) > 0)
		if (WIFEXITED(status) && WEXITSTATUS(status)) {
			printf("a worker's child ended with status %#x\n", status);
			failed++;
		}
}

struct sums {
	long vmas, mms, frames, entries, cached;
};

static struct sums look(void)
{
	return (struct sums){number("/proc/slabinfo", "vm_area_struct"), number("/proc/slabinfo", "mm_struct"), frames(),
			     number("/proc/recount", "swap_entries"), number("/proc/vmstat", "nr_swapcached")};
}

static int same(const char *name, long was, long is, long slack)
{
	printf("%s %ld, was %ld\n", name, is, was);
	return labs(is - was) <= slack ? 0 : -1;
}

/* compare wants the sums of the start again; kswapd may take a moment to put down what it holds. */
static void compare(struct sums was)
{
	verbose = 1;
	struct sums is = look();

	verbose = 0;
	for (int i = 0; i < 50 && (is.vmas != was.vmas || is.mms != was.mms || is.cached > was.cached || labs(is.frames - was.frames) > 8); i++) {
		usleep(100000);
		is = look();
	}
	verbose = 1;
	frames();
	if (same("vm_area_struct", was.vmas, is.vmas, 0) | same("mm_struct", was.mms, is.mms, 0) |
	    same("swap_entries", was.entries, is.entries, 0) | same("nr_swapcached", was.cached, is.cached, 0) |
	    same("frames", was.frames, is.frames, 8))
		failed++;
}

static void options(int argc, char **argv)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	seed = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
	for (int i = 1; i + 1 < argc; i += 2) {
		unsigned long n = strtoul(argv[i + 1], NULL, 10);
		if (!strcmp(argv[i], "-seed"))
			seed = n;
		else if (!strcmp(argv[i], "-seconds"))
			seconds = (unsigned)n;
		else if (!strcmp(argv[i], "-workers"))
			workers = n < MAX ? (unsigned)n : MAX;
		else if (!strcmp(argv[i], "-pages"))
			pages = (unsigned)n;
	}
}

int main(int argc, char **argv)
{
	options(argc, argv);
	printf("seed %lu\n", seed);
	fflush(stdout);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		perror("prctl");
	if (mlockall(MCL_CURRENT | MCL_FUTURE)) /* what this program has itself shall not blur the sums */
		perror("mlockall");
	if (swapoff("/dev/vda") || swapon("/dev/vda", 0)) /* an empty area to begin with */
		perror("swap");
	verbose = 1;
	struct sums before = look();
	verbose = 0;
	uint64_t own = seed;
	time_t end = time(NULL) + seconds;
	while (time(NULL) < end && !failed) {
		for (unsigned i = 0; i < workers; i++)
			if (!pids[i])
				start(i);
		usleep(50000);
		reap();
		rnd_seed(++own);
		unsigned i = rnd(workers);
		if (rnd(8) == 0 && pids[i] && !kill(pids[i], SIGKILL))
			killed++;
		if (rnd(16) == 0)
			swap_off_and_on();
		if (rnd(8) == 0 && number("/proc/recount", "free_frames") < 0)
			failed++;
	}
	stop_all();
	/* swapoff must find nothing that it cannot bring back, and leave no slot in use */
	swap_off_and_on();
	compare(before);
	printf("started %u killed %u swapoff %u refused %u pswpin %ld pswpout %ld oom_kill %ld\n", started, killed, offs, refused,
	       number("/proc/vmstat", "pswpin"), number("/proc/vmstat", "pswpout"), number("/proc/vmstat", "oom_kill"));
	printf("bigmem_swapout %ld bigmem_replace %ld\n", number("/proc/vmstat", "bigmem_swapout"), number("/proc/vmstat", "bigmem_replace"));
	printf(failed ? "FAILED\n" : "ok\n");
	return failed != 0;
}
