/* Processes: fork, exec, wait, pipes. */
#define _GNU_SOURCE
#include "tap.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static void child_exit(void *arg) { _exit((int)(long)arg); }
static void child_kill(void *arg)
{
	signal((int)(long)arg, SIG_DFL); /* nohup has SIGHUP ignored */
	kill(getpid(), (int)(long)arg);
	pause();
}

TEST(exit_status)
{
	for (long n = 0; n < 256; n += 51) {
		int status = tap_status(child_exit, (void *)n);
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == n);
	}
	EQ(WEXITSTATUS(tap_status(child_exit, (void *)0x1234)), 0x34);
}

TEST(death_by_signal)
{
	static const int signals[] = {SIGTERM, SIGKILL, SIGINT, SIGHUP, SIGUSR1, SIGALRM, SIGPIPE};

	for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) {
		int status = tap_status(child_kill, (void *)(long)signals[i]);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == signals[i]);
	}
}

TEST(fork_copies_memory)
{
	static int value = 1;
	int on_stack = 2, status;
	int *on_heap = malloc(sizeof *on_heap);

	*on_heap = 3;
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		value = on_stack = *on_heap = 99;
		_exit(value + on_stack + *on_heap == 297 ? 0 : 1);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(value == 1 && on_stack == 2 && *on_heap == 3);
}

TEST(many_children)
{
	enum { N = 40 };
	pid_t pid[N];
	int status, sum = 0;

	for (int i = 0; i < N; i++) {
		pid[i] = fork();
		CHECK(pid[i] >= 0);
		if (pid[i] == 0)
			_exit(i);
	}
	for (int i = 0; i < N; i++) {
		CHECK(wait(&status) > 0 && WIFEXITED(status));
		sum += WEXITSTATUS(status);
	}
	CHECK(sum == N * (N - 1) / 2);
	FAILS(wait(&status), ECHILD);
}

TEST(wait_nohang)
{
	int status, go[2];
	char c;

	CHECK(pipe(go) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(go[1]);
		_exit(read(go[0], &c, 1) == 0 ? 5 : 6);
	}
	close(go[0]);
	CHECK(waitpid(pid, &status, WNOHANG) == 0);
	close(go[1]);
	CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 5);
	FAILS(waitpid(pid, &status, 0), ECHILD);
}

TEST(pipe_carries_bytes)
{
	enum { N = 300000 };
	int fd[2], status;
	static unsigned char buf[4096];
	long total = 0;

	CHECK(pipe(fd) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(fd[0]);
		for (long i = 0; i < N;) {
			long n = N - i < 3001 ? N - i : 3001;
			for (long k = 0; k < n; k++)
				buf[k] = (i + k) * 31;
			for (long done = 0; done < n;) {
				long w = write(fd[1], buf + done, n - done);
				if (w <= 0)
					_exit(1);
				done += w;
			}
			i += n;
		}
		_exit(0);
	}
	close(fd[1]);
	for (long n; (n = read(fd[0], buf, sizeof buf)) > 0; total += n)
		for (long k = 0; k < n; k++)
			CHECK(buf[k] == (unsigned char)((total + k) * 31));
	CHECK(total == N);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

TEST(pipe_without_reader)
{
	int fd[2];

	CHECK(pipe(fd) == 0);
	close(fd[0]);
	signal(SIGPIPE, SIG_IGN);
	FAILS(write(fd[1], "x", 1), EPIPE);
}

TEST(pipe_wakes_blocked_writer)
{
	int fd[2], status;
	static char big[256 * 1024];

	CHECK(pipe(fd) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(fd[0]);
		_exit(write(fd[1], big, sizeof big) == sizeof big ? 0 : 1);
	}
	close(fd[1]);
	long total = 0, n;
	while ((n = read(fd[0], big, 1000)) > 0)
		total += n;
	CHECK(total == sizeof big);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

/* exec_self runs this program again with one case and returns the wait status. */
static int exec_self(const char *name, char *const env[])
{
	char *argv[] = {"self", (char *)name, NULL};
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);
		dup2(null, 1);
		execve("/proc/self/exe", argv, env);
		_exit(111);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	return status;
}

TEST(exec_runs_anew)
{
	char *env[] = {"PATH=/bin", NULL};

	EQ(exec_self("exit_status", env), 0);
}

TEST(exec_errors)
{
	char *argv[] = {"x", NULL}, *env[] = {NULL};
	int fd;

	FAILS(execve("/no/such/file", argv, env), ENOENT);
	FAILS(execve("/", argv, env), EACCES);
	fd = open("/tmp/exec-junk", O_CREAT | O_TRUNC | O_WRONLY, 0755);
	CHECK(fd >= 0 && write(fd, "\177ELFgarbage", 11) == 11 && close(fd) == 0);
	FAILS(execve("/tmp/exec-junk", argv, env), ENOEXEC);
	CHECK(chmod("/tmp/exec-junk", 0644) == 0);
	FAILS(execve("/tmp/exec-junk", argv, env), EACCES);
	FAILS(syscall(SYS_execve, 16L, argv, env), EFAULT);
	CHECK(unlink("/tmp/exec-junk") == 0);
}

TEST(vfork_then_exit)
{
	int status;
	pid_t pid = vfork();

	if (pid == 0)
		_exit(9);
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 9);
}

TEST(orphan_is_adopted)
{
	int fd[2], status;
	pid_t seen;

	CHECK(pipe(fd) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		pid_t parent = getpid();
		if (fork() == 0) {
			while (getppid() == parent)
				usleep(1000);
			seen = getppid();
			_exit(write(fd[1], &seen, sizeof seen) != sizeof seen);
		}
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(read(fd[0], &seen, sizeof seen) == sizeof seen && seen >= 1 && seen != pid);
}

TEST(usage_of_children)
{
	struct rusage ru;

	CHECK(getrusage(RUSAGE_SELF, &ru) == 0);
	CHECK(ru.ru_minflt >= 0);
}

TEST(dup_and_cloexec)
{
	int fd[2];

	CHECK(pipe2(fd, O_CLOEXEC) == 0);
	CHECK(fcntl(fd[0], F_GETFD) == FD_CLOEXEC);
	int copy = dup(fd[1]);
	CHECK(copy >= 0 && fcntl(copy, F_GETFD) == 0);
	CHECK(dup2(copy, 50) == 50 && write(50, "y", 1) == 1);
	FAILS(dup2(12345, 3), EBADF);
}

TEST(proc_pid_syscall)
{
	char name[64], line[256] = "", want[64];
	int fd[2];

	CHECK(pipe(fd) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		char c;
		_exit(read(fd[0], &c, 1) != 1);
	}
	snprintf(name, sizeof name, "/proc/%d/syscall", pid);
	snprintf(want, sizeof want, "%d %#x ", SYS_read, fd[0]);
	while (strncmp(line, want, strlen(want))) { /* "running" until it sleeps */
		FILE *f = fopen(name, "r");
		CHECK(f && fgets(line, sizeof line, f));
		fclose(f);
	}
	unsigned long arg[6], sp, pc;
	EQ(sscanf(line, "%*d %lx %lx %lx %lx %lx %lx %lx %lx", &arg[0], &arg[1], &arg[2], &arg[3], &arg[4], &arg[5], &sp, &pc), 8);
	EQ(arg[2], 1);
	CHECK(arg[1] >= sp && arg[1] - sp < 1 << 20); /* c is on the stack */
	CHECK(pc != 0);
	CHECK(write(fd[1], "x", 1) == 1);
	int status;
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void reboots_as_nobody(void *arg)
{
	(void)arg;
	CHECK(setuid(65534) == 0);
	FAILS(syscall(SYS_reboot, 0xfee1dead, 672274793, 0, 0), EPERM);
	_exit(0);
}

TEST(reboot_errors)
{
	FAILS(syscall(SYS_reboot, 1, 672274793, 0, 0), EINVAL); /* CAD_OFF, were the number right */
	FAILS(syscall(SYS_reboot, 0xfee1dead, 2, 0, 0), EINVAL);
	EQ(tap_status(reboots_as_nobody, NULL), 0);
}

static void on_usr1(int sig) { (void)sig; }

/* state is the letter of a process in /proc/PID/stat. */
static char state(pid_t pid)
{
	char name[64], s = '?';

	snprintf(name, sizeof name, "/proc/%d/stat", pid);
	FILE *f = fopen(name, "r");
	CHECK(f && fscanf(f, "%*d (%*[^)]) %c", &s) == 1);
	fclose(f);
	return s;
}

/* Who waits for state S and then sends a signal wakes that sleep: a child that has not
 * begun yet, or has no CPU, does not sleep. */
TEST(asleep_is_asleep)
{
	signal(SIGUSR1, on_usr1);
	for (int i = 0; i < 100; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			pause();
			_exit(0);
		}
		while (state(pid) != 'S')
			;
		kill(pid, SIGUSR1);
		int status;
		CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	}
}

static volatile sig_atomic_t hangups;
static void on_hangup(int sig)
{
	(void)sig;
	hangups++;
}

/* stopped_child forks a child that stops, and waits until it has. */
static pid_t stopped_child(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		raise(SIGSTOP);
		_exit((int)hangups);
	}
	CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	return pid;
}

/* Whose end leaves a stopped process with nobody to continue it hangs up its group. */
TEST(new_orphans_are_hung_up)
{
	int fd[2], status;
	char c;

	CHECK(pipe(fd) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		signal(SIGHUP, SIG_DFL);
		stopped_child(); /* it ends with the hangup, and so does the pipe */
		_exit(0);
	}
	close(fd[1]);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	EQ(read(fd[0], &c, 1), 0);
}

static void in_a_session_of_its_own(void *arg)
{
	int status;

	(void)arg;
	signal(SIGHUP, on_hangup);
	CHECK(setsid() > 0);
	pid_t stopped = stopped_child(), pid = fork();
	if (pid == 0)
		_exit(0);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	EQ(hangups, 0);
	EQ(waitpid(stopped, &status, WNOHANG | WCONTINUED), 0);
	kill(stopped, SIGCONT);
	CHECK(waitpid(stopped, &status, 0) == stopped && status == 0);
	_exit(0);
}

/* A group that never had anybody to continue it is not hung up when a member ends. */
TEST(old_orphans_are_left_alone)
{
	EQ(tap_status(in_a_session_of_its_own, NULL), 0);
}
