/* What a program gets for its own mistakes: the right signal, code and address,
 * and never anything for the kernel or for others. */
#define _GNU_SOURCE
#include "../c/tap.h"

#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define KERNEL_TEXT ((void *)0xffffffff80200000)
#define KERNEL_HEAP ((void *)0xffff800000000000)
#define NON_CANONICAL ((void *)0x0000900000000000)

static void expect(struct tap_fault f, int sig, int code, void *addr)
{
	EQ(f.sig, sig);
	EQ(f.code, code);
	EQ((uintptr_t)f.addr, (uintptr_t)addr);
}

TEST(null_pointer)
{
	expect(tap_read_fault(NULL), SIGSEGV, SEGV_MAPERR, NULL);
	expect(tap_write_fault((void *)8), SIGSEGV, SEGV_MAPERR, (void *)8);
}

TEST(kernel_addresses)
{
	static void *const kernel[] = {KERNEL_TEXT, KERNEL_HEAP, (void *)-1L, (void *)0xffff888000000000};

	for (unsigned i = 0; i < sizeof kernel / sizeof *kernel; i++) {
		CHECK(tap_read_fault(kernel[i]).sig == SIGSEGV);
		CHECK(tap_write_fault(kernel[i]).sig == SIGSEGV);
		CHECK(tap_exec_fault(kernel[i]).sig == SIGSEGV);
	}
	CHECK(tap_read_fault(KERNEL_TEXT).code == SEGV_MAPERR);
	CHECK(tap_read_fault(KERNEL_TEXT).addr == KERNEL_TEXT);
}

TEST(non_canonical)
{
	struct tap_fault f = tap_read_fault(NON_CANONICAL);

	CHECK(f.sig == SIGSEGV && f.code == SI_KERNEL && f.addr == NULL);
	CHECK(tap_exec_fault(NON_CANONICAL).sig == SIGSEGV);
}

static const int constant = 5;

TEST(write_to_read_only_data)
{
	expect(tap_write_fault((void *)&constant), SIGSEGV, SEGV_ACCERR, (void *)&constant);
}

TEST(write_to_text)
{
	CHECK(tap_write_fault((void *)tap_fault).code == SEGV_ACCERR);
}

TEST(execute_data)
{
	static char code[] = {(char)0xc3};
	char stack_code[] = {(char)0xc3};

	expect(tap_exec_fault(code), SIGSEGV, SEGV_ACCERR, code);
	expect(tap_exec_fault(stack_code), SIGSEGV, SEGV_ACCERR, stack_code);
}

/* idiv divides *p by p[1], which the compiler would reason away. */
static void idiv(void *p)
{
	int *n = p, low = n[0], high = n[0] < 0 ? -1 : 0;

	__asm__ volatile("idivl %2" : "+a"(low), "+d"(high) : "r"(n[1]) : "cc");
}

TEST(division)
{
	int by_zero[2] = {1, 0}, too_large[2] = {(int)0x80000000, -1};
	struct tap_fault f = tap_fault(idiv, by_zero);

	CHECK(f.sig == SIGFPE && f.code == FPE_INTDIV && f.addr);
	CHECK(tap_fault(idiv, too_large).sig == SIGFPE);
}

#define INSTRUCTION(name, text) \
	static void name(void *arg) { (void)arg; __asm__ volatile(text "" ::: "rax", "rdx", "memory"); }
INSTRUCTION(undefined, "ud2")
INSTRUCTION(breakpoint, "int3")
INSTRUCTION(halt, "hlt")
INSTRUCTION(clear_interrupts, "cli")
INSTRUCTION(out_port, "outb %%al, $0x80")
INSTRUCTION(in_port, "inb $0x64, %%al")
INSTRUCTION(read_cr0, "mov %%cr0, %%rax")
INSTRUCTION(write_cr3, "mov %%rax, %%cr3")
INSTRUCTION(read_msr, "rdmsr")
INSTRUCTION(write_msr, "wrmsr")
INSTRUCTION(load_idt, "lidt (%%rsp)")
INSTRUCTION(swap_gs, "swapgs")
INSTRUCTION(iret_kernel, "push $0; push $8; pushf; push $8; push $0; iretq")
INSTRUCTION(software_interrupt, "int $0x21")
INSTRUCTION(exit_debug, "mov $0xf4, %%edx; xor %%eax, %%eax; outl %%eax, %%dx")
INSTRUCTION(sysret, "sysretq")

TEST(privileged_instructions)
{
	static void (*const all[])(void *) = {halt, clear_interrupts, out_port, in_port, read_cr0, write_cr3, read_msr,
					      write_msr, load_idt, swap_gs, iret_kernel, software_interrupt, exit_debug, sysret};

	for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
		struct tap_fault f = tap_fault(all[i], NULL);
		if (f.sig != SIGSEGV)
			printf("# instruction %u raised signal %d\n", i, f.sig);
		CHECK(f.sig == SIGSEGV);
	}
}

TEST(invalid_instruction)
{
	CHECK(tap_fault(undefined, NULL).sig == SIGILL);
	CHECK(tap_fault(breakpoint, NULL).sig == SIGTRAP);
}

static volatile int bottom = -1; /* never reached: the compiler can't know */

static int descend(volatile char *above, int level)
{
	volatile char here[1024];

	if (level == bottom)
		return 0;
	here[0] = above ? above[0] : 0;
	return descend(here, level + 1) + here[1];
}
static void run_descend(void *arg) { *(volatile int *)arg = descend(NULL, 0); }

TEST(stack_overflow)
{
	int n;
	struct tap_fault f;
	struct rlimit limit = {1 << 20, RLIM_INFINITY};

	CHECK(getrlimit(RLIMIT_STACK, &limit) == 0);
	limit.rlim_cur = 1 << 20;
	CHECK(setrlimit(RLIMIT_STACK, &limit) == 0);
	f = tap_fault(run_descend, &n);
	CHECK(f.sig == SIGSEGV && f.code == SEGV_MAPERR);
	CHECK((char *)f.addr < (char *)&n && (char *)f.addr > (char *)&n - (4 << 20));
}

TEST(stack_overflow_kills_without_altstack)
{
	int n, status = tap_status(run_descend, &n);

	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static void crash_in_handler(int sig)
{
	(void)sig;
	*(volatile int *)16 = 1;
}
static void crash_twice(void *arg)
{
	(void)arg;
	signal(SIGSEGV, crash_in_handler);
	*(volatile int *)8 = 1;
}

TEST(fault_in_the_fault_handler)
{
	int status = tap_status(crash_twice, NULL);

	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static void ignore_and_crash(void *arg)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGSEGV);
	if (arg)
		sigprocmask(SIG_BLOCK, &set, NULL);
	else
		signal(SIGSEGV, SIG_IGN);
	*(volatile int *)8 = 1;
}

TEST(fault_blocked_or_ignored_kills)
{
	for (long blocked = 0; blocked < 2; blocked++) {
		int status = tap_status(ignore_and_crash, (void *)blocked);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	}
}

static void bad_stack(void *arg)
{
	__asm__ volatile("mov %0, %%rsp; push %%rax" ::"r"(arg) : "memory");
}

TEST(wild_stack_pointer)
{
	static void *const where[] = {(void *)8, KERNEL_TEXT, NON_CANONICAL, (void *)-8L};

	for (unsigned i = 0; i < sizeof where / sizeof *where; i++) {
		int status = tap_status(bad_stack, where[i]);
		CHECK(WIFSIGNALED(status));
		CHECK(WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGBUS);
	}
}

static void syscall_on_bad_stack(void *arg)
{
	/* The kernel must not touch the user's stack on entry: getpid, then exit(3). */
	__asm__ volatile("mov %0, %%rsp\n\t"
			 "mov $39, %%eax\n\tsyscall\n\t"
			 "mov $231, %%eax\n\tmov $3, %%edi\n\tsyscall" ::"r"(arg)
			 : "memory");
}

TEST(call_with_a_wild_stack_pointer)
{
	static void *const where[] = {(void *)8, KERNEL_TEXT, NON_CANONICAL};

	for (unsigned i = 0; i < sizeof where / sizeof *where; i++) {
		int status = tap_status(syscall_on_bad_stack, where[i]);
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 3);
	}
}

static void trap_flag(void *arg)
{
	(void)arg;
	__asm__ volatile("pushf; orq $0x100, (%%rsp); popf; nop; nop" ::: "memory", "cc");
}

TEST(single_step_flag)
{
	CHECK(tap_fault(trap_flag, NULL).sig == SIGTRAP);
}

static void direction_flag(void *arg)
{
	__asm__ volatile("std; mov $39, %%eax; syscall; cld" ::: "rax", "rcx", "r11", "memory");
	*(volatile int *)arg = 1;
}

TEST(direction_flag_in_a_call)
{
	int done = 0;

	CHECK(tap_fault(direction_flag, &done).sig == 0 && done);
}
