/* Where a tracee stops, and what its tracer hears of it. */
#include "tracer.h"

static void nothing(void *arg) { (void)arg; }

TEST(traceme_stops_at_signals)
{
	pid_t pid = traced(nothing, 0);

	EQ(state_of(pid), 't');
	go_on(PTRACE_CONT, pid, 0);
	EXITED(pid, 0);
}

TEST(traceme_twice)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0)
			_exit(1);
		_exit(ptrace(PTRACE_TRACEME, 0, 0, 0) == -1 && errno == EPERM ? 0 : 2);
	}
	EXITED(pid, 0);
}

static volatile int handled;
static void handler(int sig) { handled = sig; }

static void raises(void *sig)
{
	signal(SIGUSR1, handler);
	raise((int)(intptr_t)sig);
	_exit(handled);
}

TEST(signals_are_shown_and_pass)
{
	pid_t pid = traced(raises, (void *)SIGUSR1);

	go_on(PTRACE_CONT, pid, 0);
	STOPPED(pid, SIGUSR1);
	siginfo_t info;
	EQ(ptrace(PTRACE_GETSIGINFO, pid, 0, &info), 0);
	EQ(info.si_signo, SIGUSR1);
	EQ(info.si_pid, pid);
	go_on(PTRACE_CONT, pid, SIGUSR1);
	EXITED(pid, SIGUSR1);
}

TEST(signals_can_be_kept_away)
{
	pid_t pid = traced(raises, (void *)SIGTERM);

	go_on(PTRACE_CONT, pid, 0);
	STOPPED(pid, SIGTERM);
	go_on(PTRACE_CONT, pid, 0);
	EXITED(pid, 0);
}

TEST(signals_can_be_replaced)
{
	pid_t pid = traced(raises, (void *)SIGTERM);

	go_on(PTRACE_CONT, pid, 0);
	STOPPED(pid, SIGTERM);
	go_on(PTRACE_CONT, pid, SIGUSR1);
	EXITED(pid, SIGUSR1);
}

TEST(every_signal_stops)
{
	for (int sig = 1; sig <= 64; sig++) {
		if (sig == 32 || sig == 33 || sig == 34)
			continue;
		pid_t pid = fork();
		if (pid == 0) {
			ptrace(PTRACE_TRACEME, 0, 0, 0);
			kill(getpid(), sig);
			_exit(0);
		}
		if (sig == SIGKILL) {
			KILLED(pid, SIGKILL);
			continue;
		}
		STOPPED(pid, sig);
		go_on(PTRACE_CONT, pid, 0);
		EXITED(pid, 0);
	}
}

TEST(kill_ends_a_stop)
{
	pid_t pid = traced(nothing, 0);

	finish(pid);
	pid = traced(nothing, 0);
	EQ(ptrace(PTRACE_KILL, pid, 0, 0), 0);
	KILLED(pid, SIGKILL);
}

TEST(attach_and_detach)
{
	pid_t pid = idle();

	EQ(ptrace(PTRACE_ATTACH, pid, 0, 0), 0);
	STOPPED(pid, SIGSTOP);
	EQ(state_of(pid), 't');
	char path[40];
	snprintf(path, sizeof path, "/proc/%d/status", pid);
	EQ(tap_field(path, "TracerPid"), getpid());
	FAILS(ptrace(PTRACE_ATTACH, pid, 0, 0), EPERM);
	go_on(PTRACE_DETACH, pid, 0);
	EQ(tap_field(path, "TracerPid"), 0);
	EQ(kill(pid, SIGTERM), 0);
	KILLED(pid, SIGTERM);
}

TEST(attach_to_a_stopped_process)
{
	pid_t pid = idle();
	int status;

	EQ(kill(pid, SIGSTOP), 0);
	EQ(waitpid(pid, &status, WUNTRACED), pid);
	EQ(ptrace(PTRACE_ATTACH, pid, 0, 0), 0);
	registers(pid); /* no wait in between */
	go_on(PTRACE_DETACH, pid, 0);
	EQ(kill(pid, SIGCONT), 0);
	finish(pid);
}

TEST(who_may_not_ask)
{
	pid_t pid = idle();

	FAILS(ptrace(PTRACE_ATTACH, getpid(), 0, 0), EPERM);
	FAILS(ptrace(PTRACE_ATTACH, 999999, 0, 0), ESRCH);
	FAILS(ptrace(PTRACE_CONT, pid, 0, 0), ESRCH);
	FAILS(ptrace(PTRACE_DETACH, pid, 0, 0), ESRCH);
	FAILS(ptrace(PTRACE_KILL, pid, 0, 0), ESRCH);
	FAILS(ptrace(0x5555, pid, 0, 0), ESRCH);
	EQ(ptrace(PTRACE_SEIZE, pid, 0, 0), 0);
	FAILS(ptrace(PTRACE_CONT, pid, 0, 0), ESRCH); /* it runs */
	finish(pid);
}

TEST(bad_requests)
{
	pid_t pid = traced(nothing, 0);

	FAILS(ptrace(PTRACE_CONT, pid, 0, 65), EIO);
	FAILS(ptrace(PTRACE_DETACH, pid, 0, -1), EIO);
	FAILS(ptrace(0x5555, pid, 0, 0), EIO);
	FAILS(ptrace(PTRACE_SETOPTIONS, pid, 0, 1 << 30), EINVAL);
	FAILS(ptrace(PTRACE_GETREGS, pid, 0, BAD), EFAULT);
	FAILS(ptrace(PTRACE_SETREGS, pid, 0, BAD), EFAULT);
	FAILS(ptrace(PTRACE_GETSIGINFO, pid, 0, BAD), EFAULT);
	FAILS(ptrace(PTRACE_PEEKUSER, pid, (void *)3, 0), EIO);
	FAILS(ptrace(PTRACE_PEEKUSER, pid, (void *)928, 0), EIO); /* the size of struct user */
	FAILS(ptrace(PTRACE_POKEUSER, pid, (void *)928, 0), EIO);
	FAILS(ptrace(PTRACE_INTERRUPT, pid, 0, 0), EIO);
	finish(pid);
}

static void calls(void *arg)
{
	(void)arg;
	syscall(SYS_getppid);
	_exit(syscall(SYS_dup, 9999) == 7 ? 0 : 1);
}

/* to_call goes to the next stop at a system call. */
static struct user_regs_struct to_call(pid_t pid)
{
	go_on(PTRACE_SYSCALL, pid, 0);
	STOPPED(pid, SIGTRAP | 0x80);
	return registers(pid);
}

TEST(system_calls_stop_twice)
{
	pid_t pid = traced(calls, 0);
	struct user_regs_struct r;

	EQ(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD), 0);
	do
		r = to_call(pid);
	while (r.orig_rax != SYS_getppid);
	EQ(r.rax, -ENOSYS);
	r = to_call(pid);
	EQ(r.orig_rax, SYS_getppid);
	EQ(r.rax, getpid());
	r = to_call(pid);
	EQ(r.orig_rax, SYS_dup);
	EQ(r.rdi, 9999);
	r = to_call(pid);
	EQ(r.rax, -EBADF);
	r.rax = 7;
	EQ(ptrace(PTRACE_SETREGS, pid, 0, &r), 0);
	go_on(PTRACE_CONT, pid, 0);
	EXITED(pid, 0);
}

TEST(a_call_can_be_replaced)
{
	pid_t pid = traced(calls, 0);
	struct user_regs_struct r;

	EQ(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD), 0);
	do
		r = to_call(pid);
	while (r.orig_rax != SYS_dup);
	r.orig_rax = SYS_exit_group;
	r.rdi = 44;
	EQ(ptrace(PTRACE_SETREGS, pid, 0, &r), 0);
	go_on(PTRACE_CONT, pid, 0);
	EXITED(pid, 44);
}

TEST(a_call_can_be_left_out)
{
	pid_t pid = traced(calls, 0);
	struct user_regs_struct r;

	EQ(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD), 0);
	do
		r = to_call(pid);
	while (r.orig_rax != SYS_dup);
	EQ(ptrace(PTRACE_POKEUSER, pid, offsetof(struct user_regs_struct, orig_rax), -1L), 0);
	r = to_call(pid);
	EQ(r.rax, -ENOSYS);
	finish(pid);
}

static void counted(void *arg)
{
	(void)arg;
	__asm__ volatile("int3\n\t"
			 "mov $0, %%ecx\n\t"
			 "inc %%ecx\n\t"
			 "inc %%ecx\n\t"
			 "mov $39, %%eax\n\t"
			 "syscall\n\t"
			 "nop\n\t"
			 "int3"
			 ::: "rax", "rcx", "r11", "memory");
}

TEST(single_steps)
{
	static const int length[] = {5, 2, 2, 5, 2, 1}; /* of the instructions */
	pid_t pid = traced(counted, 0);

	go_on(PTRACE_CONT, pid, 0);
	STOPPED(pid, SIGTRAP);
	struct user_regs_struct r = registers(pid);
	for (unsigned i = 0; i < sizeof length / sizeof *length; i++) {
		unsigned long at = r.rip;
		siginfo_t info;

		go_on(PTRACE_SINGLESTEP, pid, 0);
		STOPPED(pid, SIGTRAP);
		r = registers(pid);
		EQ(r.rip - at, length[i]);
		EQ(r.eflags & 0x100, 0);
		EQ(ptrace(PTRACE_GETSIGINFO, pid, 0, &info), 0);
		EQ(info.si_signo, SIGTRAP);
		if (i != 4)
			EQ(info.si_code, TRAP_TRACE);
		if (i == 2)
			EQ(r.rcx, 2);
		if (i == 4)
			EQ(r.rax, pid);
	}
	finish(pid);
}

TEST(stops_of_the_group)
{
	pid_t pid = traced(raises, (void *)SIGSTOP);
	siginfo_t info;

	go_on(PTRACE_CONT, pid, 0);
	STOPPED(pid, SIGSTOP);
	EQ(ptrace(PTRACE_GETSIGINFO, pid, 0, &info), 0);
	go_on(PTRACE_CONT, pid, SIGSTOP);
	STOPPED(pid, SIGSTOP);
	FAILS(ptrace(PTRACE_GETSIGINFO, pid, 0, &info), EINVAL); /* the group's */
	go_on(PTRACE_CONT, pid, 0);
	EXITED(pid, 0);
}

TEST(wait_details)
{
	pid_t pid = traced(raises, (void *)SIGUSR2);
	siginfo_t info;

	EQ(waitpid(pid, 0, WNOHANG), 0);
	go_on(PTRACE_CONT, pid, 0);
	EQ(waitid(P_PID, pid, &info, WSTOPPED | WNOWAIT), 0);
	EQ(info.si_pid, pid);
	EQ(info.si_code, CLD_TRAPPED);
	EQ(info.si_status, SIGUSR2);
	EQ(waitid(P_ALL, 0, &info, WEXITED), 0); /* tracers hear of stops unasked */
	EQ(info.si_code, CLD_TRAPPED);
	EQ(waitid(P_PID, pid, &info, WSTOPPED | WNOHANG), 0);
	finish(pid);
}

TEST(seize_interrupt_listen)
{
	pid_t pid = idle();

	EQ(ptrace(PTRACE_SEIZE, pid, 0, 0), 0);
	EQ(waitpid(pid, 0, WNOHANG), 0);
	EQ(ptrace(PTRACE_INTERRUPT, pid, 0, 0), 0);
	EVENT(pid, PTRACE_EVENT_STOP);
	go_on(PTRACE_CONT, pid, 0);
	EQ(kill(pid, SIGSTOP), 0);
	STOPPED(pid, SIGSTOP);
	go_on(PTRACE_CONT, pid, SIGSTOP);
	EQ(next_status(pid), (SIGSTOP | PTRACE_EVENT_STOP << 8) << 8 | 0x7f);
	EQ(ptrace(PTRACE_LISTEN, pid, 0, 0), 0);
	EQ(waitpid(pid, 0, WNOHANG), 0);
	EQ(kill(pid, SIGCONT), 0);
	EVENT(pid, PTRACE_EVENT_STOP);
	go_on(PTRACE_CONT, pid, 0);
	STOPPED(pid, SIGCONT);
	go_on(PTRACE_DETACH, pid, 0);
	finish(pid);
}

TEST(the_tracer_ends)
{
	int pipes[2];
	pid_t pid = idle();

	EQ(pipe(pipes), 0);
	pid_t tracer = fork();
	if (tracer == 0) {
		CHECK(ptrace(PTRACE_ATTACH, pid, 0, 0) == 0);
		CHECK(waitpid(pid, 0, 0) == pid);
		_exit(0);
	}
	EXITED(tracer, 0);
	EQ(kill(pid, SIGTERM), 0);
	KILLED(pid, SIGTERM);

	pid = idle();
	tracer = fork();
	if (tracer == 0) {
		CHECK(ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_EXITKILL) == 0);
		_exit(0);
	}
	EXITED(tracer, 0);
	KILLED(pid, SIGKILL);
}

TEST(the_tracer_sees_the_end_first)
{
	pid_t pid = idle(), tracer = fork();

	if (tracer == 0) {
		int status;
		CHECK(ptrace(PTRACE_SEIZE, pid, 0, 0) == 0);
		kill(pid, SIGKILL);
		CHECK(waitpid(pid, &status, 0) == pid && status == SIGKILL);
		CHECK(waitpid(pid, &status, 0) == -1 && errno == ECHILD);
		_exit(0);
	}
	EXITED(tracer, 0);
	KILLED(pid, SIGKILL);
}
