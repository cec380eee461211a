/* mmfuzz FILE runs programs of memory calls, and says what each call returned and what the program saw: the same on any kernel
 * that does what Linux does. FILE has one call on a line, and an empty line after each program; the answers have the same
 * form. A last line "expect HASH" asks for no more than "same" if the answers are what they should be: a guest's serial port is slow.
 * What the words mean: words.c, and call.c; besides calls there are
 *
 *	load ADDR, store ADDR BYTE   accesses
 *	pages ADDR N                 what is in N pages
 *	fill ADDR N BYTE             a byte into each of N pages
 *	maps                         /proc/self/maps, as far as it is the program's
 *	fork                         a child, that waits
 *	child N                      the child runs the next N lines and ends
 */
#define _GNU_SOURCE
#include "mmfuzz.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINE = 256, PROGRAM = 64 << 10, NOBODY = 65534 };

struct shared *shared;
static char program[PROGRAM], *next_line;
static pid_t child;
static int in_child;

/* words splits a line into its words, in place. */
static int words(char *line, char *word[ARGS + 1])
{
	int n = 0;

	for (char *p = line; *p && n < ARGS + 1;) {
		word[n++] = p;
		while (*p && *p != ' ')
			p++;
		while (*p == ' ')
			*p++ = 0;
	}
	return n;
}

static void futex(int op, uint32_t value)
{
	syscall(SYS_futex, &shared->go, op, value, NULL, NULL, 0);
}

static void run(unsigned lines);

static void do_fork(void)
{
	if (in_child || child) {
		put("skip");
		return;
	}
	shared->go = 0;
	child = fork();
	if (child < 0) {
		child = 0;
		put("-");
		return;
	}
	if (child > 0) {
		put("0");
		return;
	}
	in_child = 1;
	while (shared->go == 0)
		futex(FUTEX_WAIT, 0);
	/* The parent has gone on in the meantime: so does the text. */
	for (char *p = strstr(next_line, "child "); p > next_line && p[-1] != '\n'; p = strstr(p + 1, "child "))
		;
	next_line = strchr(strstr(next_line, "child "), '\n') + 1;
	run(shared->go - 1);
	_exit(0);
}

/* let_child gives the child the next n lines. */
static void let_child(uint64_t n)
{
	int status = 0;

	put_hex(n);
	if (child) {
		put("\n");
		shared->go = (uint32_t)n + 1;
		futex(FUTEX_WAKE, 1);
		waitpid(child, &status, 0);
		child = 0;
		put("child ");
		put_hex((uint64_t)status);
	}
	while (n-- && *next_line)
		next_line = strchr(next_line, '\n') + 1;
}

static void fill(uint64_t addr, uint64_t n, uint64_t byte)
{
	for (uint64_t i = 0; i < n; i++)
		if (store(addr + i * PAGE, byte + i)) {
			fault_text();
			return;
		}
	put("0");
}

static void command(char *line)
{
	char *word[ARGS + 1];
	uint64_t a[ARGS] = {0}, value;
	int n = words(line, word);

	open_keys();
	for (int i = 1; i < n; i++)
		a[i - 1] = parse(word[i]);
	if (!strcmp(word[0], "fork")) {
		do_fork();
	} else if (!strcmp(word[0], "child")) {
		let_child(a[0]);
	} else if (!strcmp(word[0], "maps")) {
		put_maps();
	} else if (!strcmp(word[0], "pages")) {
		put_pages(a[0], a[1]);
	} else if (!strcmp(word[0], "fill")) {
		if (is_own(a[0], a[1] * PAGE))
			put("skip");
		else
			fill(a[0], a[1], a[2]);
	} else if (!strcmp(word[0], "load")) {
		if (load(a[0], &value))
			fault_text();
		else
			put_hex(value);
	} else if (!strcmp(word[0], "store")) {
		if (is_own(a[0], 1))
			put("skip");
		else if (store(a[0], a[1]))
			fault_text();
		else
			put("0");
	} else if (!call(word[0], a)) {
		put("?");
	}
	put("\n");
}

static void run(unsigned lines)
{
	static char line[LINE];

	while (lines-- && *next_line) {
		char *end = strchr(next_line, '\n');
		size_t n = (size_t)(end - next_line);
		memcpy(line, next_line, n);
		line[n] = 0;
		next_line = end + 1;
		command(line);
	}
}

/* task is what a program runs in: a process without privilege. */
static void task(void)
{
	setpgid(0, 0);
	struct rlimit l = {16384 * PAGE, 16384 * PAGE}; /* more than all that is there, gaps filled included */

	setrlimit(RLIMIT_MEMLOCK, &l);
	if (setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))
		_exit(98);
	for (int fd = 0; fd < 8; fd++)
		close(fd);
	catch_faults();
	alarm(60);
	next_line = program;
	run(~0U);
	if (child) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	_exit(0);
}

/* take_expected takes the line "expect HASH" off the program's end. 0: there is none. */
static uint64_t take_expected(void)
{
	char *p = strstr(program, "expect ");

	if (!p)
		return 0;
	*p = 0;
	p += strlen("expect ");
	*strchr(p, '\n') = 0;
	return parse(p);
}

/* answers_hash is FNV-1a of what the program has said. */
static uint64_t answers_hash(void)
{
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < shared->len; i++)
		h = (h ^ (uint8_t)shared->text[i]) * 0x100000001b3;
	return h;
}

static void run_program(void)
{
	uint64_t expected = take_expected();
	int status = 0;
	pid_t pid;

	shared->len = 0;
	for (int i = 0; i < SLOTS; i++)
		shared->fd[i] = shared->shm[i] = -1;
	pid = fork();
	if (pid == 0)
		task();
	waitpid(pid, &status, 0);
	kill(-pid, SIGKILL); /* its child, should it have died itself */
	while (waitpid(-1, NULL, 0) > 0)
		;
	for (int i = 0; i < SLOTS; i++)
		if (shared->shm[i] >= 0)
			shmctl(shared->shm[i], IPC_RMID, NULL);
	put("end ");
	put_hex((uint64_t)status);
	if (expected && answers_hash() == expected) {
		shared->len = 0;
		put("same");
	}
	put("\n\n");
	for (size_t done = 0; done < shared->len;) {
		ssize_t n = write(1, shared->text + done, shared->len - done);
		if (n <= 0)
			_exit(3);
		done += (size_t)n;
	}
}

/* next_program reads up to the next empty line. */
static int next_program(int fd)
{
	static char buffer[PROGRAM];
	static size_t have, at;
	size_t len = 0;

	for (;;) {
		if (at == have) {
			ssize_t n = read(fd, buffer, sizeof buffer);
			if (n <= 0)
				return 0;
			have = (size_t)n;
			at = 0;
		}
		char c = buffer[at++];
		if (c == '\n' && (len == 0 || program[len - 1] == '\n')) {
			program[len] = 0;
			return 1;
		}
		if (len + 1 == sizeof program)
			return 0;
		program[len++] = c;
	}
}

int main(int argc, char **argv)
{
	int fd;

	if (argc != 2 || (fd = open(argv[1], O_RDONLY | O_CLOEXEC)) < 0) {
		fprintf(stderr, "mmfuzz: FILE\n");
		return 2;
	}
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	for (int i = 0; i < PAGE; i++)
		shared->data[i] = (uint8_t)(i * 7 + 1);
	name_file();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	make_window();
	if (heap + HEAP > LOW) /* where MAP_32BIT and some programs put things: another place, please */
		execv("/proc/self/exe", argv);
	while (next_program(fd))
		run_program();
	return 0;
}
