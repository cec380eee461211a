/* Vector and floating-point state and the base of GS belong to one task: they survive
 * switches, calls and signals, and are not seen by the next. */
#define _GNU_SOURCE
#include "tap.h"

#include <fcntl.h>
#include <fenv.h>
#include <immintrin.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/user.h>

static int has_avx(void) { return __builtin_cpu_supports("avx"); }

/* hold keeps a pattern in vector registers through n rounds of idling. Returns 0
 * if one changed. The asm reads them back without the compiler in between. */
__attribute__((target("avx"))) static int hold(unsigned long pattern, int rounds, void (*idle)(void))
{
	for (int i = 0; i < rounds; i++) {
		unsigned long in[4] = {pattern, pattern + 1, pattern + 2, pattern + 3}, out[4];

		idle();
		__asm__ volatile("vmovdqu %1, %%ymm0\n\t"
				 "vmovdqu %1, %%ymm15\n\t"
				 "mov $200000, %%ecx\n"
				 "1: dec %%ecx\n\t"
				 "jnz 1b\n\t"
				 "vpxor %%ymm15, %%ymm0, %%ymm1\n\t" /* AVX2, see below */
				 "vptest %%ymm1, %%ymm1\n\t"
				 "jz 2f\n\t"
				 "vpxor %%ymm0, %%ymm0, %%ymm0\n"
				 "2: vmovdqu %%ymm0, %0\n\t"
				 "vzeroupper"
				 : "=m"(out)
				 : "m"(in)
				 : "ecx", "xmm0", "xmm1", "xmm15", "cc", "memory");
		if (memcmp(in, out, sizeof in) != 0)
			return 0;
	}
	return 1;
}

static void yield(void) { sched_yield(); }

static void *hold_in_thread(void *arg)
{
	return (void *)(long)hold((unsigned long)arg * 0x0101010101010101UL, 40, yield);
}

TEST(avx_across_switches)
{
	pthread_t t[6];
	void *ok;

	if (!has_avx() || !__builtin_cpu_supports("avx2"))
		SKIP("no AVX2");
	for (long i = 0; i < 6; i++)
		CHECK(pthread_create(&t[i], NULL, hold_in_thread, (void *)(i + 1)) == 0);
	for (int i = 0; i < 6; i++)
		CHECK(pthread_join(t[i], &ok) == 0 && ok);
}

static void hold_in_child(void *arg) { _exit(hold((unsigned long)arg, 30, yield) ? 0 : 1); }

TEST(avx_across_processes)
{
	pid_t pid[4];
	int status;

	if (!__builtin_cpu_supports("avx2"))
		SKIP("no AVX2");
	for (long i = 0; i < 4; i++) {
		pid[i] = fork();
		CHECK(pid[i] >= 0);
		if (pid[i] == 0)
			hold_in_child((void *)(0x1111111111111111UL * (i + 1)));
	}
	for (int i = 0; i < 4; i++)
		CHECK(waitpid(pid[i], &status, 0) == pid[i] && status == 0);
}

static volatile sig_atomic_t ticks;
__attribute__((target("avx"))) static void spoil(int sig)
{
	(void)sig;
	ticks++;
	__asm__ volatile("vzeroall" ::: "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
			 "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

TEST(handlers_do_not_spoil)
{
	struct itimerval t = {{0, 3000}, {0, 3000}};

	if (!__builtin_cpu_supports("avx2"))
		SKIP("no AVX2");
	signal(SIGALRM, spoil);
	CHECK(setitimer(ITIMER_REAL, &t, NULL) == 0);
	CHECK(hold(0xdeadbeef12345678UL, 60, yield));
	while (ticks < 3)
		CHECK(hold(0x123456789abcdef0UL, 10, yield));
}

TEST(rounding_mode_is_inherited_and_kept)
{
	int status;

	CHECK(fesetround(FE_DOWNWARD) == 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(fegetround() == FE_DOWNWARD ? 0 : 1);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	for (int i = 0; i < 20; i++) {
		sched_yield();
		CHECK(fegetround() == FE_DOWNWARD);
	}
}

TEST(long_double)
{
	volatile long double x = 1.0L;

	for (int i = 1; i <= 25; i++)
		x *= i;
	CHECK(x == 15511210043330985984000000.0L);
	CHECK(fabs(sqrt(2.0) * sqrt(2.0) - 2.0) < 1e-15);
}

/* A new program starts with clean registers: what a parent left must not show. */
TEST(control_words_of_a_new_thread)
{
	unsigned mxcsr = _mm_getcsr();

	CHECK((mxcsr & 0x1f80) == 0x1f80); /* all exceptions masked */
}

/* All that a program has: the image of FXSAVE (x87, MXCSR, XMM), the upper halves of YMM, and
 * the base of GS, which nothing else here uses. */
struct state {
	unsigned char fx[512] __attribute__((aligned(64)));
	unsigned char ymm[16][32];
	unsigned long gs;
};

/* has_bases says whether programs may use RDGSBASE and the like. */
static int has_bases(void) { return (getauxval(AT_HWCAP2) & 2) != 0; }

static unsigned long gs_base(void)
{
	unsigned long v;
	__asm__ volatile("rdgsbase %0" : "=r"(v));
	return v;
}

static void set_gs_base(unsigned long v) { __asm__ volatile("wrgsbase %0" ::"r"(v) : "memory"); }

/* fill makes a state of its own from seed: eight numbers on the x87 stack, a precision and a
 * rounding mode, all vector registers. */
static void fill(struct state *s, unsigned seed)
{
	memset(s, 0, sizeof *s);
	for (int i = 0; i < 16; i++)
		for (int k = 0; k < 32; k++)
			s->ymm[i][k] = (unsigned char)(seed * 151 + (unsigned)(i * 37 + k * 11 + 1));
	*(unsigned short *)s->fx = (unsigned short)(0x037f | (seed & 3) << 10);	 /* control word */
	*(unsigned short *)(s->fx + 2) = (unsigned short)((seed & 7) << 11);	 /* status: top of the stack */
	s->fx[4] = 0xff;							 /* all in use */
	*(unsigned *)(s->fx + 24) = 0x1f80 | (seed >> 2 & 3) << 13 | (seed & 0x3f); /* MXCSR, with flags */
	for (int i = 0; i < 8; i++) {
		unsigned char *st = s->fx + 32 + 16 * i;

		for (int k = 0; k < 8; k++)
			st[k] = (unsigned char)(seed + (unsigned)(i * 8 + k));
		st[7] |= 0x80;			     /* normal */
		st[8] = (unsigned char)(seed * 3), st[9] = 0x40;
	}
	s->gs = seed * 0x5deece66dUL & 0x7fffffffffff;
}

/* across loads in, makes the call nr (or, for -1, writes to the byte at a), and stores what the
 * registers are then: no instruction of the compiler comes between. */
__attribute__((target("avx"))) static long across(const struct state *in, struct state *out, long nr, long a, long b,
						  long c)
{
	long ret = nr;
	register long r8 __asm__("r8") = (long)in, r9 __asm__("r9") = (long)out;

#define EACH(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#define LOAD(n) "vmovdqu 512+32*" #n "(%%r8), %%ymm" #n "\n\t"
#define STORE(n) "vmovdqu %%ymm" #n ", 512+32*" #n "(%%r9)\n\t"
	__asm__ volatile("fxrstor64 (%%r8)\n\t" EACH(LOAD)
			 "mov 1024(%%r8), %%rcx\n\t"
			 "wrgsbase %%rcx\n\t"
			 "cmp $-1, %%rax\n\t"
			 "je 1f\n\t"
			 "syscall\n\t"
			 "jmp 2f\n"
			 "1: incb (%%rdi)\n"
			 "2: fxsave64 (%%r9)\n\t" EACH(STORE)
			 "rdgsbase %%rcx\n\t"
			 "mov %%rcx, 1024(%%r9)\n\t"
			 "vzeroupper\n\t"
			 "fninit\n\t"
			 "mov $0x1f80, %%ecx\n\t"
			 "push %%rcx\n\t"
			 "ldmxcsr (%%rsp)\n\t"
			 "pop %%rcx"
			 : "+a"(ret)
			 : "r"(r8), "r"(r9), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "cc", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
			   "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "st", "st(1)", "st(2)",
			   "st(3)", "st(4)", "st(5)", "st(6)", "st(7)");
	return ret;
}

/* same says whether out has what in had. XMM are in YMM; the rest of FXSAVE's image is pointers of
 * the last x87 instruction, and reserved. */
static int same(const struct state *in, const struct state *out)
{
	for (int i = 32; i < 160; i += 16)
		if (memcmp(in->fx + i, out->fx + i, 10) != 0)
			return 0;
	return in->gs == out->gs && memcmp(in->fx, out->fx, 6) == 0 && memcmp(in->fx + 24, out->fx + 24, 4) == 0 &&
	       memcmp(in->ymm, out->ymm, sizeof in->ymm) == 0;
}

enum { PAGE = 4096, PAGES = 64 };

struct player {
	unsigned seed;
	int in, out; /* pipes to and from the partner; -1 for none */
	char *pages;
};

/* play makes calls of all kinds, those that sleep among them, and faults. Returns the number of the
 * first after which the registers were others, or 0. */
static long play(struct player *p, int rounds)
{
	static const struct timespec moment = {0, 100000};
	struct state in, out;
	char byte = 'x';

	for (int i = 1; i <= rounds; i++) {
		p->seed = p->seed * 1103515245 + 12345;
		unsigned what = p->seed >> 16;
		fill(&in, p->seed >> 8);
		switch (what % 8) {
		case 0:
			across(&in, &out, SYS_sched_yield, 0, 0, 0);
			break;
		case 1: {
			char *page = p->pages + what / 8 % PAGES * PAGE;
			madvise(page, PAGE, MADV_DONTNEED);
			across(&in, &out, -1, (long)page, 0, 0);
			break;
		}
		case 2:
			across(&in, &out, SYS_nanosleep, (long)&moment, 0, 0);
			break;
		case 3:
			across(&in, &out, SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR1);
			break;
		case 4:
			if (p->in >= 0) {
				across(&in, &out, SYS_write, p->out, (long)&byte, 1);
				if (!same(&in, &out))
					return i;
				fill(&in, ~p->seed);
				across(&in, &out, SYS_read, p->in, (long)&byte, 1);
				break;
			}
			/* fall through */
		default:
			across(&in, &out, SYS_getppid, 0, 0, 0);
		}
		if (!same(&in, &out))
			return i;
	}
	if (p->out >= 0) {
		close(p->out); /* the partner reads no further */
		fcntl(p->in, F_SETFL, O_NONBLOCK);
	}
	return 0;
}

__attribute__((target("avx"))) static void spoil_all(int sig)
{
	struct state own, after;
	unsigned long gs = gs_base(); /* no part of what a handler's return restores */

	fill(&own, (unsigned)sig + 77);
	across(&own, &after, SYS_getppid, 0, 0, 0);
	if (!same(&own, &after))
		_exit(9);
	set_gs_base(gs);
}

static void *play_in_thread(void *arg) { return (void *)play(arg, 1500); }

/* Twelve threads of two processes, six pairs of which wait for each other's bytes. */
TEST(all_of_it_across_everything)
{
	enum { PLAYERS = 6 };
	static struct player player[PLAYERS];
	pthread_t thread[PLAYERS];
	int status, there[2], back[2];

	if (!has_avx() || !has_bases())
		SKIP("no AVX, or no WRGSBASE");
	signal(SIGUSR1, spoil_all);
	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < PLAYERS; i++) {
		player[i] = (struct player){(unsigned)i * 7919 + 1, -1, -1, NULL};
		player[i].pages = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		CHECK(player[i].pages != MAP_FAILED);
		if (i % 2 == 1) {
			CHECK(pipe(there) == 0 && pipe(back) == 0);
			player[i - 1].in = back[0], player[i - 1].out = there[1];
			player[i].in = there[0], player[i].out = back[1];
		}
	}
	pid_t pid = fork();
	CHECK(pid >= 0);
	for (int i = 0; i < PLAYERS; i++) {
		if (pid == 0) {
			player[i].seed ^= 0x5a5a5a5a;
			player[i].in = player[i].out = -1;
		}
		CHECK(pthread_create(&thread[i], NULL, play_in_thread, &player[i]) == 0);
	}
	for (int i = 0; i < PLAYERS; i++) {
		void *wrong;
		CHECK(pthread_join(thread[i], &wrong) == 0);
		EQ((long)wrong, 0);
	}
	if (pid == 0)
		_exit(0);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

TEST(a_child_has_its_parents)
{
	struct state in, out;
	int status;

	if (!has_avx() || !has_bases())
		SKIP("no AVX, or no WRGSBASE");
	for (unsigned seed = 1; seed <= 50; seed++) {
		fill(&in, seed * 12345);
		long pid = across(&in, &out, SYS_fork, 0, 0, 0);
		CHECK(pid >= 0 && same(&in, &out));
		if (pid == 0)
			_exit(0);
		CHECK(waitpid((pid_t)pid, &status, 0) == pid && status == 0);
	}
}

enum { SET_GS = 0x1001, GET_GS = 0x1004 }; /* of arch_prctl */

/* The base of GS as the program, the kernel and a tracer see and set it. */
TEST(base_of_gs)
{
	const size_t at = offsetof(struct user_regs_struct, gs_base);
	unsigned long got = 0;
	int status;

	if (!has_bases())
		SKIP("no WRGSBASE");
	set_gs_base(0x123456789000);
	CHECK(syscall(SYS_arch_prctl, GET_GS, &got) == 0);
	EQ(got, 0x123456789000);
	CHECK(syscall(SYS_arch_prctl, SET_GS, 0x7654321000) == 0);
	EQ(gs_base(), 0x7654321000);

	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		if (gs_base() != 0x7654321000)
			_exit(1);
		set_gs_base(0x1111111000);
		if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0)
			_exit(2);
		raise(SIGSTOP);
		_exit(gs_base() == 0x2222222000 ? 0 : 3);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
	EQ(ptrace(PTRACE_PEEKUSER, pid, at, 0), 0x1111111000);
	CHECK(ptrace(PTRACE_POKEUSER, pid, at, 0x2222222000) == 0);
	EQ(ptrace(PTRACE_PEEKUSER, pid, at, 0), 0x2222222000);
	CHECK(ptrace(PTRACE_CONT, pid, 0, 0) == 0);
	CHECK(waitpid(pid, &status, 0) == pid);
	EQ(status, 0);
	EQ(gs_base(), 0x7654321000);
	set_gs_base(0);
}
