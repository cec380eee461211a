/* process_vm_readv and process_vm_writev. */
#include "tracer.h"

static char there[3 * 4096] __attribute__((aligned(4096)));

TEST(between_processes)
{
	pid_t pid;
	char buf[6000], more[100];

	memset(there, 'x', sizeof there);
	pid = idle();
	memset(there, 'y', sizeof there);
	struct iovec local[] = {{buf, 50}, {more, 0}, {buf + 50, 5000}}, remote[] = {{there + 100, 4000}, {there, 1050}};
	EQ(process_vm_readv(pid, local, 3, remote, 2, 0), 5050);
	for (int i = 0; i < 5050; i++)
		EQ(buf[i], 'x');
	memset(buf, 'z', sizeof buf);
	EQ(process_vm_writev(pid, local, 3, remote, 2, 0), 5050);
	remote[0] = (struct iovec){there, 4200};
	local[0] = (struct iovec){buf, 4200};
	EQ(process_vm_readv(pid, local, 1, remote, 1, 0), 4200);
	EQ(buf[0], 'z');
	EQ(buf[4099], 'z');
	EQ(buf[4100], 'x');
	EQ(there[0], 'y');
	finish(pid);
}

TEST(process_vm_errors)
{
	pid_t pid = idle();
	char buf[100];
	struct iovec local = {buf, 100}, remote = {there, 100}, bad = {BAD, 100}, none = {buf, 0};

	FAILS(process_vm_readv(pid, &local, 1, &remote, 1, 1), EINVAL);
	FAILS(process_vm_readv(pid, &local, 1025, &remote, 1, 0), EINVAL);
	FAILS(process_vm_readv(pid, &local, 1, &remote, -1, 0), EINVAL);
	FAILS(process_vm_readv(pid, BAD, 1, &remote, 1, 0), EFAULT);
	FAILS(process_vm_readv(pid, &local, 1, BAD, 1, 0), EFAULT);
	FAILS(process_vm_readv(pid, &bad, 1, &remote, 1, 0), EFAULT);
	FAILS(process_vm_readv(pid, &local, 1, &bad, 1, 0), EFAULT);
	FAILS(process_vm_writev(pid, &local, 1, &bad, 1, 0), EFAULT);
	FAILS(process_vm_readv(999999, &local, 1, &remote, 1, 0), ESRCH);
	EQ(process_vm_readv(pid, &none, 1, &remote, 1, 0), 0);
	EQ(process_vm_readv(999999, &local, 0, &remote, 1, 0), 0);
	finish(pid);
}

TEST(process_vm_stops_at_a_hole)
{
	char *p = mmap(0, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static char buf[3 * 4096];

	munmap(p + 2 * 4096, 4096);
	pid_t pid = idle();
	struct iovec local = {buf, sizeof buf}, remote = {p, sizeof buf};
	EQ(process_vm_readv(pid, &local, 1, &remote, 1, 0), 2 * 4096);
	EQ(process_vm_writev(pid, &local, 1, &remote, 1, 0), 2 * 4096);
	finish(pid);
}

TEST(process_vm_of_another_user)
{
	if (getuid() != 0)
		SKIP("not root");
	pid_t pid = idle();
	char buf[10];
	struct iovec local = {buf, 10}, remote = {there, 10};

	pid_t other = fork();
	if (other == 0) {
		EQ(setuid(1000), 0);
		FAILS(process_vm_readv(pid, &local, 1, &remote, 1, 0), EPERM);
		FAILS(ptrace(PTRACE_ATTACH, pid, 0, 0), EPERM);
		_exit(0);
	}
	EXITED(other, 0);
	finish(pid);
}
