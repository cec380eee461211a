/* torture [-seed N] [-seconds N] [-workers N] [-pages N]: programs that do at random all
 * that memory has to do with, in more of it than there is (window.c, disk.c, shm.c,
 * thread.c, worker.c). They are killed at random, looked at by a tracer (trace.c), and
 * lose their swap and get it back (swap.c); at the end every sum must be as at the start
 * (sums.c).
 * The seed is printed; what depends on the moment is not repeated by it. */
#define _GNU_SOURCE
#include "torture.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX = 16 };

static uint64_t seed;
static unsigned seconds = 20, workers = 4, pages = 2500;
static pid_t pids[MAX];
static unsigned started, killed, traced, offs, refused, failed, unforked;

static void start(unsigned i)
{
	uint64_t own = seed + 1000 * ++started + i;

	if ((pids[i] = fork()) == 0)
		_exit(run_worker(own, pages, i));
	if (pids[i] < 0) {
		pids[i] = 0; /* no memory just now: the next round tries again */
		unforked++;
	}
}

/* ended judges how a worker has ended: by a signal, which may have been the OOM
 * killer's, or of a mistake. */
static void ended(unsigned i, int status)
{
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
		printf("worker %u ended with status %#x\n", i, status);
		failed++;
	}
	pids[i] = 0;
}

static void child_ended(int status)
{
	if (WIFEXITED(status) && WEXITSTATUS(status)) {
		printf("a worker's child ended with status %#x\n", status);
		failed++;
	}
}

/* reap takes whoever has ended: killed workers leave children, whose parent this program
 * is then. Left until the end they would fill the table of processes. */
static void reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		unsigned i = 0;

		while (i < workers && pids[i] != pid)
			i++;
		if (i < workers)
			ended(i, status);
		else
			child_ended(status);
	}
}

static void look_at(unsigned i)
{
	int status;

	traced++;
	if (trace(pids[i], &status))
		failed++;
	else if (status != -1)
		ended(i, status);
}

static void take_swap(void)
{
	switch (swap_off_and_on()) {
	case 0:
		offs++;
		break;
	case 1:
		refused++;
		break;
	default:
		failed++;
	}
}

/* stop_all ends the workers, and waits for their children too, whose parent this program
 * is then: one that went on would put pages into the swap areas after the last swapoff.
 * What files and segments they leave it removes. */
static void stop_all(void)
{
	char name[32];
	int status;

	for (unsigned i = 0; i < workers; i++)
		if (pids[i]) {
			kill(pids[i], SIGKILL);
			waitpid(pids[i], NULL, 0);
			pids[i] = 0;
		}
	while (wait(&status) > 0)
		child_ended(status);
	shm_cleanup();
	for (unsigned i = 0; i < workers; i++) {
		snprintf(name, sizeof name, "/mnt/file%u", i);
		unlink(name);
	}
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

static void round_of(unsigned i)
{
	usleep(50000);
	reap();
	if (rnd(8) == 0 && pids[i] && !kill(pids[i], SIGKILL))
		killed++;
	if (rnd(4) == 0 && pids[i])
		look_at(i);
	if (rnd(16) == 0)
		take_swap();
	if (rnd(8) == 0)
		number("/proc/recount", "free_frames"); /* it counts, and ends the kernel if something is wrong */
}

static void report(void)
{
	static const char *const events[] = {"pswpin", "pswpout", "oom_kill", "swapout_file", "shm_swapout", "bigmem_swapout", "bigmem_replace"};

	printf("started %u, in vain %u, killed %u traced %u swapoff %u refused %u\n", started, unforked, killed, traced, offs, refused);
	printf("window %lu disk %lu shm %lu stack and heap %lu children %lu exec %lu\n", tally[WINDOW], tally[DISK], tally[SHM],
	       tally[GROW], tally[CHILD], tally[EXEC]);
	for (unsigned i = 0; i < sizeof events / sizeof *events; i++)
		printf("%s %ld ", events[i], number("/proc/vmstat", events[i]));
	printf("\n");
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "-worker"))
		return run_worker(strtoul(argv[2], NULL, 10), (unsigned)atoi(argv[3]), (unsigned)atoi(argv[4]));
	options(argc, argv);
	printf("seed %lu\n", seed);
	fflush(stdout);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		perror("prctl");
	if (mlockall(MCL_CURRENT | MCL_FUTURE)) /* what this program has itself shall not blur the sums */
		perror("mlockall");
	tally = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tally == MAP_FAILED)
		return wrong("mmap", 0) != 0;
	rnd_seed(seed);
	failed += swap_start() != 0;
	sums_begin();
	time_t end = time(NULL) + seconds;
	for (uint64_t own = seed; time(NULL) < end && !failed;) {
		for (unsigned i = 0; i < workers; i++)
			if (!pids[i])
				start(i);
		rnd_seed(++own);
		round_of(rnd(workers));
	}
	stop_all();
	/* swapoff must find nothing that it cannot bring back, and leave no slot in use */
	failed += swap_renew() != 0;
	failed += sums_end() != 0;
	report();
	printf(failed ? "FAILED\n" : "ok\n");
	return failed != 0;
}
