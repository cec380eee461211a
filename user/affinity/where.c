/* Every way to ask on which CPU one runs. */
#include "affinity.h"

#include <cpuid.h>
#include <stddef.h>

long set_mask(pid_t tid, uint64_t mask) { return syscall(SYS_sched_setaffinity, tid, sizeof mask, &mask); }

uint64_t get_mask(pid_t tid)
{
	uint64_t mask[16] = {0};

	CHECK(syscall(SYS_sched_getaffinity, tid, sizeof mask, mask) >= 8);
	return mask[0];
}

uint64_t all_cpus(void)
{
	static uint64_t all;

	if (!all)
		all = get_mask(0);
	return all;
}

int cpus(void) { return __builtin_popcountll(all_cpus()); }

int nth_cpu(int n)
{
	uint64_t left = all_cpus();

	for (n %= cpus(); n > 0; n--)
		left &= left - 1;
	return __builtin_ctzll(left);
}

/* struct rseq, as far as it matters here. */
struct area {
	uint32_t cpu_start, cpu;
	uint64_t section;
	uint32_t flags, rest[3];
} __attribute__((aligned(32)));

static __thread struct area own;
static __thread struct area *area;
extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned int __rseq_size __attribute__((weak));

void watch_rseq(void)
{
	enum { NR_RSEQ = 334, SIG = 0x53053053 };

	if (&__rseq_size && __rseq_size)
		area = (struct area *)((char *)__builtin_thread_pointer() + __rseq_offset);
	else if (syscall(NR_RSEQ, &own, sizeof own, 0, SIG) == 0)
		area = &own;
}

/* What the processor has for it, of leaf 0x80000001 and of leaf 7. */
static int has_rdtscp(void)
{
	unsigned a, b, c, d = 0;

	return __get_cpuid(0x80000001, &a, &b, &c, &d) && d >> 27 & 1;
}

static int has_rdpid(void)
{
	unsigned a, b, c = 0, d;

	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && c >> 22 & 1;
}

static void check(unsigned cpu, uint64_t mask, const char *who, const char *how)
{
	if (cpu < 64 && mask >> cpu & 1)
		return;
	printf("# %s: on CPU %u by %s, the mask is %llx\n", who, cpu, how, (unsigned long long)mask);
	fflush(stdout);
	_exit(1);
}

void look(uint64_t mask, const char *who)
{
	static int (*getcpu_vdso)(unsigned *, unsigned *, void *);
	static int rdtscp = -1, rdpid;
	unsigned cpu;

	if (rdtscp < 0) {
		*(void **)&getcpu_vdso = vdso_symbol("__vdso_getcpu");
		rdpid = has_rdpid();
		rdtscp = has_rdtscp();
	}
	EQ(getcpu_vdso(&cpu, NULL, NULL), 0);
	check(cpu, mask, who, "the vDSO");
	EQ(syscall(SYS_getcpu, &cpu, NULL, NULL), 0);
	check(cpu, mask, who, "getcpu");
	if (area)
		check(*(volatile uint32_t *)&area->cpu, mask, who, "rseq");
	if (rdtscp) {
		__asm__ volatile("rdtscp" : "=c"(cpu) : : "eax", "edx");
		check(cpu & 0xfff, mask, who, "RDTSCP");
	}
	if (rdpid) {
		uint64_t id;
		__asm__ volatile(".byte 0xf3, 0x0f, 0xc7, 0xf8" : "=a"(id)); /* rdpid %rax */
		check(id & 0xfff, mask, who, "RDPID");
	}
}

void pin(int cpu, const char *who)
{
	EQ(set_mask(0, 1ull << cpu), 0);
	look(1ull << cpu, who);
}
