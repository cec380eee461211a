/* Costs of the paths that a kernel is judged by, in nanoseconds per operation:
 * "bench" runs all of them, "bench NAME..." some. The numbers mean something
 * beside those of another kernel in the same QEMU, or under -icount, where a
 * nanosecond is one instruction. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096UL
#define MUST(cond)                                             \
	do {                                                   \
		if (!(cond)) {                                 \
			perror(#cond);                         \
			exit(1);                               \
		}                                              \
	} while (0)

static char *map(size_t pages)
{
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(p != MAP_FAILED);
	return p;
}

static void null_call(long n)
{
	while (n--)
		syscall(SYS_getppid);
}

static void anonymous_fault(long n)
{
	char *p = map(n);

	for (long i = 0; i < n; i++)
		p[i * PAGE] = 1;
	MUST(munmap(p, n * PAGE) == 0);
}

static void map_touch_unmap(long n)
{
	while (n--) {
		char *p = map(1);
		*p = 1;
		MUST(munmap(p, PAGE) == 0);
	}
}

static void protect_split_merge(long n)
{
	char *p = map(3);

	while (n--) {
		MUST(mprotect(p + PAGE, PAGE, PROT_READ) == 0);
		MUST(mprotect(p + PAGE, PAGE, PROT_READ | PROT_WRITE) == 0);
	}
	MUST(munmap(p, 3 * PAGE) == 0);
}

static void fork_exit_wait(long n)
{
	while (n--) {
		pid_t pid = fork();
		MUST(pid >= 0);
		if (pid == 0)
			_exit(0);
		MUST(waitpid(pid, NULL, 0) == pid);
	}
}

static void copy_on_write(long n)
{
	char *p = map(n);
	int status;

	memset(p, 1, n * PAGE);
	pid_t pid = fork();
	MUST(pid >= 0);
	if (pid == 0) {
		for (long i = 0; i < n; i++)
			p[i * PAGE] = 2;
		_exit(0);
	}
	MUST(waitpid(pid, &status, 0) == pid && status == 0);
	MUST(munmap(p, n * PAGE) == 0);
}

static void pipe_round_trip(long n)
{
	int to[2], from[2];
	char c = 'x';

	MUST(pipe(to) == 0 && pipe(from) == 0);
	pid_t pid = fork();
	MUST(pid >= 0);
	if (pid == 0) {
		close(to[1]);
		while (read(to[0], &c, 1) == 1)
			MUST(write(from[1], &c, 1) == 1);
		_exit(0);
	}
	for (long i = 0; i < n; i++)
		MUST(write(to[1], &c, 1) == 1 && read(from[0], &c, 1) == 1);
	close(to[0]);
	close(to[1]);
	close(from[0]);
	close(from[1]);
	MUST(waitpid(pid, NULL, 0) == pid);
}

static const struct {
	const char *name;
	void (*run)(long n);
	long n;
} benches[] = {
	{"null_call", null_call, 100000},
	{"anonymous_fault", anonymous_fault, 2000},
	{"map_touch_unmap", map_touch_unmap, 3000},
	{"protect_split_merge", protect_split_merge, 3000},
	{"copy_on_write", copy_on_write, 1500},
	{"fork_exit_wait", fork_exit_wait, 200},
	{"pipe_round_trip", pipe_round_trip, 3000},
};

static long long now(void)
{
	struct timespec t;

	MUST(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return 1;
	return argc == 1;
}

int main(int argc, char **argv)
{
	for (unsigned i = 0; i < sizeof benches / sizeof *benches; i++) {
		if (!wanted(benches[i].name, argc, argv))
			continue;
		benches[i].run(benches[i].n / 10 + 1); /* warm up */
		long long start = now();
		benches[i].run(benches[i].n);
		printf("%-22s %10lld ns\n", benches[i].name, (now() - start) / benches[i].n);
		fflush(stdout);
	}
	return 0;
}
