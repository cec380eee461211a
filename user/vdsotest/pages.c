/* The vDSO as a piece of memory. */
#define _GNU_SOURCE
#include "vdso.h"

#include <sys/mman.h>
#include <sys/ptrace.h>

TEST(in_maps)
{
	struct mapping code, data;

	CHECK(find_mapping("[vdso]", &code) && find_mapping("[vvar]", &data));
	EQ(code.start, (uintptr_t)vdso_image());
	CHECK(strcmp(code.access, "r-xp") == 0);
	CHECK(strcmp(data.access, "r--p") == 0);
}

TEST(not_writable)
{
	struct mapping data;
	struct tap_fault f = tap_write_fault(vdso_image());

	EQ(f.sig, SIGSEGV);
	EQ(f.code, SEGV_ACCERR);
	CHECK(find_mapping("[vvar]", &data));
	EQ(tap_write_fault((void *)data.start).sig, SIGSEGV);
	EQ(tap_exec_fault((void *)data.start).sig, SIGSEGV);
	EQ(mprotect((void *)data.start, 4096, PROT_READ | PROT_WRITE), -1);
	EQ(tap_read_fault(vdso_image()).sig, 0);
}

/* A program may make the code its own, as debuggers do. */
TEST(made_writable)
{
	struct mapping code;

	CHECK(find_mapping("[vdso]", &code));
	char *p = (char *)code.start, old = p[1];
	EQ(mprotect(p, code.end - code.start, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
	p[1] = 'X';
	EQ(p[0], '\177');
	EQ(p[2], 'L');
	p[1] = old;
	CHECK(vdso_functions().time(NULL) > 0);
}

TEST(not_locked)
{
	struct mapping code;
	long before = tap_field("/proc/self/status", "VmLck");

	CHECK(find_mapping("[vdso]", &code));
	EQ(mlock((void *)code.start, code.end - code.start), 0);
	EQ(tap_field("/proc/self/status", "VmLck"), before);
}

TEST(goes_with_fork)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct timespec t;
		_exit(vdso_functions().gettime(CLOCK_MONOTONIC, &t));
	}
	EQ(waitpid(pid, &status, 0), pid);
	EQ(status, 0);
}

TEST(can_be_moved)
{
	struct mapping code, moved;

	CHECK(find_mapping("[vdso]", &code));
	size_t size = code.end - code.start;
	char *to = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(to != MAP_FAILED);
	EQ(mremap((void *)code.start, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to), (intptr_t)to);
	CHECK(memcmp(to, "\177ELF", 4) == 0);
	CHECK(find_mapping("[vdso]", &moved));
	EQ(moved.start, (uintptr_t)to);
}

TEST(can_be_unmapped)
{
	struct mapping code;

	CHECK(find_mapping("[vdso]", &code));
	EQ(munmap((void *)code.start, code.end - code.start), 0);
	CHECK(!find_mapping("[vdso]", &code));
}

/* What a debugger writes into its child's code nobody else sees. */
TEST(a_poke_is_private)
{
	int status;
	char *image = vdso_image();
	pid_t pid = fork();

	if (pid == 0) {
		CHECK(ptrace(PTRACE_TRACEME, 0, 0, 0) == 0);
		raise(SIGSTOP);
		_exit(image[1] == 'X' && image[2] == 'L' ? 7 : 1);
	}
	EQ(waitpid(pid, &status, 0), pid);
	long word = ptrace(PTRACE_PEEKDATA, pid, image, 0);
	EQ(ptrace(PTRACE_POKEDATA, pid, image, (word & ~0xff00l) | 'X' << 8), 0);
	EQ(image[1], 'E');
	EQ(ptrace(PTRACE_CONT, pid, 0, 0), 0);
	EQ(waitpid(pid, &status, 0), pid);
	EQ(status, 7 << 8);
}
