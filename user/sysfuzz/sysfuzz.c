/* sysfuzz [-seed N] [-calls N] [-workers N] [-per N] [-first N] [-only NR] [-v]: system calls with random arguments, from
 * tasks without privilege, on all CPUs, under memory pressure. What becomes of the callers does not matter; the kernel must
 * go on, leak nothing, and break none of its own rules. Each child is one sequence, made from the seed and its number: with
 * -v the numbers are printed as they start, and -first N -workers 1 begins with that one. */
#define _GNU_SOURCE
#include "../c/sums.h"
#include "sysfuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX = 16, FIRST_UID = 1000 };

/* shared is where the children count: one of them may write nonsense, which is then not believed. */
static volatile uint64_t *shared;
static uint64_t seed, total, wanted = 1000000, next;
static unsigned workers = 4, per = 2000;
static int verbose, only = -1;

struct worker {
	pid_t pid;
	time_t since; /* the last call that was seen to end */
	uint64_t calls;
	unsigned stuck;
};

static struct worker worker[MAX];
static unsigned long ended[4]; /* by themselves, by a signal, stopped, by the clock */

/* spare tells the OOM killer how gladly it takes this task. */
void spare(const char *adj)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);

	if (write(fd, adj, strlen(adj)) < 0)
		perror("oom_score_adj");
	close(fd);
}

static void start(unsigned i)
{
	uint64_t n = next++;
	pid_t pid;

	shared[i] = 0;
	if (verbose) {
		printf("# child %lu\n", n);
		fflush(stdout);
	}
	pid = fork();
	if (pid < 0) {
		worker[i].pid = 0; /* no memory just now: the next round tries again */
		return;
	}
	if (pid == 0) {
		uid_t uid = FIRST_UID + i;
		setpgid(0, 0);
		spare("0");
		if (setgroups(0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
			_exit(99);
		fuzz(seed * 1000003 + n, per, only, &shared[i]);
		_exit(0);
	}
	worker[i] = (struct worker){pid, time(NULL), 0, 0};
}

/* finish waits for what another process does for this one. */
static void finish(pid_t pid)
{
	int status;

	if (pid > 0)
		waitpid(pid, &status, 0);
}

/* sweep ends all that runs as worker i's user: what the child has left behind. */
static void sweep(unsigned i)
{
	pid_t pid = fork();

	if (pid == 0) {
		uid_t uid = FIRST_UID + i;
		if (setresuid(uid, uid, uid) == 0)
			kill(-1, SIGKILL);
		_exit(0);
	}
	finish(pid);
}

/* tidy removes the files and segments that the children have left. Another process does
 * it: a walk through deep directories makes the heap of whoever goes it larger for good. */
static void tidy(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		clean();
		_exit(0);
	}
	finish(pid);
}

static void end(unsigned i, int how)
{
	uint64_t n = shared[i];

	ended[how]++;
	if (n <= per)
		total += n;
	worker[i].pid = 0;
	sweep(i);
}

/* watch ends a child that has not got on for a while: it sleeps without end, or is stopped. */
static void watch(unsigned i)
{
	struct worker *w = worker + i;
	time_t now = time(NULL);

	if (w->calls != shared[i] && !w->stuck) {
		w->calls = shared[i];
		w->since = now;
	}
	if (now <= w->since + 1)
		return;
	kill(w->pid, SIGKILL);
	if (w->stuck++ == 0)
		ended[3]++;
	else if (now > w->since + 60) {
		printf("child %d does not die\n", w->pid);
		exit(1);
	}
}

/* collect looks what has become of the children. Orphans are ours too. */
static void collect(void)
{
	int status;
	pid_t pid;
	unsigned i;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		for (i = 0; i < workers && worker[i].pid != pid; i++)
			;
		if (WIFSTOPPED(status)) {
			kill(pid, SIGKILL);
			if (i < workers)
				ended[2]++;
			continue;
		}
		if (i == workers)
			continue;
		if (WIFEXITED(status) && WEXITSTATUS(status) == 99) {
			printf("cannot become user %u\n", FIRST_UID + i);
			exit(1);
		}
		end(i, WIFSIGNALED(status));
	}
	for (i = 0; i < workers; i++)
		if (worker[i].pid)
			watch(i);
}

static void options(int argc, char **argv)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	seed = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
	for (int i = 1; i < argc; i++) {
		unsigned long n = i + 1 < argc ? strtoul(argv[i + 1], NULL, 10) : 0;
		if (!strcmp(argv[i], "-v")) {
			verbose = 1;
			continue;
		}
		if (!strcmp(argv[i], "-seed"))
			seed = n;
		else if (!strcmp(argv[i], "-calls"))
			wanted = n;
		else if (!strcmp(argv[i], "-workers"))
			workers = n < MAX ? (unsigned)n : MAX;
		else if (!strcmp(argv[i], "-per"))
			per = (unsigned)n;
		else if (!strcmp(argv[i], "-first"))
			next = n;
		else if (!strcmp(argv[i], "-only"))
			only = (int)n;
		else {
			fprintf(stderr, "sysfuzz: %s: -seed -calls -workers -per -first -only N, -v\n", argv[i]);
			exit(2);
		}
		i++;
	}
}

/* run_until runs children until so many calls are done. */
static void run_until(uint64_t calls)
{
	time_t said = time(NULL);

	while (total < calls) {
		for (unsigned i = 0; i < workers; i++)
			if (!worker[i].pid)
				start(i);
		struct timespec pause = {0, 2000000};
		nanosleep(&pause, NULL);
		collect();
		if (time(NULL) >= said + 10) {
			said = time(NULL);
			printf("calls %lu children %lu\n", total, next);
			fflush(stdout);
		}
	}
}

/* settle ends all children, and removes what they have left. */
static void settle(void)
{
	for (unsigned i = 0; i < workers; i++) {
		if (worker[i].pid)
			kill(worker[i].pid, SIGKILL);
		worker[i].pid = 0;
		sweep(i);
	}
	while (wait(NULL) > 0)
		;
	tidy();
	renew_swap();
}

int main(int argc, char **argv)
{
	int failed;

	options(argc, argv);
	printf("seed %lu\n", seed);
	fflush(stdout);
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || mlockall(MCL_CURRENT | MCL_FUTURE)) { /* what is this program's shall not blur the sums */
		perror("memory");
		return 1;
	}
	spare("-1000");
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	run_until(wanted < 40000 ? wanted / 20 : 2000); /* what is made once is there after that */
	settle();
	sums_begin();
	pid_t presser = press();
	run_until(wanted);
	printf("swapped out %ld pages, in %ld\n", number("/proc/vmstat", "pswpout"), number("/proc/vmstat", "pswpin"));
	kill(presser, SIGKILL);
	settle();
	printf("calls %lu children %lu exited %lu killed %lu stopped %lu timed out %lu\n", total, next, ended[0], ended[1], ended[2],
	       ended[3]);
	failed = sums_end();
	printf(failed ? "leaks\n" : "ok\n");
	return failed != 0;
}
