/* Hardware breakpoints, by the debug registers in struct user. */
#include "tracer.h"

#include <pthread.h>

#ifndef TRAP_HWBKPT
#define TRAP_HWBKPT 4
#endif

enum { EXECUTE, WRITE, IO, ACCESS };
enum { DR6_CLEAR = 0xffff0ff0, DR6_STEP = 1 << 14 };

static long debug_register(pid_t pid, int n)
{
	errno = 0;
	long v = ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, u_debugreg[0]) + n * 8UL, 0);
	EQ(errno, 0);
	return v;
}

static long set_register(pid_t pid, int n, const void *v)
{
	return ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[0]) + n * 8UL, v);
}

/* control is what DR7 has of breakpoint n. */
static unsigned long control(int n, int kind, int size)
{
	static const int sizes[] = {[1] = 0, [2] = 1, [4] = 3, [8] = 2};

	return 1ul << 2 * n | (unsigned long)(kind | sizes[size] << 2) << (16 + 4 * n);
}

static void set(pid_t pid, int n, const volatile void *addr, int kind, int size)
{
	EQ(set_register(pid, n, (const void *)addr), 0);
	EQ(set_register(pid, 7, (void *)(debug_register(pid, 7) | control(n, kind, size))), 0);
}

/* hit wants the next stop of pid to be breakpoint n's, and returns where. */
static unsigned long hit(pid_t pid, int n)
{
	siginfo_t info;

	STOPPED(pid, SIGTRAP);
	EQ(ptrace(PTRACE_GETSIGINFO, pid, 0, &info), 0);
	EQ(info.si_code, TRAP_HWBKPT);
	EQ(debug_register(pid, 6), DR6_CLEAR | 1 << n);
	unsigned long rip = registers(pid).rip;
	EQ((unsigned long)info.si_addr, rip);
	return rip;
}

static volatile struct {
	_Alignas(64) long a, b;
	char bytes[16];
	long calls;
} data;

__attribute__((noinline, noclone)) static void called(void)
{
	data.calls++;
	__asm__ volatile("");
}

static void works(void *arg)
{
	(void)arg;
	for (int i = 0; i < 3; i++)
		called();
	data.a = 1;
	CHECK(data.b == 0);
	data.b = 2;
	data.bytes[3] = 1;
	data.bytes[4] = 1;
	CHECK(data.calls == 3);
	_exit(7);
}

TEST(breakpoint_on_a_function)
{
	pid_t pid = traced(works, 0);

	set(pid, 0, called, EXECUTE, 1);
	for (int i = 0; i < 3; i++) {
		go_on(PTRACE_CONT, pid, 0);
		EQ(hit(pid, 0), (unsigned long)called);
	}
	go_on(PTRACE_CONT, pid, 0);
	EXITED(pid, 7);
}

TEST(watched_data)
{
	pid_t pid = traced(works, 0);

	set(pid, 1, &data.a, WRITE, 8);
	set(pid, 3, &data.b, ACCESS, 8);
	go_on(PTRACE_CONT, pid, 0);
	hit(pid, 1); /* data.a is written */
	EQ(ptrace(PTRACE_PEEKDATA, pid, &data.a, 0), 1);
	go_on(PTRACE_CONT, pid, 0);
	hit(pid, 3); /* data.b is read */
	EQ(ptrace(PTRACE_PEEKDATA, pid, &data.b, 0), 0);
	go_on(PTRACE_CONT, pid, 0);
	hit(pid, 3);
	EQ(ptrace(PTRACE_PEEKDATA, pid, &data.b, 0), 2);
	go_on(PTRACE_CONT, pid, 0);
	EXITED(pid, 7);
}

TEST(reads_do_not_hit_what_is_watched_for_writes)
{
	pid_t pid = traced(works, 0);

	set(pid, 2, &data.bytes[4], WRITE, 4);
	set(pid, 0, &data.b, WRITE, 8);
	go_on(PTRACE_CONT, pid, 0);
	hit(pid, 0);
	EQ(ptrace(PTRACE_PEEKDATA, pid, &data.b, 0), 2);
	go_on(PTRACE_CONT, pid, 0);
	hit(pid, 2); /* not for bytes[3] */
	EQ(set_register(pid, 7, 0), 0);
	go_on(PTRACE_CONT, pid, 0);
	EXITED(pid, 7);
}

TEST(breakpoint_met_by_a_step)
{
	pid_t pid = traced(works, 0);
	siginfo_t info;

	set(pid, 0, called, EXECUTE, 1);
	go_on(PTRACE_CONT, pid, 0);
	EQ(hit(pid, 0), (unsigned long)called);
	go_on(PTRACE_SINGLESTEP, pid, 0);
	STOPPED(pid, SIGTRAP);
	EQ(ptrace(PTRACE_GETSIGINFO, pid, 0, &info), 0);
	EQ(info.si_code, TRAP_TRACE);
	EQ(debug_register(pid, 6), DR6_CLEAR | DR6_STEP);
	CHECK(registers(pid).rip != (unsigned long)called);
	EQ(set_register(pid, 6, 0), 0);
	EQ(debug_register(pid, 6), 0);
	finish(pid);
}

TEST(registers_are_kept)
{
	pid_t pid = traced(works, 0);

	EQ(debug_register(pid, 6), DR6_CLEAR);
	EQ(debug_register(pid, 7), 0);
	EQ(set_register(pid, 2, (void *)&data.b), 0);
	EQ(debug_register(pid, 2), (long)&data.b);
	EQ(set_register(pid, 7, (void *)(control(2, ACCESS, 8) | 0xfc00)), 0);
	EQ(debug_register(pid, 7), control(2, ACCESS, 8) | 0xfc00);
	FAILS(set_register(pid, 4, 0), EIO);
	FAILS(set_register(pid, 5, 0), EIO);
	finish(pid);
}

TEST(breakpoints_that_cannot_be)
{
	static void *const not_ours[] = {(void *)0xffff800000000000, (void *)0xffffffff80200000, (void *)0xffffffffffffffff};
	pid_t pid = traced(works, 0);

	for (int i = 0; i < 3; i++)
		FAILS(set_register(pid, 0, not_ours[i]), EINVAL);
	EQ(debug_register(pid, 0), 0);
	EQ(set_register(pid, 0, (void *)&data.a), 0);
	FAILS(set_register(pid, 7, (void *)control(0, IO, 1)), EINVAL);
	FAILS(set_register(pid, 7, (void *)control(0, EXECUTE, 4)), EINVAL);
	EQ(set_register(pid, 0, (char *)&data.a + 1), 0);
	FAILS(set_register(pid, 7, (void *)control(0, WRITE, 8)), EINVAL);
	FAILS(set_register(pid, 7, (void *)control(0, WRITE, 2)), EINVAL);
	EQ(debug_register(pid, 7), 0);
	EQ(set_register(pid, 7, (void *)control(0, WRITE, 1)), 0);
	EQ(set_register(pid, 7, 0), 0);
	go_on(PTRACE_CONT, pid, 0);
	EXITED(pid, 7);
}

/* The kernel writes to what is watched, which hits nothing, and all goes well. */
static void calls(void *arg)
{
	static char text[sizeof data.bytes];
	int fd[2];

	(void)arg;
	CHECK(pipe(fd) == 0);
	for (int i = 0; i < 50; i++) {
		CHECK(write(fd[1], text, sizeof text) == sizeof text);
		CHECK(read(fd[0], (void *)data.bytes, sizeof text) == sizeof text);
		if (i % 10 == 0)
			sched_yield();
	}
	data.bytes[8] = 1;
	_exit(7);
}

TEST(the_kernel_on_watched_data)
{
	pid_t pid = traced(calls, 0);

	set(pid, 0, &data.bytes[8], ACCESS, 8);
	go_on(PTRACE_CONT, pid, 0);
	hit(pid, 0);
	EQ(ptrace(PTRACE_PEEKDATA, pid, &data.bytes[8], 0) & 0xff, 1);
	go_on(PTRACE_CONT, pid, 0);
	EXITED(pid, 7);
}

/* Breakpoints are a thread's own: neither others, nor its children, nor the program
 * that it executes meet them. */
static void forks(void *arg)
{
	(void)arg;
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		called();
		data.a = 1;
		_exit(5);
	}
	int status;
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(status == 5 << 8);
	called();
	_exit(7);
}

TEST(a_child_has_none)
{
	pid_t pid = traced(forks, 0);

	set(pid, 0, called, EXECUTE, 1);
	set(pid, 1, &data.a, WRITE, 8);
	go_on(PTRACE_CONT, pid, 0);
	STOPPED(pid, SIGCHLD);
	go_on(PTRACE_CONT, pid, 0);
	EQ(hit(pid, 0), (unsigned long)called);
	go_on(PTRACE_CONT, pid, 0);
	EXITED(pid, 7);
}

TEST(others_run_beside_it)
{
	/* The same addresses, in a process that nobody watches, on the same CPUs. */
	pid_t other = fork();

	if (other == 0)
		for (;;) {
			called();
			data.a++;
			if (data.a % 1000 == 0)
				sched_yield();
		}
	for (int i = 0; i < 20; i++) {
		pid_t pid = traced(works, 0);
		set(pid, 0, called, EXECUTE, 1);
		set(pid, 1, &data.a, WRITE, 8);
		for (int k = 0; k < 3; k++) {
			go_on(PTRACE_CONT, pid, 0);
			EQ(hit(pid, 0), (unsigned long)called);
		}
		go_on(PTRACE_CONT, pid, 0);
		hit(pid, 1);
		go_on(PTRACE_CONT, pid, 0);
		EXITED(pid, 7);
		EQ(waitpid(other, NULL, WNOHANG), 0);
	}
	kill(other, SIGKILL);
	KILLED(other, SIGKILL);
}

static void executes(void *arg)
{
	char *argv[] = {"ptracetest", "-l", NULL};

	(void)arg;
	close(1);
	execv("/proc/self/exe", argv);
	_exit(1);
}

TEST(exec_clears_them)
{
	pid_t pid = traced(executes, 0);

	set(pid, 0, called, EXECUTE, 1);
	set(pid, 1, &data.a, WRITE, 8);
	go_on(PTRACE_CONT, pid, 0);
	STOPPED(pid, SIGTRAP); /* the exec */
	EQ(debug_register(pid, 0), 0);
	EQ(debug_register(pid, 7), 0);
	EQ(debug_register(pid, 6), DR6_CLEAR);
	go_on(PTRACE_CONT, pid, 0);
	EXITED(pid, 0);
}

/* A debug exception waits for the instruction behind a load of SS. That may be a SYSCALL,
 * or an INT3: then it comes in the kernel, with the program's GS (CVE-2018-8897). */
static volatile _Alignas(8) unsigned short selector;

static void loads_ss(void *arg)
{
	(void)arg;
	for (int i = 0; i < 20; i++) {
		long pid = SYS_getpid;
		__asm__ volatile("movw %1, %%ss; syscall" : "+a"(pid) : "m"(selector) : "rcx", "r11", "memory");
		CHECK(pid == getpid());
		__asm__ volatile("movw %0, %%ss; int3" : : "m"(selector));
	}
	_exit(7);
}

TEST(the_instruction_behind_a_load_of_ss)
{
	unsigned short ss;
	int status;

	__asm__("movw %%ss, %0" : "=r"(ss));
	selector = ss;
	pid_t pid = traced(loads_ss, 0);
	set(pid, 0, &selector, ACCESS, 2);
	do {
		go_on(PTRACE_CONT, pid, 0);
		status = next_status(pid);
	} while (status == (SIGTRAP << 8 | 0x7f));
	EQ(status, 7 << 8);
}

static void *second_thread(void *arg)
{
	(void)arg;
	called();
	data.a = 1;
	return NULL;
}

static void starts_a_thread(void *arg)
{
	pthread_t thread;

	(void)arg;
	CHECK(pthread_create(&thread, NULL, second_thread, NULL) == 0 && pthread_join(thread, NULL) == 0);
	called();
	_exit(7);
}

TEST(a_thread_has_none)
{
	pid_t pid = traced(starts_a_thread, 0);

	set(pid, 0, called, EXECUTE, 1);
	set(pid, 1, &data.a, WRITE, 8);
	go_on(PTRACE_CONT, pid, 0);
	EQ(hit(pid, 0), (unsigned long)called);
	EQ(ptrace(PTRACE_PEEKDATA, pid, &data.calls, 0), 1);
	go_on(PTRACE_CONT, pid, 0);
	EXITED(pid, 7);
}

TEST(who_is_let_go_runs_on)
{
	pid_t pid = traced(works, 0);

	set(pid, 0, called, EXECUTE, 1);
	go_on(PTRACE_CONT, pid, 0);
	hit(pid, 0);
	EQ(set_register(pid, 7, 0), 0);
	EQ(ptrace(PTRACE_DETACH, pid, 0, 0), 0);
	EXITED(pid, 7);
}
