/* Every system call number with wild arguments, in children that may die of it
 * but not hang, and with a kernel that goes on. */
#define _GNU_SOURCE
#include "../c/tap.h"

#include <sys/mman.h>
#include <sys/syscall.h>

/* Calls that would end, stop, or take away the child's means to report, on any
 * kernel, or change the machine the test also runs natively on. */
static int skipped(long nr)
{
	static const long list[] = {
		SYS_exit, SYS_exit_group, SYS_pause, SYS_rt_sigsuspend, SYS_rt_sigreturn, SYS_vfork, SYS_fork, SYS_clone,
		435 /* clone3 */, SYS_kill, SYS_tkill, SYS_tgkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo,
		SYS_reboot, SYS_shutdown, SYS_sethostname, SYS_setdomainname, SYS_settimeofday, SYS_clock_settime,
		SYS_adjtimex, SYS_clock_adjtime, SYS_swapoff, SYS_swapon, SYS_mount, SYS_umount2, SYS_pivot_root,
		SYS_chroot, SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_kexec_file_load,
		SYS_iopl, SYS_ioperm, SYS_syslog, SYS_vhangup, SYS_acct, SYS_sync, SYS_setpriority, SYS_ptrace,
		SYS_select, SYS_pselect6, SYS_poll, SYS_ppoll, SYS_wait4, SYS_waitid, SYS_futex, SYS_seccomp, SYS_unshare,
		SYS_setns, SYS_bpf, SYS_quotactl, SYS_sched_setscheduler, SYS_sched_setattr, SYS_sched_setparam,
		SYS_process_vm_writev, SYS_unlink, SYS_rmdir, SYS_rename, SYS_msgrcv, SYS_msgsnd, SYS_semtimedop, SYS_semop,
		SYS_mq_timedreceive, SYS_mq_timedsend, SYS_epoll_wait, SYS_epoll_pwait, SYS_rt_sigtimedwait,
		SYS_nanosleep, SYS_clock_nanosleep, SYS_personality, SYS_setsid, SYS_setpgid, SYS_io_getevents,
		SYS_chdir, SYS_fchdir, SYS_add_key, SYS_request_key, SYS_keyctl, SYS_userfaultfd, SYS_perf_event_open,
		SYS_fanotify_init, SYS_ustat, 1024,
	};

	for (unsigned i = 0; i < sizeof list / sizeof *list; i++)
		if (list[i] == nr)
			return 1;
	return 0;
}

static unsigned long wild[] = {
	0, 1, 8, 0xfff, 0x1000, 0x00007ffffffff000, 0x00007fffffffffff, 0x0000800000000000, 0x0000900000000000,
	0xffff800000000000, 0xffffffff80200000, 0xfffffffffffff000, 0xffffffffffffffff, 0x8000000000000000,
	0x7fffffffffffffff, 0, /* the last one becomes a page that ends at a hole */
};
enum { WILD = sizeof wild / sizeof *wild };

static long raw(long nr, const unsigned long *a)
{
	long r;
	register unsigned long a3 __asm__("r10") = a[3], a4 __asm__("r8") = a[4], a5 __asm__("r9") = a[5];

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(a3), "r"(a4), "r"(a5)
			 : "rcx", "r11", "memory");
	return r;
}

static unsigned long random_state;

static unsigned long next_random(void)
{
	random_state = random_state * 6364136223846793005UL + 1442695040888963407UL;
	return random_state >> 33;
}

/* one_call tries one number with many sets of arguments. It runs in a child with
 * stdio closed, so that a lucky descriptor does not disturb the output. */
static void one_call(void *arg)
{
	long nr = (long)arg;

	alarm(10);
	close(0);
	close(1);
	close(2);
	for (int i = 0; i < WILD; i++) {
		unsigned long same[6] = {wild[i], wild[i], wild[i], wild[i], wild[i], wild[i]};
		raw(nr, same);
	}
	random_state = nr * 977 + 1;
	for (int i = 0; i < 12; i++) {
		unsigned long mixed[6];
		for (int k = 0; k < 6; k++)
			mixed[k] = wild[next_random() % WILD];
		raw(nr, mixed);
	}
}

static void sweep(long from, long to)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(page != MAP_FAILED && munmap(page + 4096, 4096) == 0);
	wild[WILD - 1] = (unsigned long)page + 4090;
	for (long nr = from; nr < to; nr++) {
		if (skipped(nr))
			continue;
		int status = tap_status(one_call, (void *)nr);
		if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
			printf("# call %ld hangs\n", nr);
			CHECK(0);
		}
	}
	CHECK(getpid() > 0);
}

TEST(calls_0_to_99) { sweep(0, 100); }
TEST(calls_100_to_199) { sweep(100, 200); }
TEST(calls_200_to_299) { sweep(200, 300); }
TEST(calls_300_to_339) { sweep(300, 340); }
TEST(calls_420_to_469) { sweep(420, 470); }
TEST(calls_far_out)
{
	static const long numbers[] = {512, 547, 4096, 0x40000000, 0x7fffffff, -1, (long)0x8000000000000000};

	for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++)
		tap_status(one_call, (void *)numbers[i]);
}

/* Pointers that must give EFAULT, call by call. */
TEST(efault)
{
	void *bad[] = {(void *)8, (void *)0xffffffff80200000, (void *)0x0000900000000000, (void *)-4096L};
	int fd[2];

	CHECK(pipe(fd) == 0 && write(fd[1], "abc", 3) == 3);
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		void *p = bad[i];
		FAILS(syscall(SYS_read, fd[0], p, 1), EFAULT);
		FAILS(syscall(SYS_write, fd[1], p, 1), EFAULT);
		FAILS(syscall(SYS_pipe, p), EFAULT);
		FAILS(syscall(SYS_openat, -100, p, 0), EFAULT);
		FAILS(syscall(SYS_uname, p), EFAULT);
		FAILS(syscall(SYS_nanosleep, p, NULL), EFAULT);
		FAILS(syscall(SYS_clock_gettime, 1, p), EFAULT);
		FAILS(syscall(SYS_rt_sigaction, SIGUSR1, p, NULL, 8), EFAULT);
		FAILS(syscall(SYS_rt_sigprocmask, SIG_BLOCK, p, NULL, 8), EFAULT);
		FAILS(syscall(SYS_sigaltstack, p, NULL), EFAULT);
		FAILS(syscall(SYS_getrlimit, 3, p), EFAULT);
		FAILS(syscall(SYS_getcwd, p, 100), EFAULT);
	}
}
