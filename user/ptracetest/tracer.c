/* What the tests of ptrace have in common. */
#include "tracer.h"

int next_status(pid_t pid)
{
	int status;

	EQ(waitpid(pid, &status, __WALL), pid);
	return status;
}

void go_on(int request, pid_t pid, long sig) { EQ(ptrace(request, pid, 0, sig), 0); }

pid_t traced(void (*f)(void *), void *arg)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0)
			_exit(99);
		raise(SIGSTOP);
		f(arg);
		_exit(0);
	}
	STOPPED(pid, SIGSTOP);
	return pid;
}

pid_t idle(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* nothing is left of a case that failed */
		for (;;)
			pause();
	}
	return pid;
}

void finish(pid_t pid)
{
	EQ(kill(pid, SIGKILL), 0);
	KILLED(pid, SIGKILL);
}

struct user_regs_struct registers(pid_t pid)
{
	struct user_regs_struct r;

	EQ(ptrace(PTRACE_GETREGS, pid, 0, &r), 0);
	return r;
}

char state_of(pid_t pid)
{
	char path[40], state = '?';

	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	FILE *f = fopen(path, "r");
	CHECK(f && fscanf(f, "%*d (%*[^)]) %c", &state) == 1);
	fclose(f);
	return state;
}
