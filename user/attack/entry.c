/* The ways into the kernel and back: instructions that only it may use, every gate,
 * flags and bases that it must not run with, addresses that it must not return to. */
#include "attack.h"

#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#define INSTRUCTION(name, text) \
	static void name(void *arg) \
	{ \
		(void)arg; \
		__asm__ volatile(text :: "a"(0L), "c"(0L), "d"(0L) : "memory"); \
	}
INSTRUCTION(do_lgdt, "lgdt -64(%%rsp)")
INSTRUCTION(do_lldt, "lldt %%ax")
INSTRUCTION(do_ltr, "ltr %%ax")
INSTRUCTION(do_lmsw, "lmsw %%ax")
INSTRUCTION(do_clts, "clts")
INSTRUCTION(do_invlpg, "invlpg (%%rsp)")
INSTRUCTION(do_invd, "invd")
INSTRUCTION(do_wbinvd, "wbinvd")
INSTRUCTION(do_sti, "sti")
INSTRUCTION(do_read_cr2, "mov %%cr2, %%rax")
INSTRUCTION(do_read_cr3, "mov %%cr3, %%rax")
INSTRUCTION(do_write_cr0, "mov %%rax, %%cr0")
INSTRUCTION(do_write_cr4, "mov %%rax, %%cr4")
INSTRUCTION(do_write_cr8, "mov %%rax, %%cr8")
INSTRUCTION(do_read_dr7, "mov %%dr7, %%rax")
INSTRUCTION(do_write_dr0, "mov %%rax, %%dr0")
INSTRUCTION(do_write_dr7, "mov %%rax, %%dr7")
INSTRUCTION(do_xsetbv, "xsetbv")
INSTRUCTION(do_ins, "insb")
INSTRUCTION(do_outs, "outsb")
INSTRUCTION(do_monitor, "monitor")
INSTRUCTION(do_mwait, "mwait")
INSTRUCTION(do_sysexit, "sysexitl")
INSTRUCTION(do_sysexitq, "sysexitq")
INSTRUCTION(do_sysretl, "sysretl")
INSTRUCTION(do_iretl, "iretl")
INSTRUCTION(do_rsm, "rsm")
INSTRUCTION(do_stac, "stac")
INSTRUCTION(do_clac, "clac")
INSTRUCTION(do_ud1, "ud1 %%rax, %%rax")
INSTRUCTION(do_into, ".byte 0xce")
INSTRUCTION(do_bound, ".byte 0x62, 0x04, 0x24")
INSTRUCTION(do_push_es, ".byte 0x06")
INSTRUCTION(do_lcall, ".byte 0x9a, 0, 0, 0, 0, 0x10, 0")
INSTRUCTION(do_lock, "lock; .byte 0x90")
INSTRUCTION(do_long, ".byte 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90")
INSTRUCTION(do_wrmsr_lstar, "mov $0xc0000082, %%ecx; wrmsr")
INSTRUCTION(do_rdmsr_gs, "mov $0xc0000102, %%ecx; rdmsr")

TEST(instructions_of_the_kernel)
{
	static void (*const all[])(void *) = {
		do_lgdt, do_lldt, do_ltr, do_lmsw, do_clts, do_invlpg, do_invd, do_wbinvd, do_sti, do_read_cr2, do_read_cr3,
		do_write_cr0, do_write_cr4, do_write_cr8, do_read_dr7, do_write_dr0, do_write_dr7, do_xsetbv, do_ins, do_outs,
		do_monitor, do_mwait, do_sysexit, do_sysexitq, do_sysretl, do_iretl, do_rsm, do_stac, do_clac, do_ud1, do_into,
		do_bound, do_push_es, do_lcall, do_lock, do_long, do_wrmsr_lstar, do_rdmsr_gs,
	};

	for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
		int sig = tap_fault(all[i], NULL).sig;
		if (sig != SIGSEGV && sig != SIGILL)
			printf("# instruction %u: signal %d\n", i, sig);
		CHECK(sig == SIGSEGV || sig == SIGILL);
	}
}

static volatile unsigned long stored[2];
static void do_sgdt(void *arg) { (void)arg; __asm__ volatile("sgdt %0" : "=m"(stored)); }
static void do_sidt(void *arg) { (void)arg; __asm__ volatile("sidt %0" : "=m"(stored)); }
static void do_sldt(void *arg) { (void)arg; __asm__ volatile("sldt %0" : "=m"(stored)); }
static void do_str(void *arg) { (void)arg; __asm__ volatile("str %0" : "=m"(stored)); }
static void do_smsw(void *arg) { (void)arg; __asm__ volatile("smsw %0" : "=m"(stored)); }

/* UMIP keeps the kernel's tables secret. Linux makes values up for some of these. */
TEST(where_the_tables_are)
{
	static void (*const all[])(void *) = {do_sgdt, do_sidt, do_sldt, do_str, do_smsw};

	if (!guest())
		SKIP("an older processor tells, and Linux lets it");
	for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
		EQ(tap_fault(all[i], NULL).sig, SIGSEGV);
}

static unsigned char *code_page(const void *code, size_t size)
{
	static unsigned char *page;

	if (!page)
		page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	CHECK(page != MAP_FAILED);
	memcpy(page, code, size);
	return page;
}

static void run(void *code) { ((void (*)(void))code)(); }

TEST(every_gate)
{
	for (int vector = 0; vector < 256; vector++) {
		unsigned char code[] = {0xcd, (unsigned char)vector, 0xc3};
		if (vector == 0x80 && !guest()) /* Linux has 32-bit system calls there */
			continue;
		int want = vector == 3 ? SIGTRAP : SIGSEGV;
		int sig = tap_fault(run, code_page(code, sizeof code)).sig;
		if (sig != want)
			printf("# int %#x: signal %d\n", vector, sig);
		EQ(sig, want);
	}
}

TEST(breakpoints)
{
	static const unsigned char int3[] = {0xcc, 0xc3}, int1[] = {0xf1, 0xc3};

	EQ(tap_fault(run, code_page(int3, 2)).sig, SIGTRAP);
	int sig = tap_fault(run, code_page(int1, 2)).sig;
	CHECK(sig == SIGTRAP || sig == SIGILL); /* QEMU does not know it */
}

static void sysenter(void *arg)
{
	(void)arg;
	__asm__ volatile("mov $39, %%eax; mov %%rsp, %%rbp; sysenter; ud2" ::: "memory");
}

TEST(sysenter_from_64_bit_code)
{
	int status = tap_status(sysenter, NULL);

	CHECK(WIFSIGNALED(status));
	CHECK(WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGILL);
}

/* The last bytes of user space are a SYSCALL: the address to return to is not a
 * program's any more. On some processors SYSRET would fault for it in ring 0. */
TEST(syscall_at_the_end_of_user_space)
{
	unsigned char *page = (void *)(USER_END - 4096);
	struct tap_fault f;

	CHECK(mmap((void *)USER_END, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED);
	if (mmap(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != page)
		SKIP("the last page is in use");
	memcpy(page + 4094, "\x0f\x05", 2);
	f = tap_fault(run, page + 4094);
	CHECK(f.sig == SIGSEGV && f.code == SEGV_MAPERR && f.addr == (void *)USER_END);
}

static void run_out_of_user_space(void *arg)
{
	(void)arg;
	__asm__ volatile("jmp *%0" ::"r"(USER_END - 1));
}

TEST(nop_at_the_end_of_user_space)
{
	unsigned char *page = (void *)(USER_END - 4096);

	if (mmap(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != page)
		SKIP("the last page is in use");
	page[4095] = 0x90;
	struct tap_fault f = tap_fault(run_out_of_user_space, NULL);
	CHECK(f.sig == SIGSEGV && f.addr == (void *)USER_END);
}

/* A tracee at the end of a call is about to leave by SYSRET: its tracer moves it. */
static void calls_for_ever(void *arg)
{
	(void)arg;
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	raise(SIGSTOP);
	for (;;)
		getppid();
}

TEST(tracer_moves_the_return_address)
{
	for (int i = 0; i < FORBIDDEN; i++) {
		pid_t pid = child(calls_for_ever, NULL);
		struct user_regs_struct r;
		int status;

		if (forbidden[i] >> 12 == 0xffffffffff600) {
			kill(pid, SIGKILL);
			ended(pid);
			continue;
		}
		CHECK(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
		CHECK(ptrace(PTRACE_SYSCALL, pid, 0, 0) == 0 && waitpid(pid, &status, 0) == pid);
		CHECK(ptrace(PTRACE_SYSCALL, pid, 0, 0) == 0 && waitpid(pid, &status, 0) == pid);
		CHECK(ptrace(PTRACE_GETREGS, pid, 0, &r) == 0);
		r.rip = r.rcx = forbidden[i];
		CHECK(ptrace(PTRACE_SETREGS, pid, 0, &r) == 0);
		for (int k = 0; k < 3; k++) { /* the tracer eats the signal: it comes again */
			CHECK(ptrace(PTRACE_CONT, pid, 0, 0) == 0 && waitpid(pid, &status, 0) == pid);
			CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSEGV);
		}
		CHECK(ptrace(PTRACE_CONT, pid, 0, SIGSEGV) == 0);
		status = ended(pid);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	}
}

static void stops_once(void *arg)
{
	(void)arg;
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	raise(SIGSTOP);
}

TEST(tracer_sets_registers_of_ring_0)
{
	pid_t pid = child(stops_once, NULL);
	struct user_regs_struct good, r;
	int status;

	CHECK(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
	CHECK(ptrace(PTRACE_GETREGS, pid, 0, &good) == 0);
#define REFUSES(change) \
	r = good; \
	change; \
	FAILS(ptrace(PTRACE_SETREGS, pid, 0, &r), EIO)
	REFUSES(r.cs = 0x10);
	REFUSES(r.cs = 0);
	REFUSES(r.ss = 0x18);
	REFUSES(r.ss = 0);
	REFUSES(r.ds = 0x10);
	REFUSES(r.gs = 0x40);
	for (int i = 0; i < FORBIDDEN; i++) {
		REFUSES(r.fs_base = forbidden[i]);
		REFUSES(r.gs_base = forbidden[i]);
	}
	r = good;
	r.eflags = ~0UL & ~0x100UL;
	r.rsp = KERNEL_TEXT;
	CHECK(ptrace(PTRACE_SETREGS, pid, 0, &r) == 0 && ptrace(PTRACE_GETREGS, pid, 0, &r) == 0);
	CHECK((r.eflags & 0x1a3000) == 0 && r.eflags & 0x200);
	CHECK(ptrace(PTRACE_SETREGS, pid, 0, &good) == 0);
	CHECK(ptrace(PTRACE_CONT, pid, 0, 0) == 0);
	EQ(ended(pid), 0);
}

TEST(tracer_sets_breakpoints_in_the_kernel)
{
	pid_t pid = child(stops_once, NULL);
	size_t at = offsetof(struct user, u_debugreg);
	int status;

	CHECK(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
	for (int i = 0; i < FORBIDDEN; i++)
		for (int k = 0; k < 4; k++) {
			errno = 0;
			CHECK(ptrace(PTRACE_POKEUSER, pid, at + k * 8UL, forbidden[i]) == -1 && errno);
		}
	ptrace(PTRACE_POKEUSER, pid, at + 7 * 8, ~0UL);
	CHECK(ptrace(PTRACE_CONT, pid, 0, 0) == 0);
	EQ(ended(pid), 0);
}

/* Flags. */

static unsigned char buffer[3 * 4096];

/* under runs a call with the given flags set, and returns its result. */
static long under(unsigned long flags, long nr, long a, void *b, long c)
{
	long r;

	__asm__ volatile("pushf; pop %%r12; mov %%r12, %%r13; or %5, %%r13; push %%r13; popf; syscall; push %%r12; popf"
			 : "=a"(r)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(flags)
			 : "rcx", "r11", "r12", "r13", "memory", "cc");
	return r;
}

static const unsigned long odd_flags[] = {0x400, 0x40000, 0x4000, 0x200000, 0x10000, 0x444400, 0x8d5};

TEST(calls_with_odd_flags)
{
	int fd[2];

	CHECK(pipe(fd) == 0);
	for (unsigned i = 0; i < sizeof odd_flags / sizeof *odd_flags; i++) {
		unsigned char *m = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		memset(buffer, 0x5a, sizeof buffer);
		for (int k = 0; k < 4096; k++)
			buffer[4096 + k] = (unsigned char)(k * 7);
		EQ(under(odd_flags[i], SYS_write, fd[1], buffer + 4096, 4096), 4096);
		EQ(under(odd_flags[i], SYS_read, fd[0], m + 2048, 4096), 4096); /* faults on the way */
		CHECK(memcmp(m + 2048, buffer + 4096, 4096) == 0);
		for (int k = 0; k < 2048; k++)
			CHECK(m[k] == 0 && m[6144 + k] == 0);
		CHECK(munmap(m, 8192) == 0);
	}
}

TEST(faults_and_interrupts_with_odd_flags)
{
	for (unsigned i = 0; i < sizeof odd_flags / sizeof *odd_flags; i++) {
		unsigned long got, rounds = 0;
		unsigned long *m = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		/* A page fault per round, and time for a tick or two. */
		__asm__ volatile("pushf; pop %%r12; mov %%r12, %%r13; or %3, %%r13; push %%r13; popf\n"
				 "1: incq (%2); add $4096, %2; dec %%ecx; jnz 1b\n"
				 "mov $3000000, %%ecx\n2: inc %1; dec %%ecx; jnz 2b\n"
				 "pushf; pop %0; push %%r12; popf"
				 : "=&r"(got), "+r"(rounds), "+r"(m)
				 : "r"(odd_flags[i]), "c"(256)
				 : "r12", "r13", "memory", "cc");
		EQ(rounds, 3000000);
		EQ(got & odd_flags[i] & 0x44400, odd_flags[i] & 0x44400);
		CHECK((got & 0x3000) == 0);
		CHECK(munmap(m - (1 << 20) / 8, 1 << 20) == 0);
	}
}

static volatile int traps;
static void count_trap(int sig) { (void)sig; traps++; }

/* The trap flag over whatever enters the kernel: it must not step the kernel. */
TEST(single_step_into_the_kernel)
{
	unsigned long sum = 0;
	char *m = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct sigaction action = {.sa_handler = count_trap};

	CHECK(sigaction(SIGTRAP, &action, NULL) == 0);
	__asm__ volatile("sub $128, %%rsp; pushf; orq $0x100, (%%rsp); popf\n"
			 "mov $39, %%eax; syscall\n"
			 "incb (%1)\n"                          /* page fault */
			 "mov %1, %%rdi; mov $5000, %%ecx; xor %%eax, %%eax\n"
			 "mov %%ss, %%ebx; mov %%ebx, %%ss; mov $39, %%eax; syscall\n" /* traps held back by a load of SS */
			 "mov %%ebx, %%ss; int3\n"
			 "pushf; andq $~0x100, (%%rsp); popf; add $128, %%rsp\n"
			 : "+r"(sum)
			 : "r"(m)
			 : "rax", "rbx", "rcx", "rdi", "r11", "memory", "cc");
	CHECK(traps > 8);
	CHECK(m[0] == 1);
}

static void exec_in_single_step(void *arg)
{
	(void)arg;
	signal(SIGTRAP, SIG_IGN);
	__asm__ volatile("pushf; orq $0x100, (%%rsp); popf; nop; nop" ::: "memory", "cc");
}

TEST(trap_flag_with_the_signal_ignored)
{
	int status = tap_status(exec_in_single_step, NULL);

	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTRAP);
}
