/* Selectors, descriptor tables, far transfers, and the bases of FS and GS. */
#include "attack.h"

#define ARCH_SET_GS 0x1001
#define ARCH_SET_FS 0x1002
#define ARCH_GET_FS 0x1003
#include <sched.h>

static unsigned long fs_base(void)
{
	unsigned long base = 0;

	CHECK(RAW(SYS_arch_prctl, (long)ARCH_GET_FS, &base) == 0);
	return base;
}

static unsigned char *low_page;

static void make_low_page(void)
{
	low_page = mmap(NULL, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	CHECK(low_page != MAP_FAILED);
}

static unsigned selector;

struct far {
	uint32_t offset;
	uint16_t selector;
} __attribute__((packed));

static void far_jump(void *arg)
{
	struct far to = {(uint32_t)(unsigned long)arg, (uint16_t)selector};

	__asm__ volatile("ljmp *%0" ::"m"(to) : "memory");
}

static void far_call(void *arg)
{
	struct far to = {(uint32_t)(unsigned long)arg, (uint16_t)selector};

	__asm__ volatile("lcall *%0" ::"m"(to) : "memory");
}

static void far_return(void *arg)
{
	__asm__ volatile("push %0; push %1; lretq" ::"r"((long)selector), "r"(arg) : "memory");
}

static void interrupt_return(void *arg)
{
	__asm__ volatile("mov %%rsp, %%rcx; push $0x2b; push %%rcx; pushf; push %0; push %1; iretq" ::"r"((long)selector), "r"(arg)
			 : "rcx", "memory");
}

static void interrupt_return_ss(void *arg)
{
	__asm__ volatile("mov %%rsp, %%rcx; push %0; push %%rcx; pushf; push $0x33; push %1; iretq" ::"r"((long)selector), "r"(arg)
			 : "rcx", "memory");
}

/* refused is a fault that a selector can raise; QEMU pushes with ring 3's rights. */
static void refused(const char *how, struct tap_fault f)
{
	if (f.sig != SIGSEGV && f.sig != SIGBUS)
		printf("# %s selector %#x: signal %d\n", how, selector, f.sig);
	CHECK(f.sig == SIGSEGV || f.sig == SIGBUS);
}

TEST(far_transfers_to_any_selector)
{
	make_low_page();
	memcpy(low_page, "\x0f\x0b", 2); /* ud2: nobody is to get here */
	for (selector = 0; selector < 0x110; selector++) {
		if ((selector | 3) == 0x33 || (selector | 3) == 0x23)
			continue;
		refused("jump", tap_fault(far_jump, low_page));
		refused("call", tap_fault(far_call, low_page));
		refused("return", tap_fault(far_return, low_page));
		refused("interrupt return", tap_fault(interrupt_return, low_page));
	}
	for (selector = 0xfff8; selector < 0x10000; selector++)
		refused("jump", tap_fault(far_jump, low_page));
}

TEST(interrupt_return_with_any_stack_selector)
{
	make_low_page();
	memcpy(low_page, "\x0f\x0b", 2);
	for (selector = 0; selector < 0x100; selector++)
		if (selector != 0x2b)
			refused("interrupt return, stack", tap_fault(interrupt_return_ss, low_page));
	selector = 0x2b;
	int sig = tap_fault(interrupt_return_ss, low_page).sig;
	CHECK(sig == SIGILL || (sig == SIGSEGV && guest())); /* under SMAP, QEMU's IRET fails in ring 3 */
}

static void far_jump_to_kernel(void *arg)
{
	selector = 0x33;
	__asm__ volatile("push %0; push %1; lretq" ::"r"((long)selector), "r"(arg) : "memory");
}

TEST(far_return_to_kernel_addresses)
{
	for (int i = 0; i < FORBIDDEN; i++)
		if (forbidden[i] >> 12 != 0xffffffffff600)
			CHECK(tap_fault(far_jump_to_kernel, (void *)forbidden[i]).sig == SIGSEGV);
}

/* SYSCALL in a 32-bit segment goes to another entry than that of 64-bit code. Linux
 * runs such code; here is no such segment. */
static void compatibility_mode(void *arg)
{
	make_low_page();
	memcpy(low_page, arg, 8);
	selector = 0x23;
	__asm__ volatile("mov %1, %%rsp; xor %%eax, %%eax; mov $20, %%al; push %2; push %0; lretq" ::"r"((long)low_page),
			 "r"((long)low_page + 8000), "r"((long)selector)
			 : "memory");
}

TEST(system_calls_from_32_bit_code)
{
	static const unsigned char code[][8] = {
		{0x0f, 0x05, 0x0f, 0x0b}, /* syscall */
		{0x0f, 0x34, 0x0f, 0x0b}, /* sysenter */
		{0xcd, 0x80, 0x0f, 0x0b}, /* int 0x80 */
		{0xce, 0x0f, 0x0b},       /* into */
		{0x0f, 0x0b},
	};

	for (unsigned i = 0; i < sizeof code / sizeof *code; i++) {
		int status = tap_status(compatibility_mode, (void *)code[i]);
		CHECK(WIFSIGNALED(status));
		if (guest())
			EQ(WTERMSIG(status), SIGSEGV);
	}
}

#define LOADER(reg) \
	static void load_##reg(void *arg) \
	{ \
		(void)arg; \
		__asm__ volatile("mov %0, %%" #reg ::"r"(selector) : "memory"); \
	}
LOADER(ds)
LOADER(es)
LOADER(ss)

static void load_fs(void *arg)
{
	/* FS is the C library's: its base is back before anybody looks. */
	__asm__ volatile("mov %0, %%fs; mov $158, %%eax; mov $0x1002, %%edi; mov %1, %%rsi; syscall" ::"r"(selector), "r"(arg)
			 : "rax", "rcx", "r11", "rdi", "rsi", "memory");
}

static void load_gs(void *arg)
{
	(void)arg;
	__asm__ volatile("mov %0, %%gs; mov $39, %%eax; syscall" ::"r"(selector) : "rax", "rcx", "r11", "memory");
}

TEST(data_segments_with_any_selector)
{
	unsigned long base = fs_base();

	for (selector = 0; selector < 0x110; selector++) {
		static void (*const loads[])(void *) = {load_ds, load_es, load_ss, load_fs, load_gs};
		for (unsigned i = 0; i < sizeof loads / sizeof *loads; i++) {
			int sig = tap_fault(loads[i], (void *)base).sig;
			CHECK(sig == 0 || sig == SIGSEGV || sig == SIGBUS);
			CHECK(getppid() > 0);
		}
	}
	selector = 0x10;
	EQ(tap_fault(load_ds, NULL).sig, SIGSEGV);
	EQ(tap_fault(load_ss, NULL).sig, SIGSEGV);
	selector = 0;
	EQ(tap_fault(load_ss, NULL).sig, SIGSEGV);
	load_ds(NULL);
	load_es(NULL);
	load_gs(NULL);
}

TEST(probes_of_kernel_segments)
{
	static const unsigned kernel[] = {0x10, 0x18, 0x40};

	for (unsigned i = 0; i < sizeof kernel / sizeof *kernel; i++) {
		unsigned long rights = 0, limit = 0;
		unsigned char ok1, ok2, ok3, ok4;
		unsigned long s = kernel[i];
		__asm__ volatile("lar %2, %0; setz %1" : "+r"(rights), "=q"(ok1) : "r"(s) : "cc");
		__asm__ volatile("lsl %2, %0; setz %1" : "+r"(limit), "=q"(ok2) : "r"(s) : "cc");
		__asm__ volatile("verr %w1; setz %0" : "=q"(ok3) : "r"(s) : "cc");
		__asm__ volatile("verw %w1; setz %0" : "=q"(ok4) : "r"(s) : "cc");
		CHECK(!ok1 && !ok2 && !ok3 && !ok4);
	}
}

TEST(local_descriptor_table)
{
	struct {
		unsigned entry, base, limit, flags;
	} d = {0, 0, 0xfffff, 0x51};
	long r = RAW(SYS_modify_ldt, 1L, &d, (long)sizeof d);

	CHECK(r == -ENOSYS || (r == 0 && !guest()));
	if (guest()) {
		selector = 7;
		EQ(tap_fault(load_ds, NULL).sig, SIGSEGV);
	}
}

TEST(bases_in_the_kernel_by_call)
{
	for (int i = 0; i < FORBIDDEN; i++) {
		EQ(RAW(SYS_arch_prctl, (long)ARCH_SET_FS, forbidden[i]), -EPERM);
		EQ(RAW(SYS_arch_prctl, (long)ARCH_SET_GS, forbidden[i]), -EPERM);
		EQ(RAW(SYS_arch_prctl, (long)ARCH_GET_FS, forbidden[i]), -EFAULT);
	}
}

static void write_bases(void *arg)
{
	unsigned long was = fs_base();

	__asm__ volatile("wrgsbase %0" ::"r"(arg) : "memory");
	__asm__ volatile("wrfsbase %0; wrfsbase %1" ::"r"(arg), "r"(was) : "memory");
}

/* With WRGSBASE a program puts any canonical address there. Whoever enters the kernel
 * must get the kernel's own base: at a call, a fault, a gate, a tick. */
static void enter_with_bases(void *arg)
{
	unsigned long gs, fs, was = fs_base();
	char *m = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (m == MAP_FAILED)
		_exit(2);
	__asm__ volatile("wrgsbase %[v]; wrfsbase %[v]\n"
			 "mov $39, %%eax; syscall\n"
			 "mov $256, %%r8d\n1: incb (%[m]); add $4096, %[m]; dec %%r8d; jnz 1b\n"
			 "mov $24, %%eax; syscall\n"
			 "mov $20000000, %%r8d\n2: dec %%r8d; jnz 2b\n"
			 "rdgsbase %[gs]; rdfsbase %[fs]; wrfsbase %[was]"
			 : [gs] "=&r"(gs), [fs] "=&r"(fs), [m] "+r"(m)
			 : [v] "r"(arg), [was] "r"(was)
			 : "rax", "rcx", "r8", "r11", "memory", "cc");
	_exit(gs == (unsigned long)arg && fs == (unsigned long)arg ? 0 : 1);
}

TEST(bases_in_the_kernel_by_instruction)
{
	static const unsigned long bases[] = {0xffff800000000000, KERNEL_TEXT, 0xffffffff80600000, 0xfffffffffffff000, USER_END, 0};

	if (tap_fault(write_bases, NULL).sig == SIGILL)
		SKIP("no such instructions");
	for (int i = 0; i < FORBIDDEN; i++) {
		unsigned long v = forbidden[i];
		int canonical = (unsigned long)((long)(v << 16) >> 16) == v;
		int sig = tap_fault(write_bases, (void *)v).sig;
		CHECK(sig == (canonical ? 0 : SIGSEGV) || (sig == 0 && guest())); /* QEMU takes all */
	}
	__asm__ volatile("wrgsbase %0" ::"r"(0L));
	for (unsigned i = 0; i < sizeof bases / sizeof *bases; i++)
		EQ(tap_status(enter_with_bases, (void *)bases[i]), 0);
}

static void fault_with_base(void *arg)
{
	__asm__ volatile("wrgsbase %0; movb %%gs:0x100, %%al" ::"r"(arg) : "rax", "memory");
}

TEST(access_through_a_base_in_the_kernel)
{
	if (tap_fault(write_bases, NULL).sig == SIGILL)
		SKIP("no such instructions");
	for (int i = 0; i < FORBIDDEN; i++)
		CHECK(tap_fault(fault_with_base, (void *)forbidden[i]).sig == SIGSEGV);
	__asm__ volatile("wrgsbase %0" ::"r"(0L));
}

/* What a task leaves in DS and ES must not be seen by others. */
static void keep_selectors(void *arg)
{
	(void)arg;
	selector = 0x2b;
	load_ds(NULL);
	load_es(NULL);
	for (;;)
		;
}

TEST(selectors_of_other_tasks)
{
	pid_t pid = child(keep_selectors, NULL), two = child(keep_selectors, NULL);
	double end = now() + 0.3;
	unsigned ds = 0, es = 0, seen = 0;

	while (now() < end) {
		__asm__ volatile("mov %%ds, %0; mov %%es, %1" : "=r"(ds), "=r"(es));
		seen |= ds | es;
		sched_yield();
	}
	kill(pid, SIGKILL);
	kill(two, SIGKILL);
	ended(pid);
	ended(two);
	EQ(seen, 0);
}

TEST(kernel_fault_addresses_do_not_tell_what_is_mapped)
{
	/* As seen by a handler that looks at the error code: mapped or not, the same. */
	EQ(tap_read_fault((void *)KERNEL_TEXT).code, tap_read_fault((void *)0xffffffffc0000000).code);
	EQ(tap_read_fault((void *)0xffff880000200000).code, tap_read_fault((void *)0xffff890000000000).code);
}
