#include "attack.h"

#include <grp.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <time.h>

const unsigned long forbidden[] = {
	USER_END, 0x00007fffffffffff, 0x0000800000000000, NON_CANONICAL, 0x7fffffffffffffff, 0x8000000000000000,
	0xffff7fffffffffff, 0xffff800000000000, 0xffff880000000000, 0xffff888000000000, KERNEL_TEXT,
	0xffffffffff600000, 0xfffffffffffff000, 0xfffffffffffffff8,
};
_Static_assert(sizeof forbidden / sizeof *forbidden == FORBIDDEN, "count them");

long raw(long nr, ...)
{
	long r, a[6];
	va_list list;

	va_start(list, nr);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	register long a3 __asm__("r10") = a[3], a4 __asm__("r8") = a[4], a5 __asm__("r9") = a[5];
	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(a3), "r"(a4), "r"(a5)
			 : "rcx", "r11", "memory");
	return r;
}

int guest(void)
{
	struct utsname u;

	CHECK(uname(&u) == 0);
	return strstr(u.version, "Yolk") != NULL;
}

pid_t child(void (*f)(void *), void *arg)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		f(arg);
		_exit(0);
	}
	return pid;
}

int ended(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) != pid)
		CHECK(errno == EINTR);
	return status;
}

int be(unsigned uid)
{
	if (getuid() != 0)
		return 0;
	CHECK(setgroups(0, NULL) == 0 && setresgid(uid, uid, uid) == 0 && setresuid(uid, uid, uid) == 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* the change has taken it away */
	return 1;
}

const char *own(const char *name)
{
	static char path[64];

	snprintf(path, sizeof path, "/tmp/attack-%s.%d", name, getpid());
	return path;
}

char *page_before_hole(void)
{
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED && munmap(p + 4096, 4096) == 0);
	return p;
}

double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}
