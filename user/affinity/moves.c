/* Where tasks run that are bound to CPUs, whatever they do and whatever goes on beside. */
#include "affinity.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

enum { KIND = 4, PAGE = 4096 };

/* busy does something of a kind, for a while. */
static void busy(int kind)
{
	struct timespec short_time = {0, 100000};
	volatile int n;

	switch (kind % KIND) {
	case 0:
		sched_yield();
		break;
	case 1:
		nanosleep(&short_time, NULL);
		break;
	case 2:
		for (n = 0; n < 20000; n++)
			;
		break;
	default: {
		char *p = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		CHECK(p != MAP_FAILED);
		for (n = 0; n < 16; n++)
			p[n * PAGE] = 1;
		munmap(p, 16 * PAGE);
	}
	}
}

static void stay(void *cpu)
{
	int c = *(int *)cpu;

	watch_rseq();
	pin(c, "from the start");
	for (int i = 0; i < 120; i++) {
		busy(i);
		look(1ull << c, "a child");
	}
}

/* children runs f(&arg) in n children at once, arg being the CPUs in turn. */
static void children(int n, void (*f)(void *))
{
	pid_t pid[16];

	for (int i = 0; i < n; i++) {
		int cpu = nth_cpu(i);
		CHECK((pid[i] = fork()) >= 0);
		if (pid[i] == 0) {
			f(&cpu);
			_exit(0);
		}
	}
	for (int i = 0; i < n; i++) {
		int status;
		CHECK(waitpid(pid[i], &status, 0) == pid[i]);
		EQ(status, 0);
	}
}

TEST(one_stays_where_it_is)
{
	for (int i = 0; i < cpus(); i++) {
		int cpu = nth_cpu(i);
		stay(&cpu);
	}
}

TEST(all_stay_where_they_are) { children(2 * cpus() + 1, stay); }

static void rove(void *arg)
{
	(void)arg;
	watch_rseq();
	for (int i = 0; i < 100; i++) {
		uint64_t mask = 1ull << nth_cpu(i) | 1ull << nth_cpu(i * i);
		EQ(set_mask(0, mask), 0);
		look(mask, "one that moves");
		busy(i / 2);
		look(mask, "one that has moved");
	}
}

TEST(all_move_about) { children(2 * cpus(), rove); }

/* wait_for spins, never in the kernel of its own will, until *n is at least least. */
static void wait_for(_Atomic int *n, int least)
{
	while (*n < least)
		;
}

/* Three that never sleep nor yield, two of them on one CPU, all get on. */
TEST(one_cpu_is_shared)
{
	_Atomic int *n = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid[3];

	all_cpus();
	for (int i = 0; i < 3; i++) {
		CHECK((pid[i] = fork()) >= 0);
		if (pid[i] == 0) {
			watch_rseq();
			pin(nth_cpu(i / 2), "a spinner");
			for (int round = 1; round <= 5; round++) {
				n[i] = round;
				wait_for(&n[(i + 1) % 3], round);
			}
			look(1ull << nth_cpu(i / 2), "a spinner");
			_exit(0);
		}
	}
	for (int i = 0; i < 3; i++) {
		int status;
		CHECK(waitpid(pid[i], &status, 0) == pid[i]);
		EQ(status, 0);
	}
}

/* The mask of a thread that runs and runs: generation is odd while it changes. */
static _Atomic int generation, seen, stop;
static _Atomic uint64_t mask_now;
static _Atomic pid_t runner;

static void *run_and_run(void *arg)
{
	watch_rseq();
	runner = syscall(SYS_gettid);
	while (!stop) {
		unsigned cpu, before = generation;
		uint64_t mask = mask_now;

		if (arg)
			syscall(SYS_getcpu, &cpu, NULL, NULL);
		__asm__ volatile("lsl %1, %0" : "=r"(cpu) : "r"(0x7b)); /* what the vDSO does */
		cpu &= 0xfff;
		if (before % 2 == 0 && before == (unsigned)generation) {
			if (!(mask >> cpu & 1)) {
				printf("# on CPU %u, the mask is %llx\n", cpu, (unsigned long long)mask);
				fflush(stdout);
				_exit(1);
			}
			seen = before;
		}
	}
	return NULL;
}

static void move_it(void *with_calls)
{
	pthread_t thread;

	if (cpus() > 1)
		EQ(set_mask(0, 1ull << nth_cpu(0)), 0);
	stop = runner = generation = seen = 0;
	mask_now = all_cpus();
	CHECK(pthread_create(&thread, NULL, run_and_run, with_calls) == 0);
	while (!runner)
		sched_yield();
	for (int i = 0; i < 60; i++) {
		uint64_t mask = 1ull << nth_cpu(i);
		generation++;
		EQ(set_mask(runner, mask), 0);
		EQ(get_mask(runner), mask);
		mask_now = mask;
		int now = ++generation;
		while (seen != now)
			sched_yield();
	}
	stop = 1;
	pthread_join(thread, NULL);
}

TEST(moved_while_it_runs) { move_it(NULL); }
TEST(moved_while_it_makes_calls) { move_it(""); }

TEST(moved_while_it_sleeps)
{
	int go[2], done[2];
	pid_t pid;
	char cpu;

	CHECK(pipe(go) == 0 && pipe(done) == 0);
	all_cpus();
	CHECK((pid = fork()) >= 0);
	if (pid == 0) {
		close(go[1]);
		watch_rseq();
		while (read(go[0], &cpu, 1) == 1) {
			look(1ull << cpu, "one that slept");
			CHECK(write(done[1], "", 1) == 1);
		}
		_exit(0);
	}
	for (int i = 0; i < 30; i++) {
		char cpu = nth_cpu(i), c;
		EQ(set_mask(pid, 1ull << cpu), 0);
		CHECK(write(go[1], &cpu, 1) == 1);
		CHECK(read(done[0], &c, 1) == 1);
	}
	close(go[1]);
	int status;
	CHECK(waitpid(pid, &status, 0) == pid);
	EQ(status, 0);
}

/* More pages than a guest of 32 MiB has, while they are stolen and come back. */
static void use_memory(void *cpu)
{
	enum { PAGES = 3 * 1024 };
	uint64_t mask = 1ull << *(int *)cpu;
	char *p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	watch_rseq();
	EQ(set_mask(0, mask), 0);
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < PAGES; i++) {
			CHECK(p[i * PAGE] == round * (char)i);
			p[i * PAGE] = (char)i;
			if (i % 16 == 0)
				look(mask, "one whose pages are stolen");
		}
}

TEST(while_pages_are_stolen) { children(3, use_memory); }
