#include "tap.h"

struct tap_case tap_cases[TAP_MAX];
int tap_count;

int tap_status(void (*f)(void *), void *arg)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		f(arg);
		fflush(stdout);
		_exit(0);
	}
	while (waitpid(pid, &status, 0) != pid)
		CHECK(errno == EINTR);
	return status;
}

static sigjmp_buf fault_return;
static struct tap_fault fault_seen;

static void on_fault(int sig, siginfo_t *info, void *context)
{
	(void)context;
	fault_seen = (struct tap_fault){sig, info->si_code, info->si_addr};
	siglongjmp(fault_return, 1);
}

struct tap_fault tap_fault(void (*f)(void *), void *arg)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
	static char stack[64 * 1024];
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};

	CHECK(sigaltstack(&alternate, NULL) == 0);
	for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++)
		CHECK(sigaction(signals[i], &action, NULL) == 0);
	fault_seen = (struct tap_fault){0, 0, NULL};
	if (sigsetjmp(fault_return, 1) == 0)
		f(arg);
	for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++)
		signal(signals[i], SIG_DFL);
	return fault_seen;
}

static void do_read(void *p) { (void)*(volatile char *)p; }
static void do_write(void *p) { *(volatile char *)p = 1; }
static void do_exec(void *p) { ((void (*)(void))p)(); }

struct tap_fault tap_read_fault(volatile void *p) { return tap_fault(do_read, (void *)p); }
struct tap_fault tap_write_fault(volatile void *p) { return tap_fault(do_write, (void *)p); }
struct tap_fault tap_exec_fault(void *p) { return tap_fault(do_exec, p); }

long tap_field(const char *file, const char *name)
{
	char line[256];
	long value = -1;
	size_t n = strlen(name);
	FILE *f = fopen(file, "r");

	if (!f)
		return -1;
	while (fgets(line, sizeof line, f))
		if (strncmp(line, name, n) == 0 && (line[n] == ':' || line[n] == ' ')) {
			value = atol(line + n + 1);
			break;
		}
	fclose(f);
	return value;
}

static void run_case(void *arg)
{
	alarm(TAP_SECONDS);
	((struct tap_case *)arg)->run();
}

static int wanted(const char *name, int argc, char **argv)
{
	int named = 0;

	for (int i = 1; i < argc; i++) {
		if (argv[i][0] == '-')
			continue;
		named = 1;
		if (strcmp(argv[i], name) == 0)
			return 1;
	}
	return !named;
}

/* report prints the line for one case and says whether it failed. */
static int report(int number, const char *name, int status)
{
	int skipped = WIFEXITED(status) && WEXITSTATUS(status) == 77;
	int failed = status != 0 && !skipped;

	if (WIFSIGNALED(status))
		printf("# killed by signal %d\n", WTERMSIG(status));
	printf("%s %d - %s%s\n", failed ? "not ok" : "ok", number, name, skipped ? " # SKIP" : "");
	fflush(stdout);
	return failed;
}

int main(int argc, char **argv)
{
	int number = 0, failed = 0, no_fork = 0;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-n") == 0)
			no_fork = 1;
		if (strcmp(argv[i], "-l") == 0) {
			for (int c = 0; c < tap_count; c++)
				puts(tap_cases[c].name);
			return 0;
		}
	}
	for (int c = 0; c < tap_count; c++)
		number += wanted(tap_cases[c].name, argc, argv);
	printf("TAP version 13\n1..%d\n", number);
	fflush(stdout);
	number = 0;
	for (int c = 0; c < tap_count; c++) {
		int status = 0;

		if (!wanted(tap_cases[c].name, argc, argv))
			continue;
		if (no_fork)
			run_case(&tap_cases[c]);
		else
			status = tap_status(run_case, &tap_cases[c]);
		failed += report(++number, tap_cases[c].name, status);
	}
	printf("# %d cases, %d failed\n", number, failed);
	return failed ? 1 : 0;
}
