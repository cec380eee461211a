/* Signal frames: what a program can write into one, and where it can put it. The
 * kernel reads it back with rt_sigreturn and must load none of it on trust. */
#include "attack.h"

#include <sys/resource.h>
#include <sys/ucontext.h>

static void (*edit)(ucontext_t *);

static void editor(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info;
	edit(context);
}

static void take_signal(void *arg)
{
	(void)arg;
	raise(SIGUSR1);
}

/* after is what becomes of a program whose handler changes its frame. */
static struct tap_fault after(void (*change)(ucontext_t *))
{
	struct sigaction action = {.sa_sigaction = editor, .sa_flags = SA_SIGINFO};

	edit = change;
	CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
	return tap_fault(take_signal, NULL);
}

static unsigned long value;

#define EDIT(name, what) \
	static void name(ucontext_t *uc) { what; }
#define REG(r) uc->uc_mcontext.gregs[r]

EDIT(set_rip, REG(REG_RIP) = (long)value)
EDIT(set_cs, REG(REG_CSGSFS) = (REG(REG_CSGSFS) & ~0xffffL) | (long)value)
EDIT(set_ss, REG(REG_CSGSFS) = (long)(((unsigned long)REG(REG_CSGSFS) & 0xffffffffffffUL) | value << 48))
EDIT(or_flags, REG(REG_EFL) |= (long)value)
EDIT(no_flags, REG(REG_EFL) = 0)
EDIT(set_rsp, REG(REG_RSP) = (long)value)

TEST(sigreturn_to_where_no_program_runs)
{
	for (int i = 0; i < FORBIDDEN; i++) {
		value = forbidden[i];
		if (value >> 12 == 0xffffffffff600) /* Linux has the old vsyscall page there */
			continue;
		EQ(after(set_rip).sig, SIGSEGV);
	}
}

TEST(sigreturn_to_a_bad_code_segment)
{
	/* Of the kernel, data, of the TSS, null, of an LDT, beyond the table. */
	static const unsigned bad[] = {0x10, 0x13, 0x18, 0x2b, 0x40, 0, 3, 4, 7, 0x37, 0xfff8, 0xffff};

	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		value = bad[i];
		EQ(after(set_cs).sig, SIGSEGV);
	}
}

TEST(sigreturn_to_a_bad_stack_segment)
{
	static const unsigned bad[] = {0x10, 0x18, 0x33, 0x40, 0, 3, 4, 7, 0x2f, 0xfff8, 0xffff};

	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		value = bad[i];
		EQ(after(set_ss).sig, SIGSEGV);
	}
}

static unsigned long flags(void)
{
	unsigned long f;

	__asm__ volatile("pushf; pop %0" : "=r"(f));
	return f;
}

static void try_cli(void *arg) { (void)arg; __asm__ volatile("cli"); }
static void try_out(void *arg) { (void)arg; __asm__ volatile("outb %al, $0x80"); }

TEST(sigreturn_with_privileged_flags)
{
	/* IOPL, VM, VIF, VIP, and those that are always 0. */
	static const unsigned long sets[] = {0x3000, 0x20000, 0x80000, 0x100000, 0x1a3000, 0xffffffffff008028};

	for (unsigned i = 0; i < sizeof sets / sizeof *sets; i++) {
		value = sets[i];
		EQ(after(or_flags).sig, 0);
		EQ(flags() & 0x1a3000, 0);
		EQ(tap_fault(try_cli, NULL).sig, SIGSEGV);
		EQ(tap_fault(try_out, NULL).sig, SIGSEGV);
	}
}

TEST(sigreturn_without_the_interrupt_flag)
{
	EQ(after(no_flags).sig, 0);
	CHECK(flags() & 0x200);
}

TEST(sigreturn_with_the_trap_flag)
{
	value = 0x100;
	EQ(after(or_flags).sig, SIGTRAP);
}

TEST(sigreturn_with_the_nested_task_and_resume_flags)
{
	static const unsigned long sets[] = {0x4000, 0x10000, 0x14000};

	for (unsigned i = 0; i < sizeof sets / sizeof *sets; i++) {
		value = sets[i];
		EQ(after(or_flags).sig, 0);
		CHECK(getppid() > 0);
	}
}

TEST(sigreturn_to_a_wild_stack)
{
	for (int i = 0; i < FORBIDDEN; i++) {
		value = forbidden[i];
		int sig = after(set_rsp).sig;
		CHECK(sig == SIGSEGV || sig == SIGBUS);
	}
}

/* The FPU image in the frame. */

static unsigned char *image(ucontext_t *uc) { return (unsigned char *)uc->uc_mcontext.fpregs; }
static unsigned where;

EDIT(set_fpstate, uc->uc_mcontext.fpregs = (void *)value)
EDIT(set_byte, if (image(uc)) image(uc)[where] ^= (unsigned char)value)

TEST(sigreturn_with_an_fpu_image_elsewhere)
{
	char *edge = page_before_hole();

	for (int i = 0; i < FORBIDDEN; i++) {
		value = forbidden[i];
		EQ(after(set_fpstate).sig, SIGSEGV);
	}
	value = (unsigned long)edge + 4096 - 256; /* not even the old part is there */
	EQ(after(set_fpstate).sig, SIGSEGV);
	value = (unsigned long)edge + 4096;
	EQ(after(set_fpstate).sig, SIGSEGV);
	value = 64;
	EQ(after(set_fpstate).sig, SIGSEGV);
	value = 0; /* no image: the initial state */
	EQ(after(set_fpstate).sig, 0);
}

static unsigned char copy_of_image[8192];
static char *edge_page;

static void image_to_edge(ucontext_t *uc)
{
	/* Says that it is long, and ends after 512 bytes. */
	memcpy(copy_of_image, image(uc), 512);
	memcpy(edge_page + 4096 - 512, copy_of_image, 512);
	uc->uc_mcontext.fpregs = (void *)(edge_page + 4096 - 512);
}

TEST(sigreturn_with_an_fpu_image_that_ends_too_soon)
{
	edge_page = page_before_hole();
	int sig = after(image_to_edge).sig;
	CHECK(sig == SIGSEGV || (sig == 0 && !guest()));
}

TEST(sigreturn_with_reserved_bits_in_the_fpu_image)
{
	/* XRSTOR faults on each of these: MXCSR, XSTATE_BV, XCOMP_BV, reserved bytes. */
	static const struct { unsigned at, bits; } bad[] = {
		{26, 1}, {27, 0x80}, {513, 0x80}, {519, 0x80}, {519, 0x40}, {520, 1}, {520, 7}, {527, 0x80}, {528, 1}, {535, 0x80},
	};

	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		where = bad[i].at;
		value = bad[i].bits;
		struct tap_fault f = after(set_byte);
		if (f.sig != SIGSEGV)
			printf("# byte %u with bits %#x: signal %d\n", bad[i].at, bad[i].bits, f.sig);
		EQ(f.sig, SIGSEGV);
	}
}

TEST(sigreturn_with_any_byte_of_the_fpu_image_changed)
{
	/* Whatever it makes of them, the program ends or goes on, and so does the kernel. */
	for (where = 0; where < 836; where += where >= 448 && where < 600 ? 1 : 13)
		for (value = 0x41; value <= 0xff; value += 0xbe) {
			int sig = after(set_byte).sig;
			CHECK(sig == 0 || sig == SIGSEGV || sig == SIGFPE);
			__asm__ volatile("fninit; ldmxcsr %0" ::"m"((const unsigned){0x1f80}));
		}
}

/* sigreturn_at makes the call with the stack pointer at uc. */
static void sigreturn_at(void *uc)
{
	__asm__ volatile("mov %0, %%rsp; mov $15, %%eax; syscall; ud2" ::"r"(uc) : "memory");
}

TEST(sigreturn_with_no_frame)
{
	static char zeros[4096] __attribute__((aligned(64)));
	char *edge = page_before_hole();

	for (int i = 0; i < FORBIDDEN; i++)
		EQ(tap_fault(sigreturn_at, (void *)forbidden[i]).sig, SIGSEGV);
	EQ(tap_fault(sigreturn_at, zeros + 64).sig, SIGSEGV);
	EQ(tap_fault(sigreturn_at, (void *)64).sig, SIGSEGV);
	for (int left = 0; left < 400; left += 8)
		EQ(tap_fault(sigreturn_at, edge + 4096 - left).sig, SIGSEGV);
}

static char saved[sizeof(ucontext_t) + 256];
static sigjmp_buf back;
static volatile int passes;

static void copy_frame(ucontext_t *uc)
{
	if (passes++ == 0)
		memcpy(saved + 1 + 8, uc, sizeof *uc); /* at an odd address */
}

TEST(sigreturn_with_an_unaligned_frame)
{
	passes = 0;
	EQ(after(copy_frame).sig, 0);
	if (sigsetjmp(back, 1) == 0) {
		ucontext_t uc;
		memcpy(&uc, saved + 9, sizeof uc);
		uc.uc_mcontext.fpregs = NULL;
		uc.uc_mcontext.gregs[REG_RIP] = (long)siglongjmp;
		uc.uc_mcontext.gregs[REG_RDI] = (long)back;
		uc.uc_mcontext.gregs[REG_RSI] = 1;
		uc.uc_mcontext.gregs[REG_RSP] &= ~15L;
		uc.uc_mcontext.gregs[REG_RSP] -= 4096 + 8;
		memcpy(saved + 9, &uc, sizeof uc);
		sigreturn_at(saved + 9);
		CHECK(0);
	}
}

/* Where frames are pushed. */

static void handler(int sig) { (void)sig; }

static void raise_on_stack_at(void *arg)
{
	register unsigned long sp __asm__("rbx") = (unsigned long)arg;
	register long pid __asm__("r12") = getpid();

	signal(SIGUSR1, handler);
	__asm__ volatile("mov %%rsp, %%r13; mov %0, %%rsp; mov $62, %%eax; mov %1, %%rdi; mov $10, %%esi; syscall; mov %%r13, %%rsp"
			 ::"r"(sp), "r"(pid)
			 : "rax", "rcx", "r11", "rdi", "rsi", "r13", "memory");
}

TEST(frame_on_a_wild_stack)
{
	static const unsigned long low[] = {0, 8, 512, 4096};

	for (int i = 0; i < FORBIDDEN; i++)
		EQ(tap_fault(raise_on_stack_at, (void *)forbidden[i]).sig, SIGSEGV);
	for (unsigned i = 0; i < sizeof low / sizeof *low; i++)
		EQ(tap_fault(raise_on_stack_at, (void *)low[i]).sig, SIGSEGV);
	EQ(tap_fault(raise_on_stack_at, (void *)forbidden).sig, SIGSEGV); /* can't be written */
}

static void use_alternate_stack(void *arg)
{
	stack_t s = {.ss_sp = arg, .ss_size = 1 << 20};
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};

	if (sigaltstack(&s, NULL) != 0)
		_exit(2);
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
}

TEST(alternate_stack_in_the_kernel)
{
	for (int i = 0; i < FORBIDDEN; i++) {
		int status = tap_status(use_alternate_stack, (void *)forbidden[i]);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	}
}

static void recursive(int sig) { raise(sig); }

static void nest_signals(void *arg)
{
	/* Below it is nothing: a handler that ran on into what is there would look to the
	 * next signal as if it were on no such stack, and that began at its top again. */
	char *stack = mmap(NULL, 5 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	stack_t s = {.ss_sp = stack + 4096, .ss_size = 4 * 4096};
	struct sigaction action = {.sa_handler = recursive, .sa_flags = SA_NODEFER};

	if (stack == MAP_FAILED || mprotect(stack, 4096, PROT_NONE) != 0)
		_exit(1);
	if (arg) {
		sigaltstack(&s, NULL);
		action.sa_flags |= SA_ONSTACK;
	}
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
}

TEST(nested_signals_exhaust_the_stack)
{
	struct rlimit limit;

	CHECK(getrlimit(RLIMIT_STACK, &limit) == 0);
	limit.rlim_cur = 512 << 10;
	CHECK(setrlimit(RLIMIT_STACK, &limit) == 0);
	for (long alternate = 0; alternate < 2; alternate++) {
		int status = tap_status(nest_signals, (void *)alternate);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	}
}

/* kernel_sigaction is what the call takes. */
struct kernel_sigaction {
	unsigned long handler, flags, restorer, mask;
};

static void handle_at(void *arg)
{
	struct kernel_sigaction a = *(struct kernel_sigaction *)arg;

	RAW(SYS_rt_sigaction, SIGUSR1, &a, 0L, 8L);
	RAW(SYS_tkill, syscall(SYS_gettid), (long)SIGUSR1);
}

static void handle_segv_at(void *arg)
{
	struct kernel_sigaction a = *(struct kernel_sigaction *)arg;

	RAW(SYS_rt_sigaction, SIGSEGV, &a, 0L, 8L);
	*(volatile int *)8 = 1;
}

TEST(handler_where_no_program_runs)
{
	for (int i = 0; i < FORBIDDEN; i++) {
		struct kernel_sigaction a = {forbidden[i], 0x04000000, (unsigned long)handler, 0};
		if (forbidden[i] >> 12 == 0xffffffffff600)
			continue;
		EQ(tap_fault(handle_at, &a).sig, SIGSEGV);
		int status = tap_status(handle_segv_at, &a);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	}
}

TEST(restorer_where_no_program_runs)
{
	for (int i = 0; i < FORBIDDEN; i++) {
		struct kernel_sigaction a = {(unsigned long)handler, 0x04000000, forbidden[i], 0};
		if (forbidden[i] >> 12 == 0xffffffffff600)
			continue;
		EQ(tap_fault(handle_at, &a).sig, SIGSEGV);
		a.flags = 0; /* without one there is no way back */
		EQ(tap_fault(handle_at, &a).sig, SIGSEGV);
	}
}
