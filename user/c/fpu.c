/* Vector and floating-point state belongs to one task: it survives switches,
 * calls and signals, and is not seen by the next. */
#define _GNU_SOURCE
#include "tap.h"

#include <fenv.h>
#include <immintrin.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <sys/time.h>

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
