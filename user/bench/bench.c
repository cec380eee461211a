/* Costs of the paths that a kernel is judged by: "bench [quick] [noswap] [area=MIB] [NAME...]".
 * It runs the rows whose names begin with one of NAME, or all; quick does a tenth of the
 * operations. A row's line is its name and the nanoseconds of an operation. There is no
 * libc, and it can be Linux's init: the same file runs under both kernels. */
#include "bench.h"

const char *self;
long area_mib = 192;

static long long began, total;
static long done;

long long now(void)
{
	struct { long long sec, nsec; } t;

	MUST(SYS2(clock_gettime, 1 /* CLOCK_MONOTONIC */, &t) == 0);
	return t.sec * 1000000000LL + t.nsec;
}

void begin(void) { began = now(); }

void end(void) { total += now() - began; }

void took(long long ns) { total += ns; }

void operations(long n) { done = n; }

static char line[256];
static size_t used;

void print(const char *s)
{
	for (; *s; s++) {
		line[used++] = *s;
		if (*s == '\n' || used == sizeof line) {
			SYS3(write, 1, line, used);
			used = 0;
		}
	}
}

void print_number(long long n)
{
	char text[24], *p = text + sizeof text;

	*--p = 0;
	do {
		*--p = '0' + n % 10;
		n /= 10;
	} while (n);
	print(p);
}

void quit(int status)
{
	SYS1(exit_group, status);
	__builtin_unreachable();
}

void failed(const char *what, const char *file, int line)
{
	print("FAILED: ");
	print(what);
	print(" at ");
	print(file);
	print(":");
	print_number(line);
	print("\n");
	linux_stop();
	quit(1);
}

static int begins(const char *s, const char *with)
{
	while (*with && *s == *with)
		s++, with++;
	return *with == 0;
}

static long number(const char *s)
{
	long n = 0;

	while (*s >= '0' && *s <= '9')
		n = n * 10 + *s++ - '0';
	return n;
}

static int wanted(const char *name, int names, char **name_list)
{
	for (int i = 0; i < names; i++)
		if (begins(name, name_list[i]))
			return 1;
	return names == 0;
}

/* The operations of a batch are a fifth of a row's. */
static long batch_of(const struct bench *b, int quick)
{
	return b->batches == 1 ? b->n : (quick ? b->n / 10 : b->n) / 5 + 1;
}

static long long best[4];

/* Does one row, or several in turns. The first batch is also what warms up. */
static void run(const struct bench *rows, int n, int quick)
{
	int batches = quick && rows->batches > 2 ? 2 : rows->batches;

	for (int i = 0; i < batches; i++)
		for (int k = 0; k < n; k++) {
			total = 0;
			done = batch_of(&rows[k], quick);
			rows[k].run(done);
			long long ns = done ? total / done : 0;
			if (i == 0 || ns < best[k])
				best[k] = ns;
		}
	for (int k = 0; k < n; k++) {
		print(rows[k].name);
		print(" ");
		print_number(best[k]);
		print(" ns\n");
	}
}

/* How many of the rows from b on are done in turns, and asked for. */
static int turns(const struct bench *b, int names, char **name_list)
{
	int n = 0;

	do
		n++;
	while (b[n].in_turns && wanted(b[n].name, names, name_list));
	return n;
}

/* The TSC starts from 0 with the machine; under -icount it counts instructions. */
static long long tsc(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (long long)high << 32 | low;
}

__attribute__((used)) static int start(long *sp)
{
	long long at = tsc();
	int argc = sp[0], quick = 0, swap = 1;
	char **argv = (char **)(sp + 1);
	static const struct bench *const all[] = {vm_benches, task_benches, swap_benches};

	if (argc == 2 && begins(argv[1], "--exit")) /* the other end of the exec row */
		return 0;
	print("boot ");
	print_number(at);
	print(" tsc\n");
	self = argv[0];
	linux_start();
	for (argc--, argv++; argc > 0; argc--, argv++) {
		if (begins(argv[0], "quick"))
			quick = 1;
		else if (begins(argv[0], "noswap"))
			swap = 0;
		else if (begins(argv[0], "area="))
			area_mib = number(argv[0] + 5);
		else
			break;
	}
	for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
		for (const struct bench *b = all[i]; b->name; b++)
			if (wanted(b->name, argc, argv) && (swap || all[i] != swap_benches)) {
				int n = turns(b, argc, argv);
				run(b, n, quick);
				b += n - 1;
			}
	print("done\n");
	linux_stop();
	return 0;
}

__asm__(".globl _start\n"
	"_start:\n"
	"	xor %ebp, %ebp\n"
	"	mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	call start\n"
	"	mov %eax, %edi\n"
	"	mov $231, %eax\n" /* exit_group */
	"	syscall\n");

/* The compiler calls these whether or not there is a library. */
void *memset(void *p, int c, size_t n)
{
	void *start = p;

	__asm__ volatile("rep stosb" : "+D"(p), "+c"(n) : "a"(c) : "memory");
	return start;
}

void *memcpy(void *to, const void *from, size_t n)
{
	void *start = to;

	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
	return start;
}
