/* Executables that lie: each is made here, header by header, and executed. What cannot
 * be run must be refused or end by a signal, and nobody else be hurt. */
#include "attack.h"

#include <elf.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>

enum { SEGMENTS = 8, BASE = 0x400000, RUNS = 42 };

static struct {
	Elf64_Ehdr e;
	Elf64_Phdr p[SEGMENTS];
	char interp[64];
	unsigned char code[64];
	char rest[4096];
} file;

static size_t file_size;

/* A program that exits with RUNS, in one segment that is the whole file. */
static void good(void)
{
	static const unsigned char code[] = {0xb8, 60, 0, 0, 0, 0xbf, RUNS, 0, 0, 0, 0x0f, 0x05, 0x0f, 0x0b};

	memset(&file, 0, sizeof file);
	memcpy(file.e.e_ident, "\x7f" "ELF\2\1\1", 7);
	file.e.e_type = ET_EXEC;
	file.e.e_machine = EM_X86_64;
	file.e.e_version = 1;
	file.e.e_phoff = sizeof file.e;
	file.e.e_ehsize = sizeof file.e;
	file.e.e_phentsize = sizeof file.p[0];
	file.e.e_phnum = 1;
	file.e.e_entry = BASE + offsetof(typeof(file), code);
	file.p[0] = (Elf64_Phdr){PT_LOAD, PF_R | PF_X, 0, BASE, BASE, sizeof file, sizeof file, 4096};
	memcpy(file.code, code, sizeof code);
	file_size = sizeof file;
}

static char path[64];

static void save(const void *data, size_t size, mode_t mode)
{
	int fd;

	snprintf(path, sizeof path, "/tmp/attack-elf.%d", getpid());
	unlink(path);
	CHECK((fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0700)) >= 0);
	CHECK(write(fd, data, size) == (ssize_t)size && fchmod(fd, mode) == 0 && close(fd) == 0);
}

/* Should this program itself be run, it only lists its cases. */
static char *no_arguments[] = {"attack", "-l", NULL}, *no_environment[] = {NULL};

static void execute(void *arg)
{
	struct itimerval limit = {.it_value = {1, 0}};

	dup2(open("/dev/null", O_WRONLY), 1);
	setitimer(ITIMER_REAL, &limit, NULL);
	execve(arg ? arg : path, no_arguments, no_environment);
	_exit(128 + errno); /* no errno of execve is as large as 100 */
}

static int executed(void)
{
	int status;

	save(&file, file_size, 0700);
	status = tap_status(execute, NULL);
	unlink(path);
	return status;
}

/* RUN_IT wants the file to run; REFUSED wants an errno, or death where Linux finds out
 * too late; NEVER_RUNS wants either. */
#define RUN_IT() EQ(executed(), RUNS << 8)
#define REFUSED(e) \
	do { \
		int got = executed(); \
		if (!WIFEXITED(got) || WEXITSTATUS(got) != 128 + (e)) \
			printf("# status %#x, wanted %s\n", got, #e); \
		CHECK(WIFEXITED(got) && WEXITSTATUS(got) == 128 + (e)); \
	} while (0)
#define NEVER_RUNS() \
	do { \
		int got = executed(); \
		if (!WIFSIGNALED(got) && WEXITSTATUS(got) <= 128) \
			printf("# status %#x\n", got); \
		CHECK(WIFSIGNALED(got) || WEXITSTATUS(got) > 128); \
	} while (0)
#define MUST_END() (void)executed()

TEST(elf_sound)
{
	good();
	RUN_IT();
	file.e.e_type = ET_DYN;
	file.p[0].p_vaddr = 0;
	file.e.e_entry -= BASE;
	RUN_IT();
}

TEST(elf_cut_short)
{
	for (size_t n = 0; n < sizeof file.e + sizeof file.p[0]; n += n < 8 ? 1 : 5) {
		good();
		file_size = n;
		if (n < 64) /* Linux reads the header of a file that ends in it as zeros behind */
			REFUSED(ENOEXEC);
		else
			NEVER_RUNS();
	}
}

TEST(elf_header_nonsense)
{
#define CHANGED(change) good(); change; REFUSED(ENOEXEC)
	CHANGED(file.e.e_ident[0] = 0);
	CHANGED(file.e.e_type = ET_CORE);
	CHANGED(file.e.e_type = 0xffff);
	CHANGED(file.e.e_machine = 62 + 256);
	CHANGED(file.e.e_phentsize = 0);
	CHANGED(file.e.e_phentsize = 55);
	CHANGED(file.e.e_phentsize = 0xffff);
	CHANGED(file.e.e_phnum = 0);
	CHANGED(file.e.e_phnum = 0xffff);
	CHANGED(file.e.e_phnum = 1171);
#define DEAD(change) good(); change; NEVER_RUNS()
	DEAD(file.e.e_phnum = 1170);
	DEAD(file.e.e_phoff = 0x7fffffffffffffff);
	DEAD(file.e.e_phoff = ~0UL);
	DEAD(file.e.e_phoff = -56L);
	DEAD(file.e.e_phoff = file_size - 8);
	DEAD(file.e.e_phoff = 1UL << 40);
}

TEST(elf_entry_elsewhere)
{
	for (int i = 0; i < FORBIDDEN; i++) {
		if (forbidden[i] >> 12 == 0xffffffffff600)
			continue;
		DEAD(file.e.e_entry = forbidden[i]);
		DEAD(file.e.e_entry = forbidden[i] - BASE; file.e.e_type = ET_DYN; file.p[0].p_vaddr = 0);
	}
	DEAD(file.e.e_entry = 0);
	DEAD(file.e.e_entry = BASE - 1);
}

TEST(elf_segment_in_the_kernel)
{
	for (int i = 0; i < FORBIDDEN; i++) {
		DEAD(file.p[0].p_vaddr = forbidden[i] & ~4095UL; file.e.e_entry = file.p[0].p_vaddr + offsetof(typeof(file), code));
		DEAD(file.p[0].p_vaddr = (forbidden[i] & ~4095UL) - 4096; file.p[0].p_memsz = 8192);
	}
	DEAD(file.p[0].p_vaddr = USER_END - 4096);
	DEAD(file.p[0].p_vaddr = -4096UL);
}

TEST(elf_segment_sizes)
{
	DEAD(file.p[0].p_memsz = 1);
	DEAD(file.p[0].p_filesz = file.p[0].p_memsz = 1UL << 46; file.p[0].p_vaddr = 1UL << 46);
	DEAD(file.p[0].p_memsz = USER_END);
	DEAD(file.p[0].p_memsz = USER_END - BASE);
	DEAD(file.p[0].p_memsz = ~0UL);
	DEAD(file.p[0].p_memsz = -BASE);
	DEAD(file.p[0].p_memsz = file.p[0].p_filesz = ~0UL);
	DEAD(file.p[0].p_memsz = file.p[0].p_filesz = 0);
	DEAD(file.p[0].p_offset = 1UL << 40);
	DEAD(file.p[0].p_offset = ~4095UL);
	DEAD(file.p[0].p_offset = 1UL << 63);
	DEAD(file.p[0].p_vaddr += 1; file.p[0].p_offset = 0);
	DEAD(file.p[0].p_offset = 512);
	DEAD(file.p[0].p_flags = PF_R);
	DEAD(file.p[0].p_flags = 0);
	good();
	file.p[0].p_align = ~0UL;
	MUST_END();
	good();
	file.p[0].p_align = 3;
	MUST_END();
	good();
	file.e.e_type = ET_DYN;
	file.p[0].p_align = 1UL << 46;
	MUST_END();
	/* Sparse, and large: only what is touched costs memory. */
	good();
	file.e.e_phnum = 2;
	file.p[1] = (Elf64_Phdr){PT_LOAD, PF_R | PF_W, 0, 0x10000000, 0, 0, 1UL << 36, 4096};
	MUST_END();
}

TEST(elf_segments_that_overlap)
{
	for (unsigned long shift = 0; shift < 3 * 4096; shift += 2048) {
		good();
		file.e.e_phnum = SEGMENTS;
		for (int i = 1; i < SEGMENTS; i++) {
			file.p[i] = file.p[0];
			file.p[i].p_vaddr = BASE + shift * (unsigned long)(i % 3);
			file.p[i].p_offset = shift * (unsigned long)(i % 3) % 4096;
			file.p[i].p_filesz = 512;
		}
		MUST_END();
	}
	good(); /* descending */
	file.e.e_phnum = 2;
	file.p[1] = file.p[0];
	file.p[1].p_vaddr -= 0x100000;
	MUST_END();
	good(); /* on the stack, and on all of memory behind it */
	file.e.e_phnum = 2;
	file.p[1] = (Elf64_Phdr){PT_LOAD, PF_R, 0, 0x7ff000000000, 0, 4096, USER_END - 0x7ff000000000, 4096};
	MUST_END();
	good(); /* as many as there can be, page by page */
	file.e.e_phnum = 1170;
	file.e.e_phoff = sizeof file;
	size_t table = 1170 * sizeof(Elf64_Phdr);
	char *all = calloc(1, sizeof file + table);
	memcpy(all, &file, sizeof file);
	for (unsigned i = 0; i < 1170; i++) {
		Elf64_Phdr p = file.p[0];
		p.p_vaddr += i * 2UL * 8192;
		memcpy(all + sizeof file + i * sizeof p, &p, sizeof p);
	}
	save(all, sizeof file + table, 0700);
	tap_status(execute, NULL);
	unlink(path);
}

static void interp(const char *name, size_t length)
{
	good();
	file.e.e_phnum = 2;
	file.p[1] = file.p[0];
	file.p[0] = (Elf64_Phdr){PT_INTERP, PF_R, offsetof(typeof(file), interp), 0, 0, length, length, 1};
	strncpy(file.interp, name, sizeof file.interp - 1);
}

TEST(elf_interpreter)
{
	interp("/nonexistent", 13);
	REFUSED(ENOENT);
	interp("/tmp", 5);
	REFUSED(EACCES);
	interp("", 1);
	REFUSED(ENOEXEC);
	interp("/tmp", 0);
	REFUSED(ENOEXEC);
	interp("/tmp", 4); /* no NUL at the end */
	REFUSED(ENOEXEC);
	interp("/tmp", 4097);
	REFUSED(ENOEXEC);
	interp("/tmp", 5);
	file.p[0].p_filesz = ~0UL;
	REFUSED(ENOEXEC);
	interp("/tmp", 5);
	file.p[0].p_offset = 1UL << 62;
	NEVER_RUNS();
	interp("/proc/self/exe", 15); /* this test's own program as interpreter */
	MUST_END();
	interp("/dev/null", 10);
	NEVER_RUNS();
	interp("/proc/self/mem", 15);
	NEVER_RUNS();
	for (int kind = 0; kind < 2; kind++) {
		/* Its own interpreter, and a script as one. */
		interp("", 1);
		snprintf(path, sizeof path, "/tmp/attack-elf.%d", getpid());
		strcpy(file.interp, path);
		file.p[0].p_filesz = strlen(path) + 1;
		MUST_END();
	}
}

static uint64_t seed = 5;

static unsigned rnd(unsigned n)
{
	seed = seed * 6364136223846793005UL + 1442695040888963407UL;
	return (unsigned)(seed >> 33) % n;
}

static void as_nobody(void *arg)
{
	struct rlimit small = {64 << 20, 64 << 20}, none = {0, 0};

	be(65534);
	setrlimit(RLIMIT_DATA, &small);
	setrlimit(RLIMIT_CORE, &none);
	execute(arg);
}

/* Headers with a few fields changed at random. */
TEST(elf_mutations)
{
	static const uint64_t odd[] = {0, 1, 0xfff, 0x1000, 0x7fffffff, 0x80000000, USER_END, 1UL << 47, 1UL << 63, ~0UL, ~0xfffUL};

	for (int n = 0; n < 250; n++) {
		interp("/nonexistent", 13);
		file.p[0].p_type = rnd(2) ? PT_NOTE : PT_INTERP;
		file.e.e_phnum = (uint16_t)(2 + rnd(SEGMENTS - 1));
		for (int i = 2; i < SEGMENTS; i++)
			file.p[i] = file.p[rnd(2)];
		for (unsigned k = 0; k <= rnd(4); k++) {
			unsigned words = (unsigned)(sizeof file.e + sizeof file.p) / 8;
			uint64_t w = odd[rnd(sizeof odd / sizeof *odd)] + rnd(3) - 1;
			if (rnd(3) == 0)
				((unsigned char *)&file)[rnd(words * 8)] ^= (unsigned char)(1 << rnd(8));
			else
				memcpy((char *)&file + 8 * (8 + rnd(words - 8)), &w, 8);
		}
		save(&file, file_size, 0755);
		int status = tap_status(as_nobody, NULL);
		CHECK(WIFEXITED(status) || WIFSIGNALED(status));
		unlink(path);
	}
	good();
	RUN_IT();
}

/* Scripts. */
static int script(const char *text)
{
	save(text, strlen(text), 0700);
	int status = tap_status(execute, NULL);
	unlink(path);
	return WIFEXITED(status) && WEXITSTATUS(status) > 128 ? WEXITSTATUS(status) - 128 : -1;
}

TEST(scripts_that_lead_nowhere)
{
	char self[80], line[600];

	snprintf(path, sizeof path, "/tmp/attack-elf.%d", getpid());
	snprintf(self, sizeof self, "#!%s\n", path);
	EQ(script(self), ELOOP);
	snprintf(self, sizeof self, "#!%s an argument", path);
	EQ(script(self), ELOOP);
	EQ(script("#!\n"), ENOEXEC);
	int e = script("#!"); /* Linux takes the name behind it for empty, and the working directory for that */
	CHECK(e == ENOEXEC || e == EACCES);
	EQ(script("#"), ENOEXEC);
	EQ(script("#! \t \n"), ENOEXEC);
	EQ(script("#!/nonexistent\n"), ENOENT);
	EQ(script("#!/tmp\n"), EACCES);
	EQ(script("#!/dev/null\n"), EACCES);
	memset(line, 'x', sizeof line);
	memcpy(line, "#!/", 3);
	line[sizeof line - 1] = 0;
	EQ(script(line), ENOEXEC);
}

/* Argument lists. */
struct list {
	char **argv, **envp;
};

static void execute_list(void *arg)
{
	struct list *l = arg;

	execve(path, l->argv, l->envp);
	_exit(128 + errno);
}

static int with_list(char **argv, char **envp)
{
	struct list l = {argv, envp};

	good();
	save(&file, file_size, 0700);
	int status = tap_status(execute_list, &l);
	unlink(path);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status) > 128 ? WEXITSTATUS(status) - 128 : WEXITSTATUS(status);
}

TEST(arguments_without_end)
{
	enum { ONE = 131072 };
	static char *many[1 << 20];
	static char big[ONE + 1];
	char *one[] = {"attack", big, NULL}, *none[] = {NULL};

	memset(big, 'x', ONE);
	EQ(with_list(one, none), E2BIG); /* 128 KiB without the NUL: one too many */
	big[ONE - 1] = 0;
	EQ(with_list(one, none), RUNS);
	for (int i = 0; i < (1 << 20) - 1; i++)
		many[i] = "";
	EQ(with_list(many, none), E2BIG);
	EQ(with_list(one, many), E2BIG);
	for (int i = 0; i < (1 << 20) - 1; i++)
		many[i] = big;
	EQ(with_list(many, none), E2BIG);
	EQ(with_list(NULL, NULL), RUNS);
	EQ(with_list(none, none), RUNS);
}

/* At the very border of what fits, and with a stack so small that little does. */
TEST(arguments_at_the_limit)
{
	static char big[1 << 20];
	struct rlimit stack;
	int last = 0;

	CHECK(getrlimit(RLIMIT_STACK, &stack) == 0);
	stack.rlim_cur = 256 << 10;
	CHECK(setrlimit(RLIMIT_STACK, &stack) == 0);
	memset(big, 'x', sizeof big);
	for (int fine = 0; fine < 2; fine++) {
		int from = fine ? last - 4096 : 60000, to = fine ? last + 4096 : 140000, step = fine ? 61 : 4096;
		for (int n = from; n < to; n += step) {
			char *argv[] = {"attack", big + sizeof big - 1 - n / 2, big + sizeof big - 1 - n / 2, NULL}, *envp[] = {NULL};
			big[sizeof big - 1] = 0;
			int r = with_list(argv, envp);
			CHECK(r == RUNS || r == E2BIG);
			if (r == RUNS)
				last = n;
		}
	}
	CHECK(last >= 60000 && last < 140000);
}

/* A program's file, while it runs or is about to. */
static void sleeps(void *arg)
{
	execute(arg);
}

TEST(program_written_while_it_runs)
{
	pid_t pid;
	int fd, status;

	good();
	memcpy(file.code, "\xeb\xfe", 2); /* for ever */
	save(&file, file_size, 0700);
	CHECK((fd = open(path, O_RDWR)) >= 0);
	EQ(tap_status(execute, NULL), (128 + ETXTBSY) << 8); /* open for writing */
	close(fd);
	pid = child(sleeps, NULL);
	usleep(100000);
	FAILS(open(path, O_RDWR), ETXTBSY);
	FAILS(open(path, O_RDONLY | O_TRUNC), ETXTBSY);
	FAILS(truncate(path, 0), ETXTBSY);
	CHECK(unlink(path) == 0);
	status = ended(pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);
}

TEST(files_that_are_no_programs)
{
	good();
	save(&file, file_size, 0600);
	EQ(tap_status(execute, NULL), (128 + EACCES) << 8);
	unlink(path);
	EQ(tap_status(execute, "/tmp"), (128 + EACCES) << 8);
	EQ(tap_status(execute, "/dev/null"), (128 + EACCES) << 8);
	EQ(tap_status(execute, "/proc/self/status"), (128 + EACCES) << 8);
	EQ(tap_status(execute, "/proc/self/mem"), (128 + EACCES) << 8);
	EQ(tap_status(execute, ""), (128 + ENOENT) << 8);
}
