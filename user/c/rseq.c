/* Restartable sequences: rseq(2). */
#define _GNU_SOURCE
#include "tap.h"

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/time.h>

enum { NR_RSEQ = 334, UNREGISTER = 1, SIG = 0x53053053 };

struct area {
	uint32_t cpu_start, cpu;
	uint64_t section;
	uint32_t flags, rest[3];
} __attribute__((aligned(32)));

static __thread struct area area = {.cpu = -1};

/* A C library may have registered an area of its own. */
extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned int __rseq_size __attribute__((weak));

static long rseq(void *p, unsigned size, int flags, unsigned sig)
{
	return syscall(NR_RSEQ, p, size, flags, sig);
}

static void own(void)
{
	if (&__rseq_size && __rseq_size)
		CHECK(rseq((char *)__builtin_thread_pointer() + __rseq_offset, 32, UNREGISTER, SIG) == 0);
	CHECK(rseq(&area, sizeof area, 0, SIG) == 0);
}

TEST(registration)
{
	own();
	FAILS(rseq(&area, sizeof area, 0, SIG), EBUSY);
	FAILS(rseq(&area, sizeof area, 0, SIG + 1), EPERM);
	FAILS(rseq(&area + 1, sizeof area, 0, SIG), EINVAL);
	FAILS(rseq(&area, sizeof area, 4, SIG), EINVAL);
	FAILS(rseq(&area, sizeof area, UNREGISTER, SIG + 1), EPERM);
	FAILS(rseq(&area + 1, sizeof area, UNREGISTER, SIG), EINVAL);
	CHECK(area.cpu < 4096 && area.cpu_start == area.cpu);
	CHECK(rseq(&area, sizeof area, UNREGISTER, SIG) == 0);
	EQ((int)area.cpu, -1);
	EQ(area.cpu_start, 0);
	FAILS(rseq(&area, sizeof area, UNREGISTER, SIG), EINVAL);
	FAILS(rseq((char *)&area + 8, sizeof area, 0, SIG), EINVAL);
}

static void in_child(void *arg)
{
	(void)arg;
	CHECK(area.cpu < 4096);
	FAILS(rseq(&area, sizeof area, 0, SIG), EBUSY);
	_exit(0);
}

TEST(fork_keeps_it)
{
	own();
	EQ(tap_status(in_child, NULL), 0);
}

TEST(exec_drops_it)
{
	static struct area other;

	/* This program has been executed: its area is nobody's but the C library's. */
	own();
	CHECK(rseq(&area, sizeof area, UNREGISTER, SIG) == 0);
	CHECK(rseq(&other, sizeof other, 0, SIG) == 0);
	CHECK(other.cpu < 4096);
}

/* spin stays in a critical section until it is aborted. */
static int spin(void)
{
	__asm__ goto(".pushsection .data\n\t"
		     ".balign 32\n"
		     "3:\t.long 0, 0\n\t"
		     ".quad 1f, 2f - 1f, 4f\n\t"
		     ".popsection\n\t"
		     "leaq 3b(%%rip), %%rax\n\t"
		     "movq %%rax, 8(%0)\n"
		     "1:\tpause\n\t"
		     "jmp 1b\n"
		     "2:\n\t"
		     ".pushsection .text.abort, \"ax\"\n\t"
		     ".byte 0x0f, 0xb9, 0x3d\n\t"
		     ".long 0x53053053\n"
		     "4:\tjmp %l[aborted]\n\t"
		     ".popsection"
		     :
		     : "r"(&area)
		     : "rax", "memory"
		     : aborted);
	return 0;
aborted:
	return 1;
}

static volatile sig_atomic_t alarms;
static void on_alarm(int sig) { alarms += sig == SIGALRM; }

TEST(a_signal_aborts)
{
	struct itimerval soon = {{0, 20000}, {0, 20000}};

	signal(SIGALRM, on_alarm);
	own();
	CHECK(setitimer(ITIMER_REAL, &soon, NULL) == 0);
	while (!alarms) { /* others of the machine, or its ticks, may abort it before */
		EQ(spin(), 1);
		EQ(area.section, 0);
	}
}

enum { CPUS = 4096, ROUNDS = 20000, THREADS = 6 };
static long counters[CPUS];

/* add counts one on the CPU it runs on, by a load and a store far apart. */
static int add(uint32_t cpu)
{
	__asm__ goto(".pushsection .data\n\t"
		     ".balign 32\n"
		     "3:\t.long 0, 0\n\t"
		     ".quad 1f, 2f - 1f, 4f\n\t"
		     ".popsection\n\t"
		     "leaq 3b(%%rip), %%rax\n\t"
		     "movq %%rax, 8(%0)\n"
		     "1:\tcmpl %1, 4(%0)\n\t"
		     "jne 4f\n\t"
		     "movq (%2), %%rax\n\t"
		     "movl $100, %%ecx\n"
		     "5:\tdecl %%ecx\n\t"
		     "jnz 5b\n\t"
		     "incq %%rax\n\t"
		     "movq %%rax, (%2)\n"
		     "2:\n\t"
		     ".pushsection .text.abort, \"ax\"\n\t"
		     ".byte 0x0f, 0xb9, 0x3d\n\t"
		     ".long 0x53053053\n"
		     "4:\tjmp %l[aborted]\n\t"
		     ".popsection"
		     :
		     : "r"(&area), "r"(cpu), "r"(&counters[cpu])
		     : "rax", "rcx", "memory", "cc"
		     : aborted);
	return 1;
aborted:
	return 0;
}

static void *adder(void *arg)
{
	own();
	for (int i = 0; i < ROUNDS; i++)
		while (!add(*(volatile uint32_t *)&area.cpu_start))
			;
	CHECK(rseq(&area, sizeof area, UNREGISTER, SIG) == 0);
	return arg;
}

TEST(counters_of_each_cpu)
{
	pthread_t t[THREADS];
	long sum = 0;

	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_create(&t[i], NULL, adder, NULL) == 0);
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	for (int i = 0; i < CPUS; i++)
		sum += counters[i];
	EQ(sum, (long)THREADS * ROUNDS);
}

/* An abort handler without the signature before it is an attack. */
static void bad_section(void *arg)
{
	static uint64_t section[4] __attribute__((aligned(32)));
	struct itimerval often = {{0, 1000}, {0, 1000}};

	(void)arg;
	own();
	__asm__ volatile("leaq 1f(%%rip), %%rax\n\t"
			 "movq %%rax, 8(%0)\n\t"
			 "movq $8, 16(%0)\n\t"
			 "leaq 2f(%%rip), %%rax\n\t"
			 "movq %%rax, 24(%0)\n\t"
			 "jmp 3f\n"
			 "1:\tpause\n\tjmp 1b\n\t"
			 "nop\n\tnop\n\tnop\n\tnop\n"
			 "\tnop\n\tnop\n\tnop\n\tnop\n"
			 "2:\tnop\n"
			 "3:" ::"r"(section)
			 : "rax", "memory");
	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &often, NULL);
	area.section = (uintptr_t)section;
	__asm__ volatile("jmp *%0" ::"r"(section[1]) : "memory");
	_exit(0);
}

TEST(without_a_signature_it_dies)
{
	int status = tap_status(bad_section, NULL);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}
