/* Signals: delivery, masks, restarts, alternate stacks, what handlers are told. */
#define _GNU_SOURCE
#include "tap.h"

#include <sys/time.h>
#include <time.h>

static volatile sig_atomic_t count, last, code, sender;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	(void)context;
	count++;
	last = sig;
	code = info->si_code;
	sender = info->si_pid;
}

static void handle(int sig, int flags)
{
	struct sigaction a = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | flags};

	CHECK(sigaction(sig, &a, NULL) == 0);
}

TEST(handler_is_told)
{
	handle(SIGUSR1, 0);
	CHECK(kill(getpid(), SIGUSR1) == 0);
	CHECK(count == 1 && last == SIGUSR1 && code == SI_USER && sender == getpid());
	CHECK(raise(SIGUSR1) == 0);
	CHECK(count == 2 && code == SI_TKILL);
}

TEST(blocked_then_delivered)
{
	sigset_t set, pending;

	handle(SIGUSR2, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	kill(getpid(), SIGUSR2);
	kill(getpid(), SIGUSR2);
	CHECK(count == 0);
	CHECK(sigpending(&pending) == 0 && sigismember(&pending, SIGUSR2));
	CHECK(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
	CHECK(count == 1); /* one standard signal is pending at most */
}

TEST(ignored)
{
	signal(SIGTERM, SIG_IGN);
	CHECK(kill(getpid(), SIGTERM) == 0);
}

TEST(reset_hand)
{
	struct sigaction now;

	handle(SIGUSR1, SA_RESETHAND);
	raise(SIGUSR1);
	CHECK(count == 1);
	CHECK(sigaction(SIGUSR1, NULL, &now) == 0 && now.sa_handler == SIG_DFL);
}

static volatile sig_atomic_t depth, deepest, calls;

static void nest(int sig)
{
	depth++;
	if (depth > deepest)
		deepest = depth;
	if (++calls % 3 != 0)
		raise(sig);
	depth--;
}

TEST(mask_during_handler)
{
	struct sigaction a = {.sa_handler = nest};

	CHECK(sigaction(SIGUSR1, &a, NULL) == 0);
	raise(SIGUSR1);
	CHECK(deepest == 1 && calls == 3);
	a.sa_flags = SA_NODEFER;
	CHECK(sigaction(SIGUSR1, &a, NULL) == 0);
	raise(SIGUSR1);
	CHECK(deepest == 3);
}

static void kill_parent_soon(void *arg)
{
	usleep(50000);
	kill(getppid(), (int)(long)arg);
	usleep(50000);
}

static pid_t in_background(void (*f)(void *), void *arg)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		f(arg);
		_exit(0);
	}
	return pid;
}

TEST(read_is_interrupted)
{
	int fd[2];
	char c;

	CHECK(pipe(fd) == 0);
	handle(SIGUSR1, 0);
	pid_t pid = in_background(kill_parent_soon, (void *)SIGUSR1);
	FAILS(read(fd[0], &c, 1), EINTR);
	CHECK(count == 1 && waitpid(pid, NULL, 0) == pid);
}

static void kill_then_write(void *arg)
{
	usleep(50000);
	kill(getppid(), SIGUSR1);
	usleep(50000);
	_exit(write((int)(long)arg, "z", 1) != 1);
}

TEST(read_is_restarted)
{
	int fd[2];
	char c = 0;

	CHECK(pipe(fd) == 0);
	handle(SIGUSR1, SA_RESTART);
	pid_t pid = in_background(kill_then_write, (void *)(long)fd[1]);
	CHECK(read(fd[0], &c, 1) == 1 && c == 'z' && count == 1);
	CHECK(waitpid(pid, NULL, 0) == pid);
}

TEST(sleep_tells_what_is_left)
{
	struct timespec nap = {10, 0}, left = {0, 0};

	handle(SIGUSR1, SA_RESTART); /* nanosleep is never restarted with a handler */
	pid_t pid = in_background(kill_parent_soon, (void *)SIGUSR1);
	FAILS(nanosleep(&nap, &left), EINTR);
	CHECK(left.tv_sec >= 5 && left.tv_sec <= 9);
	CHECK(waitpid(pid, NULL, 0) == pid);
}

TEST(child_signal)
{
	int status;

	handle(SIGCHLD, SA_RESTART);
	pid_t pid = fork();
	if (pid == 0)
		_exit(3);
	CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 3);
	for (int i = 0; i < 100 && count == 0; i++)
		usleep(1000);
	CHECK(count == 1 && last == SIGCHLD && code == CLD_EXITED && sender == pid);
}

TEST(alarm_interrupts_pause)
{
	struct itimerval t = {.it_value = {0, 30000}};

	handle(SIGALRM, 0);
	CHECK(setitimer(ITIMER_REAL, &t, NULL) == 0);
	FAILS(pause(), EINTR);
	CHECK(count == 1 && last == SIGALRM);
	alarm(100);
	CHECK(alarm(0) >= 99);
}

TEST(sigsuspend_waits)
{
	sigset_t block, open;

	handle(SIGUSR1, 0);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	CHECK(sigprocmask(SIG_BLOCK, &block, &open) == 0);
	pid_t pid = in_background(kill_parent_soon, (void *)SIGUSR1);
	FAILS(sigsuspend(&open), EINTR);
	CHECK(count == 1 && waitpid(pid, NULL, 0) == pid);
}

static char *handler_stack;

static void where(int sig)
{
	(void)sig;
	handler_stack = __builtin_frame_address(0);
}

TEST(alternate_stack)
{
	static char stack[65536];
	stack_t set = {.ss_sp = stack, .ss_size = sizeof stack}, now;
	struct sigaction a = {.sa_handler = where, .sa_flags = SA_ONSTACK};

	CHECK(sigaltstack(&set, NULL) == 0 && sigaltstack(NULL, &now) == 0);
	CHECK(now.ss_sp == stack && now.ss_size == sizeof stack && now.ss_flags == 0);
	CHECK(sigaction(SIGUSR1, &a, NULL) == 0);
	raise(SIGUSR1);
	CHECK(handler_stack > stack && handler_stack < stack + sizeof stack);
	set.ss_size = 100;
	FAILS(sigaltstack(&set, NULL), ENOMEM);
}

TEST(registers_survive)
{
	struct itimerval t = {{0, 2000}, {0, 2000}};
	double sum = 0;
	unsigned long mix = 1;

	handle(SIGALRM, SA_RESTART);
	CHECK(setitimer(ITIMER_REAL, &t, NULL) == 0);
	while (count < 20) {
		sum = 0;
		mix = 1;
		for (int i = 1; i <= 100000; i++) {
			sum += 1.0 / i;
			mix = mix * 6364136223846793005UL + 1442695040888963407UL;
		}
		CHECK(sum > 12.0901461298633 && sum < 12.0901461298636);
		CHECK(mix == 7853315990982803361UL);
	}
}

TEST(bad_arguments)
{
	struct sigaction a = {.sa_handler = SIG_IGN};

	FAILS(sigaction(SIGKILL, &a, NULL), EINVAL);
	FAILS(sigaction(1000, &a, NULL), EINVAL);
	FAILS(kill(getpid(), 1000), EINVAL);
	FAILS(kill(99999999, 0), ESRCH);
	CHECK(kill(getpid(), 0) == 0);
}

TEST(kill_a_busy_loop)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			;
	usleep(30000);
	CHECK(kill(pid, SIGKILL) == 0);
	CHECK(waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGKILL);
}

TEST(stop_and_continue)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	CHECK(kill(pid, SIGSTOP) == 0);
	CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	CHECK(kill(pid, SIGCONT) == 0);
	CHECK(waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status));
	CHECK(kill(pid, SIGTERM) == 0);
	CHECK(waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGTERM);
}
