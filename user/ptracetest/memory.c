/* A tracee's memory and registers, and what must not get into them. */
#include "tracer.h"

#include <elf.h>
#include <fcntl.h>

static volatile long word = 0x1122334455667788;
static const long constant = 0x0123456789abcdef;

static void pokes_seen(void *arg)
{
	(void)arg;
	_exit(word == 42 ? 0 : 1);
}

TEST(peek_and_poke)
{
	pid_t pid = traced(pokes_seen, 0);

	EQ(ptrace(PTRACE_PEEKDATA, pid, &word, 0), 0x1122334455667788);
	EQ(ptrace(PTRACE_PEEKTEXT, pid, (char *)&word + 1, 0) & 0xffffff, 0x556677);
	EQ(ptrace(PTRACE_POKEDATA, pid, &word, 42), 0);
	EQ(word, 0x1122334455667788);
	FAILS(ptrace(PTRACE_PEEKDATA, pid, 0, 0), EIO);
	FAILS(ptrace(PTRACE_PEEKDATA, pid, (void *)-8L, 0), EIO);
	FAILS(ptrace(PTRACE_POKEDATA, pid, 0, 0), EIO);
	go_on(PTRACE_CONT, pid, 0);
	EXITED(pid, 0);
}

/* The tracer writes where the tracee cannot: a breakpoint in the text. */
TEST(poke_read_only_memory)
{
	pid_t pid = traced(pokes_seen, 0);
	long old;

	EQ(ptrace(PTRACE_POKEDATA, pid, &constant, 7L), 0);
	EQ(ptrace(PTRACE_PEEKDATA, pid, &constant, 0), 7);
	EQ(*(volatile const long *)&constant, 0x0123456789abcdef);
	errno = 0;
	old = ptrace(PTRACE_PEEKTEXT, pid, pokes_seen, 0);
	EQ(errno, 0);
	EQ(ptrace(PTRACE_POKETEXT, pid, pokes_seen, (old & ~0xffL) | 0xcc), 0);
	go_on(PTRACE_CONT, pid, 0);
	STOPPED(pid, SIGTRAP);
	EQ(registers(pid).rip, (unsigned long)pokes_seen + 1);
	finish(pid);
}

static void loops(void *arg)
{
	(void)arg;
	for (;;)
		pause();
}

TEST(poke_across_pages)
{
	char *p = mmap(0, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	munmap(p + 2 * 4096, 4096);
	pid_t pid = traced(loops, 0);
	EQ(ptrace(PTRACE_POKEDATA, pid, p + 4092, 0x0807060504030201), 0);
	EQ(ptrace(PTRACE_PEEKDATA, pid, p + 4092, 0), 0x0807060504030201);
	FAILS(ptrace(PTRACE_PEEKDATA, pid, p + 2 * 4096 - 4, 0), EIO);
	finish(pid);
}

TEST(proc_mem)
{
	pid_t pid = traced(pokes_seen, 0);
	char path[40];
	long v = 0;

	snprintf(path, sizeof path, "/proc/%d/mem", pid);
	int fd = open(path, O_RDWR);
	CHECK(fd >= 0);
	EQ(pread(fd, &v, sizeof v, (off_t)&word), sizeof v);
	EQ(v, 0x1122334455667788);
	v = 42;
	EQ(pwrite(fd, &v, sizeof v, (off_t)&word), sizeof v);
	FAILS(pread(fd, &v, sizeof v, 16), EIO);
	EQ(lseek(fd, (off_t)&constant, SEEK_SET), (off_t)&constant);
	EQ(read(fd, &v, sizeof v), sizeof v);
	EQ(v, constant);
	go_on(PTRACE_CONT, pid, 0);
	EXITED(pid, 0);
	EQ(pread(fd, &v, sizeof v, (off_t)&word), 0);
}

TEST(registers_read_and_written)
{
	pid_t pid = traced(loops, 0);
	struct user_regs_struct r = registers(pid), s;

	EQ(sizeof r, 27 * 8);
	EQ(r.cs, 0x33);
	EQ(r.ss, 0x2b);
	EQ(ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user_regs_struct, rip), 0), r.rip);
	EQ(ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, u_debugreg[0]), 0), 0);
	s = r;
	s.rbx = 0x1234;
	s.eflags |= 0x3000 | 1; /* IOPL is no tracer's to give */
	EQ(ptrace(PTRACE_SETREGS, pid, 0, &s), 0);
	s = registers(pid);
	EQ(s.rbx, 0x1234);
	EQ(s.eflags, r.eflags | 1);
	EQ(ptrace(PTRACE_POKEUSER, pid, offsetof(struct user_regs_struct, r12), 99L), 0);
	EQ(registers(pid).r12, 99);
	finish(pid);
}

TEST(registers_that_cannot_be)
{
	pid_t pid = traced(loops, 0);
	struct user_regs_struct r = registers(pid), s;
	const long kernel = (long)0xffff800000000000;

	s = r;
	s.cs = 0x10;
	FAILS(ptrace(PTRACE_SETREGS, pid, 0, &s), EIO);
	s = r;
	s.ss = 0;
	FAILS(ptrace(PTRACE_SETREGS, pid, 0, &s), EIO);
	s = r;
	s.fs_base = kernel;
	FAILS(ptrace(PTRACE_SETREGS, pid, 0, &s), EIO);
	FAILS(ptrace(PTRACE_POKEUSER, pid, offsetof(struct user_regs_struct, gs_base), kernel), EIO);
	FAILS(ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[0]), kernel), EINVAL);
	EQ(registers(pid).fs_base, r.fs_base);
	finish(pid);
}

/* Whatever a tracer writes, only the tracee suffers. */
TEST(wild_registers)
{
	static const unsigned long wild[] = {
		0, 1, ~0ul, 0x7fffffffffff, 0x7ffffffff000, 0x800000000000,
		0xffff7fffffffffff, 0xffff800000000000, 0xffffffff80200000, 0x246, 0x4000,
	};
	enum { N = sizeof wild / sizeof *wild };

	for (int field = 0; field < 27; field++)
		for (int i = 0; i < N; i++) {
			pid_t pid = traced(loops, 0);
			ptrace(PTRACE_POKEUSER, pid, (void *)(field * 8L), wild[i]);
			ptrace(PTRACE_SINGLESTEP, pid, 0, 0);
			waitpid(pid, 0, WNOHANG);
			ptrace(PTRACE_CONT, pid, 0, 0);
			kill(pid, SIGKILL);
			while (waitpid(pid, 0, 0) != pid || kill(pid, 0) == 0)
				;
		}
}

static void floats(void *arg)
{
	volatile double x = 1.5;

	(void)arg;
	__asm__ volatile("movsd %0, %%xmm7\n\tint3\n\tmovsd %%xmm7, %0" : "+m"(x)::"xmm7");
	_exit(x == 2.5 ? 0 : 1);
}

TEST(fpu_registers)
{
	pid_t pid = traced(floats, 0);
	struct user_fpregs_struct f;
	double x;

	go_on(PTRACE_CONT, pid, 0);
	STOPPED(pid, SIGTRAP);
	EQ(ptrace(PTRACE_GETFPREGS, pid, 0, &f), 0);
	memcpy(&x, &f.xmm_space[7 * 4], sizeof x);
	CHECK(x == 1.5);
	x = 2.5;
	memcpy(&f.xmm_space[7 * 4], &x, sizeof x);
	EQ(ptrace(PTRACE_SETFPREGS, pid, 0, &f), 0);
	f.mxcsr = 0xffffffff;
	FAILS(ptrace(PTRACE_SETFPREGS, pid, 0, &f), EINVAL);
	go_on(PTRACE_CONT, pid, 0);
	EXITED(pid, 0);
}

TEST(register_sets)
{
	pid_t pid = traced(floats, 0);
	struct user_regs_struct r;
	static uint64_t area[512] __attribute__((aligned(64)));
	struct iovec iov = {&r, sizeof r + 80};

	go_on(PTRACE_CONT, pid, 0);
	STOPPED(pid, SIGTRAP);
	EQ(ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &iov), 0);
	EQ(iov.iov_len, sizeof r);
	EQ(r.rip, registers(pid).rip);
	iov.iov_len = 16;
	EQ(ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &iov), 0);
	iov.iov_len = 12;
	FAILS(ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &iov), EINVAL);
	iov = (struct iovec){area, sizeof area};
	FAILS(ptrace(PTRACE_GETREGSET, pid, 0x7777, &iov), EINVAL);
	EQ(ptrace(PTRACE_GETREGSET, pid, NT_X86_XSTATE, &iov), 0);
	CHECK(iov.iov_len >= 576 && iov.iov_len % 8 == 0);
	EQ(area[58] & 3, 3); /* XCR0 */
	double x = 2.5;
	memcpy(&area[20 + 7 * 2], &x, sizeof x);
	EQ(ptrace(PTRACE_SETREGSET, pid, NT_X86_XSTATE, &iov), 0);
	area[65] = ~0ull; /* XCOMP_BV */
	FAILS(ptrace(PTRACE_SETREGSET, pid, NT_X86_XSTATE, &iov), EINVAL);
	area[65] = 0;
	area[64] = ~0ull;
	FAILS(ptrace(PTRACE_SETREGSET, pid, NT_X86_XSTATE, &iov), EINVAL);
	go_on(PTRACE_CONT, pid, 0);
	EXITED(pid, 0);
}

TEST(stack_grows_for_the_tracer)
{
	pid_t pid = traced(loops, 0);
	unsigned long sp = registers(pid).rsp;

	EQ(ptrace(PTRACE_POKEDATA, pid, sp - 300000, 5L), 0);
	EQ(ptrace(PTRACE_PEEKDATA, pid, sp - 300000, 0), 5);
	finish(pid);
}
