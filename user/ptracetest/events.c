/* PTRACE_O_TRACE...: fork, clone, exec and exit as events. */
#include "tracer.h"

static void forks(void *arg)
{
	int status;
	pid_t pid = arg ? vfork() : fork();

	if (pid == 0)
		_exit(5);
	_exit(waitpid(pid, &status, 0) == pid && status == 5 << 8 ? 6 : 1);
}

static pid_t event_message(pid_t pid)
{
	unsigned long m;

	EQ(ptrace(PTRACE_GETEVENTMSG, pid, 0, &m), 0);
	return m;
}

TEST(fork_event)
{
	pid_t pid = traced(forks, 0);

	EQ(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEFORK), 0);
	go_on(PTRACE_CONT, pid, 0);
	EVENT(pid, PTRACE_EVENT_FORK);
	pid_t child = event_message(pid);
	CHECK(child > 0 && child != pid);
	STOPPED(child, SIGSTOP);
	go_on(PTRACE_CONT, pid, 0);
	go_on(PTRACE_CONT, child, 0);
	EXITED(child, 5);
	STOPPED(pid, SIGCHLD);
	go_on(PTRACE_CONT, pid, 0);
	EXITED(pid, 6);
}

TEST(vfork_events)
{
	pid_t pid = traced(forks, BAD);

	EQ(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEVFORKDONE), 0);
	go_on(PTRACE_CONT, pid, 0);
	EVENT(pid, PTRACE_EVENT_VFORK_DONE);
	go_on(PTRACE_CONT, pid, 0);
	STOPPED(pid, SIGCHLD);
	go_on(PTRACE_CONT, pid, 0);
	EXITED(pid, 6);
}

TEST(exit_event)
{
	pid_t pid = traced(forks, 0);

	EQ(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXIT), 0);
	go_on(PTRACE_CONT, pid, 0);
	STOPPED(pid, SIGCHLD);
	go_on(PTRACE_CONT, pid, 0);
	EVENT(pid, PTRACE_EVENT_EXIT);
	EQ(event_message(pid), 6 << 8);
	registers(pid);
	go_on(PTRACE_CONT, pid, 0);
	EXITED(pid, 6);
}

TEST(kill_in_the_exit_event)
{
	pid_t pid = traced(forks, 0);

	EQ(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXIT), 0);
	go_on(PTRACE_CONT, pid, 0);
	STOPPED(pid, SIGCHLD);
	go_on(PTRACE_CONT, pid, 0);
	EVENT(pid, PTRACE_EVENT_EXIT);
	EQ(kill(pid, SIGKILL), 0);
	ptrace(PTRACE_CONT, pid, 0, 0); /* Linux may or may not have ended the stop */
	int status = next_status(pid);
	CHECK(status == 6 << 8 || status == SIGKILL);
}

static void execs(void *arg)
{
	char *argv[] = {"/proc/self/exe", arg, 0};

	execv(argv[0], argv);
	_exit(98);
}

TEST(exec_event)
{
	pid_t pid = traced(execs, "-l");

	EQ(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXEC), 0);
	go_on(PTRACE_CONT, pid, 0);
	EVENT(pid, PTRACE_EVENT_EXEC);
	EQ(event_message(pid), pid);
	finish(pid);
}

TEST(exec_without_the_option)
{
	pid_t pid = traced(execs, "-l");

	go_on(PTRACE_CONT, pid, 0);
	STOPPED(pid, SIGTRAP);
	finish(pid);
}

static int thread(void *arg)
{
	(void)arg;
	syscall(SYS_exit, 3);
	return 0;
}

static void clones(void *arg)
{
	static char stack[65536] __attribute__((aligned(16)));
	const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;

	(void)arg;
	clone(thread, stack + sizeof stack, flags, 0);
	for (;;)
		pause();
}

TEST(threads_are_traced_each)
{
	pid_t pid = traced(clones, 0);

	EQ(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACECLONE), 0);
	go_on(PTRACE_CONT, pid, 0);
	EVENT(pid, PTRACE_EVENT_CLONE);
	pid_t tid = event_message(pid);
	STOPPED(tid, SIGSTOP);
	go_on(PTRACE_CONT, tid, 0);
	EXITED(tid, 3);
	finish(pid);
}
