/* What must not be seen: registers of other tasks, of programs before an exec, pages
 * and bytes that were others' before. */
#include "attack.h"

#include <elf.h>
#include <sched.h>
#include <stddef.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#define SECRET 0x5ec2e75ec2e75ec2UL

static int has_avx(void)
{
	return __builtin_cpu_supports("avx");
}

/* fill_registers puts v into the vector registers, MXCSR and x87. */
static void fill_registers(unsigned long v)
{
	unsigned mxcsr = 0x9f80; /* flush to zero */
	unsigned short cw = 0x27f;

	__asm__ volatile("fldcw %2; ldmxcsr %1; movq %0, %%xmm0; punpcklqdq %%xmm0, %%xmm0; movdqa %%xmm0, %%xmm7; movdqa %%xmm0, %%xmm15"
			 ::"r"(v), "m"(mxcsr), "m"(cw)
			 : "xmm0", "xmm7", "xmm15");
	if (has_avx())
		__asm__ volatile("vinsertf128 $1, %%xmm0, %%ymm0, %%ymm0; vinsertf128 $1, %%xmm0, %%ymm7, %%ymm7; vinsertf128 $1, %%xmm0, %%ymm15, %%ymm15"
				 ::: "xmm0", "xmm7", "xmm15");
}

static void spin_with(void *arg)
{
	unsigned long v = (unsigned long)arg, seen[12] = {0};
	double end = now() + 0.25;

	fill_registers(v);
	while (now() < end) {
		/* Nothing but this between two looks. */
		for (int i = 0; i < 1000; i++)
			__asm__ volatile("" ::: "memory");
		if (has_avx())
			__asm__ volatile("vmovdqu %%ymm7, (%0); vmovdqu %%ymm15, 32(%0)" ::"r"(seen) : "memory");
		else
			__asm__ volatile("movdqu %%xmm7, (%0); movdqu %%xmm15, 32(%0)" ::"r"(seen) : "memory");
		for (int i = 0; i < 8; i++)
			if (seen[i] != v && !(seen[i] == 0 && i % 4 >= 2 && !has_avx()))
				_exit(1);
	}
}

TEST(vector_registers_of_other_tasks)
{
	pid_t pid[6];

	for (int i = 0; i < 6; i++)
		pid[i] = child(spin_with, (void *)(SECRET + (unsigned long)i));
	for (int i = 0; i < 6; i++)
		EQ(ended(pid[i]), 0);
}

/* A program that writes all registers that it began with to stdout, and ends. */
extern const char probe[], probe_end[];
__asm__(".pushsection .rodata\n"
	"probe:\n"
	"sub $1024, %rsp\n"
	"mov %rax, (%rsp); mov %rbx, 8(%rsp); mov %rcx, 16(%rsp); mov %rdx, 24(%rsp)\n"
	"mov %rsi, 32(%rsp); mov %rdi, 40(%rsp); mov %rbp, 48(%rsp); mov %r8, 56(%rsp)\n"
	"mov %r9, 64(%rsp); mov %r10, 72(%rsp); mov %r11, 80(%rsp); mov %r12, 88(%rsp)\n"
	"mov %r13, 96(%rsp); mov %r14, 104(%rsp); mov %r15, 112(%rsp)\n"
	"mov %ds, %eax; mov %rax, 120(%rsp); mov %es, %eax; mov %rax, 128(%rsp)\n"
	"mov %fs, %eax; mov %rax, 136(%rsp); mov %gs, %eax; mov %rax, 144(%rsp)\n"
	"mov $158, %eax; mov $0x1003, %edi; lea 152(%rsp), %rsi; syscall\n"
	"mov $158, %eax; mov $0x1004, %edi; lea 160(%rsp), %rsi; syscall\n"
	"pushf; pop 168(%rsp)\n"
	"movdqu %xmm0, 192(%rsp); movdqu %xmm7, 208(%rsp); movdqu %xmm15, 224(%rsp)\n"
	"stmxcsr 176(%rsp); movl $0, 180(%rsp); fnstcw 184(%rsp); movw $0, 186(%rsp); movl $0, 188(%rsp)\n"
	"mov $1, %eax; mov $1, %edi; mov %rsp, %rsi; mov $240, %edx; syscall\n"
	"mov $60, %eax; xor %edi, %edi; syscall; ud2\n"
	"probe_end: .popsection\n");

static char probe_file[64];

static void exec_probe(void *arg)
{
	int fd = (int)(long)arg;
	char *argv[] = {"probe", NULL};

	dup2(fd, 1);
	fill_registers(SECRET);
	__asm__ volatile("mov $0x2b, %%eax; mov %%eax, %%ds; mov %%eax, %%es; mov %0, %%r12; mov %0, %%r13; mov %0, %%rbx" ::"r"(SECRET)
			 : "rax", "r12", "r13", "rbx");
	execv(probe_file, argv);
	_exit(9);
}

TEST(registers_of_the_program_before_exec)
{
	struct {
		Elf64_Ehdr e;
		Elf64_Phdr p;
		char code[512];
	} f = {.e = {.e_type = ET_EXEC, .e_machine = EM_X86_64, .e_version = 1, .e_phoff = sizeof f.e, .e_ehsize = sizeof f.e,
		     .e_phentsize = sizeof f.p, .e_phnum = 1, .e_entry = 0x400000 + offsetof(typeof(f), code)},
	       .p = {PT_LOAD, PF_R | PF_X, 0, 0x400000, 0, sizeof f, sizeof f, 4096}};
	unsigned long r[30];
	int fd, p[2];

	memcpy(f.e.e_ident, "\x7f" "ELF\2\1\1", 7);
	CHECK(probe_end - probe <= (long)sizeof f.code);
	memcpy(f.code, probe, (size_t)(probe_end - probe));
	strcpy(probe_file, own("probe"));
	CHECK((fd = open(probe_file, O_CREAT | O_WRONLY | O_TRUNC, 0700)) >= 0);
	CHECK(write(fd, &f, sizeof f) == sizeof f && close(fd) == 0 && pipe(p) == 0);
	EQ(ended(child(exec_probe, (void *)(long)p[1])), 0);
	CHECK(unlink(probe_file) == 0);
	EQ(read(p[0], r, sizeof r), 240);
	/* General registers, selectors, bases. Selectors are a program's own matter here: see
	 * selectors_of_other_tasks. */
	for (int i = 0; i < 21; i++)
		if (i < 15 || i > 18 || !guest())
			EQ(r[i], 0);
	EQ(r[21] & ~0x46UL, 0x200);
	EQ(r[22], 0x1f80);
	EQ(r[23], 0x37f);
	for (int i = 24; i < 30; i++)
		EQ(r[i], 0);
}

/* What calls leave in registers: the result, the return address, the flags; no more. */
extern void call_with_marks(long nr, unsigned long *after);
__asm__(".pushsection .text\n"
	"call_with_marks:\n"
	"push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15; push %rsi\n"
	"mov %rdi, %rax; mov $-1, %rdi; mov $0x101, %ebx; mov $0x102, %ebp; mov $0x103, %esi; mov $0x104, %edx\n"
	"mov $0x105, %r8d; mov $0x106, %r9d; mov $0x107, %r10d; mov $0x108, %r12d; mov $0x109, %r13d; mov $0x10a, %r14d\n"
	"mov $0x10b, %r15d; syscall\n1: mov (%rsp), %rax\n"
	"mov %rbx, (%rax); mov %rbp, 8(%rax); mov %rsi, 16(%rax); mov %rdx, 24(%rax); mov %r8, 32(%rax); mov %r9, 40(%rax)\n"
	"mov %r10, 48(%rax); mov %r12, 56(%rax); mov %r13, 64(%rax); mov %r14, 72(%rax); mov %r15, 80(%rax)\n"
	"mov %rdi, 88(%rax); lea 1b(%rip), %rdi; sub %rdi, %rcx; mov %rcx, 96(%rax); mov %r11, 104(%rax)\n"
	"pop %rsi; pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n"
	".popsection\n");

TEST(registers_after_calls)
{
	static const long calls[] = {SYS_getpid, SYS_sched_yield, 9999, SYS_read, SYS_munmap, SYS_rt_sigprocmask, SYS_close, SYS_dup};

	for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++)
		for (int round = 0; round < 50; round++) {
			unsigned long r[14];
			call_with_marks(calls[i], r);
			for (unsigned long k = 0; k < 11; k++)
				EQ(r[k], 0x101 + k);
			EQ(r[11], -1);
			EQ(r[12], 0);
			EQ(r[13] & ~0xcd5UL, 0x202);
		}
}

/* Memory. */

static void leave_secrets(void *arg)
{
	(void)arg;
	unsigned long *m = mmap(NULL, 8 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open(own("secret"), O_CREAT | O_RDWR | O_TRUNC, 0600), p[2];

	if (m == MAP_FAILED || fd < 0 || pipe(p) != 0)
		_exit(1);
	for (int i = 0; i < (8 << 20) / 8; i++)
		m[i] = SECRET;
	if (write(fd, m, 1 << 20) != 1 << 20 || write(p[1], m, 32768) != 32768)
		_exit(1);
	unlink(own("secret"));
}

static void no_secret(const void *at, size_t size)
{
	const unsigned long *m = at;

	for (size_t i = 0; i < size / 8; i++)
		if (m[i] != 0) {
			printf("# %#lx at %zu\n", m[i], i * 8);
			CHECK(m[i] == 0);
		}
}

TEST(pages_that_were_others)
{
	size_t size = 4 << 20;
	int fd, id;

	for (int round = 0; round < 3; round++) {
		EQ(tap_status(leave_secrets, NULL), 0);
		char *m = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		CHECK(m != MAP_FAILED);
		for (size_t i = 0; i < size; i += 4096)
			((volatile char *)m)[i] = 0;
		no_secret(m, size);
		CHECK(munmap(m, size) == 0);
		EQ(tap_status(leave_secrets, NULL), 0);
		m = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		CHECK(m != MAP_FAILED);
		no_secret(m, size);
		CHECK(munmap(m, size) == 0);
	}
	EQ(tap_status(leave_secrets, NULL), 0);
	char *b = (char *)RAW(SYS_brk, 0L);
	CHECK(RAW(SYS_brk, b + (1 << 20)) == (long)b + (1 << 20));
	no_secret((void *)(((unsigned long)b + 4095) & ~4095UL), (1 << 20) - 4096);
	EQ(tap_status(leave_secrets, NULL), 0);
	CHECK((id = shmget(IPC_PRIVATE, 1 << 20, IPC_CREAT | 0600)) >= 0);
	char *s = shmat(id, NULL, 0);
	CHECK(s != (void *)-1 && shmctl(id, IPC_RMID, NULL) == 0);
	no_secret(s, 1 << 20);
	EQ(tap_status(leave_secrets, NULL), 0);
	CHECK((fd = (int)RAW(SYS_memfd_create, "attack")) >= 0 && ftruncate(fd, 1 << 20) == 0);
	char *f = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(f != MAP_FAILED);
	no_secret(f, 1 << 20);
}

TEST(bytes_behind_the_end_of_a_file)
{
	static char buf[8192];
	int fd = open(own("tail"), O_CREAT | O_RDWR | O_TRUNC, 0600);
	char *m;

	CHECK(fd >= 0 && unlink(own("tail")) == 0);
	EQ(tap_status(leave_secrets, NULL), 0);
	CHECK(write(fd, "12345678", 8) == 8);
	CHECK((m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) != MAP_FAILED);
	no_secret(m + 8, 4088);
	memset(m, 'x', 4096); /* behind the end: nobody's */
	CHECK(ftruncate(fd, 4) == 0 && ftruncate(fd, 8192) == 0);
	EQ(pread(fd, buf, sizeof buf, 0), 8192);
	CHECK(memcmp(buf, "xxxx", 4) == 0);
	no_secret(buf + 8, 8184);
	CHECK(lseek(fd, 100000, SEEK_SET) == 100000 && write(fd, "y", 1) == 1);
	EQ(pread(fd, buf, sizeof buf, 90000), 8192);
	no_secret(buf, 8192);
	memset(buf, 'z', sizeof buf);
	CHECK(pwrite(fd, buf, 8192, 0) == 8192 && ftruncate(fd, 5000) == 0 && ftruncate(fd, 8192) == 0);
	EQ(pread(fd, buf, sizeof buf, 0), 8192);
	no_secret(buf + 5000, 3192);
}

TEST(stack_below_and_above)
{
	/* A thread's and a process's stack grow into pages that hold nothing. */
	EQ(tap_status(leave_secrets, NULL), 0);
	volatile char *sp = __builtin_frame_address(0);
	for (int k = 64; k < 256; k++)
		for (int i = 0; i < 4096; i += 8)
			CHECK(*(volatile unsigned long *)((((unsigned long)sp & ~4095UL) - (unsigned long)k * 4096) + (unsigned long)i) == 0);
}

/* Structures: padding, reserved fields, what stands behind a string. */

#define PATTERN 0xa5

/* padded wants bytes [from, to) of what a call stored to be 0, or not stored at all. */
static void padded(const char *what, const unsigned char *b, int from, int to)
{
	for (int i = from; i < to; i++)
		if (b[i] != 0 && b[i] != PATTERN) {
			printf("# %s: byte %d is %#x\n", what, i, b[i]);
			CHECK(0);
		}
}

TEST(bytes_between_the_fields)
{
	static unsigned char b[4096];
	int fd[2];
	pid_t pid;

	/* Something of the kernel's stacks and buffers to be seen. */
	CHECK(pipe(fd) == 0);
	memset(b, 0x77, sizeof b);
	CHECK(write(fd[1], b, sizeof b) == sizeof b && read(fd[0], b, sizeof b) == sizeof b);
#define FRESH() memset(b, PATTERN, sizeof b)
	FRESH();
	CHECK(RAW(SYS_stat, "/", b) == 0);
	padded("stat", b, 36, 40);
	padded("stat", b, 120, 144);
	FRESH();
	CHECK(RAW(SYS_statx, -100L, "/", 0L, 0x7ffL, b) == 0);
	padded("statx", b, 30, 32);
	padded("statx", b, 76, 80);
	padded("statx", b, 92, 96);
	padded("statx", b, 192, 256);
	FRESH();
	CHECK(RAW(SYS_statfs, "/tmp", b) == 0);
	padded("statfs", b, 88, 120);
	FRESH();
	CHECK(RAW(SYS_sysinfo, b) == 0);
	padded("sysinfo", b, 84, 88);
	padded("sysinfo", b, 108, 112);
	FRESH();
	CHECK(RAW(SYS_uname, b) == 0);
	for (int i = 0; i < 5; i++)
		padded("uname", b, i * 65 + (int)strlen((char *)b + i * 65), (i + 1) * 65);
	FRESH();
	CHECK(RAW(SYS_rt_sigaction, (long)SIGUSR2, 0L, b, 8L) == 0);
	padded("sigaction", b, 0, 32);
	FRESH();
	CHECK(RAW(SYS_sigaltstack, 0L, b) == 0);
	padded("sigaltstack", b, 12, 16);
	FRESH();
	CHECK((pid = fork()) >= 0);
	if (pid == 0)
		_exit(3);
	CHECK(RAW(SYS_waitid, 0L, 0L, b, 4L, b + 512) == 0); /* P_ALL, WEXITED */
	padded("waitid", b, 28, 128);
	padded("rusage", b + 512, 40, 64);
	FRESH();
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0 && raise(SIGUSR1) == 0);
	EQ(RAW(SYS_rt_sigtimedwait, &set, b, 0L, 8L), SIGUSR1);
	padded("siginfo", b, 12, 16);
	padded("siginfo", b, 24, 128);
	FRESH();
	int dir = open("/", O_RDONLY | O_DIRECTORY);
	long n = RAW(SYS_getdents64, (long)dir, b, (long)sizeof b);
	CHECK(n > 0);
	for (long at = 0; at < n;) {
		int size = b[at + 16] | b[at + 17] << 8;
		padded("getdents64", b + at, 19 + (int)strlen((char *)b + at + 19), size);
		at += size;
	}
	FRESH();
	CHECK(RAW(SYS_prctl, 16L, b) == 0);
	padded("name", b, (int)strlen((char *)b), 16);
	FRESH();
	CHECK(RAW(SYS_getcwd, b, (long)sizeof b) > 0);
	padded("getcwd", b, (int)strlen((char *)b), 4096);
	FRESH();
	struct shmid_ds *d = (void *)b;
	int id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
	CHECK(id >= 0 && shmctl(id, IPC_STAT, d) == 0 && shmctl(id, IPC_RMID, NULL) == 0);
	padded("shmid_ds", b, 26, 48);
	padded("shmid_ds", b, 96, 112);
}

static volatile unsigned char frame[2048];
static void keep_frame(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)context;
	for (unsigned i = 0; i < sizeof *info; i++)
		frame[i] = ((unsigned char *)info)[i];
}

TEST(bytes_of_a_signal_frame)
{
	struct sigaction a = {.sa_sigaction = keep_frame, .sa_flags = SA_SIGINFO};

	CHECK(sigaction(SIGUSR1, &a, NULL) == 0 && raise(SIGUSR1) == 0);
	padded("siginfo in a frame", (unsigned char *)frame, 12, 16);
	padded("siginfo in a frame", (unsigned char *)frame, 24, 128);
}
