/* Tasks, and how they talk to each other. */
#include "bench.h"

int fork(void)
{
	long pid = SYS0(fork);

	MUST(pid >= 0);
	return pid;
}

void reap(int pid)
{
	int status;

	MUST(SYS4(wait4, pid, &status, 0, 0) == pid && status == 0);
}

static void forks(long n, long pages)
{
	char *p = map(pages);

	touch(p, pages);
	begin();
	while (n--) {
		int pid = fork();

		if (pid == 0)
			quit(0);
		reap(pid);
	}
	end();
	unmap(p, pages);
}

static void fork_exit_wait_1m(long n) { forks(n, 256); }

static void fork_exit_wait_32m(long n) { forks(n, 8192); }

/* fork, exec of this same program, exit, wait. */
static void exec(long n)
{
	const char *argv[] = {self, "--exit", 0}, *envp[] = {0};

	begin();
	while (n--) {
		int pid = fork();

		if (pid == 0) {
			SYS3(execve, self, argv, envp);
			quit(1);
		}
		reap(pid);
	}
	end();
}

/* One byte there and back: per way. */
static void pipe_one_way(long n)
{
	int to[2], from[2];
	char c = 'x';

	MUST(SYS1(pipe, to) == 0 && SYS1(pipe, from) == 0);
	int pid = fork();
	if (pid == 0) {
		SYS1(close, to[1]);
		while (SYS3(read, to[0], &c, 1) == 1)
			MUST(SYS3(write, from[1], &c, 1) == 1);
		quit(0);
	}
	begin();
	for (long i = 0; i < n; i += 2)
		MUST(SYS3(write, to[1], &c, 1) == 1 && SYS3(read, from[0], &c, 1) == 1);
	end();
	for (int i = 0; i < 2; i++) {
		SYS1(close, to[i]);
		SYS1(close, from[i]);
	}
	reap(pid);
}

static void futex_wait(volatile int *p, int while_it_is)
{
	while (*p == while_it_is)
		SYS4(futex, p, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, while_it_is, 0);
}

static void futex_wake(volatile int *p)
{
	SYS3(futex, p, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1);
}

/* turn: whose it is, 0 or 1; 2 ends the second thread. */
static volatile int turn;
static int stopped; /* the kernel clears it at the second thread's end */

static void second_thread(void)
{
	for (;;) {
		futex_wait(&turn, 0);
		if (turn == 2)
			break;
		turn = 0;
		futex_wake(&turn);
	}
	SYS1(exit, 0);
}

static int thread(void (*f)(void), char *stack_top)
{
	long *sp = (long *)stack_top - 2, flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
		CLONE_SYSVSEM | CLONE_CHILD_CLEARTID;
	register long r10 __asm__("r10") = (long)&stopped;
	register long r8 __asm__("r8") = 0;
	long ret;

	*sp = (long)f;
	__asm__ volatile("syscall\n\t"
			 "test %%eax, %%eax\n\t"
			 "jnz 1f\n\t"
			 "pop %%rax\n\t"
			 "call *%%rax\n"
			 "1:"
			 : "=a"(ret)
			 : "a"(__NR_clone), "D"(flags), "S"(sp), "d"(0), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return ret;
}

/* Two threads wake each other in turn: per wake. */
static void futex_one_way(long n)
{
	char *stack = map(4);

	turn = 0;
	stopped = 1;
	MUST(thread(second_thread, stack + 4 * PAGE) > 0);
	begin();
	for (long i = 0; i < n; i += 2) {
		turn = 1;
		futex_wake(&turn);
		futex_wait(&turn, 1);
	}
	end();
	turn = 2;
	futex_wake(&turn);
	while (*(volatile int *)&stopped) /* its waker uses a shared key */
		SYS4(futex, &stopped, FUTEX_WAIT, 1, 0);
	unmap(stack, 4);
}

/* Tasks fault at the same time, each in an mm of its own: per fault of any. */
static void faults_of(long n, int tasks)
{
	enum { batch = 500 };
	struct { volatile int ready, go; } *shared = (void *)map_shared(1);
	int pids[4];
	long rounds = n / batch / tasks + 1;

	for (int i = 0; i < tasks; i++) {
		pids[i] = fork();
		if (pids[i])
			continue;
		char *p = map(batch);
		touch(p, batch); /* page tables */
		__atomic_add_fetch(&shared->ready, 1, __ATOMIC_SEQ_CST);
		while (!shared->go)
			SYS4(futex, &shared->go, FUTEX_WAIT, 0, 0);
		for (long r = 0; r < rounds; r++) {
			MUST(SYS3(madvise, p, batch * PAGE, MADV_DONTNEED) == 0);
			touch(p, batch);
		}
		quit(0);
	}
	while (shared->ready < tasks)
		SYS0(sched_yield);
	begin();
	shared->go = 1;
	SYS3(futex, &shared->go, FUTEX_WAKE, 4);
	for (int i = 0; i < tasks; i++)
		reap(pids[i]);
	end();
	operations(rounds * batch * tasks);
	unmap((char *)shared, 1);
}

static void faults_of_1(long n) { faults_of(n, 1); }

static void faults_of_2(long n) { faults_of(n, 2); }

static void faults_of_4(long n) { faults_of(n, 4); }

const struct bench task_benches[] = {
	ROW(fork_exit_wait_1m, 300),
	ROW(fork_exit_wait_32m, 20),
	ROW(exec, 200),
	ROW(pipe_one_way, 10000),
	ROW(futex_one_way, 10000),
	FIRST_OF_TURNS(faults_of_1, 20000),
	IN_TURNS(faults_of_2, 40000),
	IN_TURNS(faults_of_4, 40000),
	NO_ROW,
};
