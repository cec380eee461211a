#define _GNU_SOURCE
#include "sysfuzz.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

enum { PAGE = 4096, AREA = 64 };

static uint64_t state;
static char *area; /* AREA pages, of all kinds of protection */
static volatile uint64_t *count; /* how many calls were made */

/* raw is a system call without the C library, whose errno may be anywhere after arch_prctl. */
static long raw(long nr, const uint64_t a[6])
{
	register uint64_t r10 __asm__("r10") = a[3], r8 __asm__("r8") = a[4], r9 __asm__("r9") = a[5];
	long r;

	__asm__ volatile("syscall" : "=a"(r) : "a"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
	return r;
}

static uint64_t rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state >> 8;
}

static unsigned below(unsigned n)
{
	return (unsigned)(rnd() % n);
}

static const char *const names[] = {
	"/", ".", "..", "", "/tmp", "/tmp/a", "/tmp/b", "/tmp/d", "/tmp/d/x", "/tmp/a/b", "/dev/null", "/dev/zero", "/dev/full",
	"/dev/urandom", "/dev/shm/s", "/proc", "/proc/self/maps", "/proc/self/mem", "/proc/self/exe", "/proc/self/fd/3",
	"/proc/self/status", "/proc/1/mem", "/proc/1/maps", "/proc/meminfo", "/proc/vmstat", "/proc/slabinfo", "/proc/self/cmdline",
	"/mnt", "/mnt/f", "/bin", "/nowhere/at/all", "a/../b/./c",
};

/* number returns an integer: small, a power of two or next to one, a combination of flags, or anything. */
static uint64_t number(void)
{
	static const uint64_t odd[] = {0, 1, (uint64_t)-1, INT_MAX, (uint64_t)INT_MIN, UINT_MAX, LONG_MAX, (uint64_t)LONG_MIN, PAGE, PAGE - 1,
				       PAGE + 1, 0x7ffffffff000, 0x800000000000, 1UL << 32, (uint64_t)-PAGE, (uint64_t)-4095, AT_FDCWD};

	switch (below(6)) {
	case 0:
		return odd[below(sizeof odd / sizeof *odd)];
	case 1:
		return 1UL << below(64);
	case 2:
		return (1UL << below(64)) + rnd() % 3 - 1;
	case 3:
		return rnd() << 20 ^ rnd();
	case 4:
		return 1UL << below(20) | 1UL << below(20);
	}
	return below(64);
}

/* memory returns a pointer, mostly to something. */
static uint64_t memory(void)
{
	static const uint64_t bad[] = {0, 1, PAGE, 0x7ffffffff000, 0x7ffffffffff8, 0x800000000000, 0xffff7fffffffffff, 0xffff800000000000,
				       0xffff800100000000, 0xffffffff80000000, 0xffffffff80200000, 0xffffffffff600000, (uint64_t)-8, (uint64_t)-PAGE};
	uint64_t p = (uint64_t)area + below(AREA) * PAGE;

	switch (below(8)) {
	case 0:
		return bad[below(sizeof bad / sizeof *bad)];
	case 1:
		return p + PAGE - below(64); /* across an edge */
	case 2:
		return number();
	case 3:
		return p + below(PAGE);
	}
	return p + (rnd() % PAGE & ~7UL);
}

/* filled is a struct full of numbers and pointers, within a page. */
static uint64_t filled(void)
{
	uint64_t *p = (uint64_t *)(area + below(4) * PAGE + below(PAGE / 8) * 8); /* the first pages stay writable, mostly */
	unsigned n = 1 + below(16);

	if (raw(SYS_getrandom, (uint64_t[6]){(uint64_t)p, 8, 1}) != 8) /* the page has been taken away */
		return (uint64_t)p;
	for (unsigned i = 0; i < n && ((uint64_t)(p + i) & (PAGE - 1) || i == 0); i++) {
		uint64_t v = below(2) ? number() : memory();
		int32_t pair[2] = {(int32_t)number(), (int32_t)below(16)};
		memcpy(p + i, below(3) ? (void *)&v : (void *)pair, 8);
	}
	return (uint64_t)p;
}

static uint64_t name(void)
{
	const char *s = names[below(sizeof names / sizeof *names)];

	if (below(8) == 0)
		return memory();
	return (uint64_t)s;
}

static uint64_t process(void)
{
	switch (below(8)) {
	case 0:
		return (uint64_t)getppid();
	case 1:
		return 1;
	case 2:
		return (uint64_t)-1;
	case 3:
		return (uint64_t)-getpid();
	case 4:
		return number();
	case 5:
		return 2 + below(40);
	}
	return below(2) ? 0 : (uint64_t)getpid();
}

static const int harmless[] = {0, SIGCHLD, SIGURG, SIGWINCH, SIGCONT};

/* local is an address of a socket, which another call may have used too. */
static uint64_t local(void)
{
	struct sockaddr_un *u = (struct sockaddr_un *)(area + below(4) * PAGE);

	if (raw(SYS_getrandom, (uint64_t[6]){(uint64_t)u, sizeof *u, 1}) != sizeof *u)
		return (uint64_t)u;
	memset(u, 0, sizeof *u);
	u->sun_family = AF_UNIX;
	if (below(2))
		strcpy(u->sun_path, below(2) ? "/tmp/a" : "/tmp/d/s");
	else
		u->sun_path[below(3)] = 'x';
	return (uint64_t)u;
}

/* message is a struct msghdr with, mostly, a few bytes, and descriptors or an identity beside them. */
static uint64_t message(void)
{
	struct place {
		struct mmsghdr m;
		struct iovec v[2];
		struct cmsghdr c;
		int32_t data[4];
	} *p = (struct place *)(area + below(4) * PAGE);

	if (raw(SYS_getrandom, (uint64_t[6]){(uint64_t)p, sizeof *p, 1}) != sizeof *p)
		return (uint64_t)p;
	memset(p, 0, sizeof *p);
	p->v[0] = (struct iovec){(void *)memory(), below(8) ? below(300) : number()};
	p->v[1] = (struct iovec){area, below(3000)};
	p->m.msg_hdr.msg_iov = p->v;
	p->m.msg_hdr.msg_iovlen = below(8) ? below(3) : number();
	if (below(2)) {
		p->m.msg_hdr.msg_control = &p->c;
		p->m.msg_hdr.msg_controllen = below(8) ? CMSG_LEN(below(5) * 4) : number();
		p->c = (struct cmsghdr){below(8) ? CMSG_LEN(below(5) * 4) : number(), SOL_SOCKET, below(8) ? SCM_RIGHTS : SCM_CREDENTIALS};
		for (int k = 0; k < 4; k++)
			p->data[k] = (int32_t)below(28);
	}
	if (below(4) == 0) {
		p->m.msg_hdr.msg_name = (void *)local();
		p->m.msg_hdr.msg_namelen = (uint32_t)below(20);
	}
	return (uint64_t)p;
}

/* argument makes one of kind c: a name, p pointer, s struct, f descriptor, n number, a address of pages, l length, i process, g signal, u address
 * of a socket, m message. */
static uint64_t argument(char c)
{
	switch (below(12) ? c : "npsfal"[below(6)]) {
	case 'a':
		return below(8) ? (uint64_t)area + below(AREA) * PAGE : memory();
	case 'l':
		return below(8) ? (uint64_t)below(AREA) * PAGE : number();
	case 'p':
		return memory();
	case 's':
		return filled();
	case 'f':
		return below(8) ? below(32) : number();
	case 'i':
		return process();
	case 'g': /* mostly signals that one survives */
		return below(16) ? (uint64_t)harmless[below(sizeof harmless / sizeof *harmless)] : below(70);
	case 'N':
		return name();
	case 'u':
		return local();
	case 'm':
		return message();
	case '1':
		return 1;
	case '0':
		return 0;
	}
	return number();
}

struct call {
	long nr;
	const char *args;
};

/* calls are those whose arguments are worth a good guess; all others get numbers and pointers. */
static const struct call calls[] = {
	{SYS_mmap, "alnnfl"}, {SYS_mmap, "alnnfl"}, {SYS_munmap, "al"}, {SYS_mprotect, "aln"}, {SYS_mremap, "allna"}, {SYS_madvise, "aln"},
	{SYS_mlock, "al"}, {SYS_munlock, "al"}, {SYS_mlock2, "aln"}, {SYS_mlockall, "n"}, {SYS_munlockall, ""}, {SYS_msync, "aln"},
	{SYS_mincore, "alp"}, {SYS_brk, "a"}, {SYS_remap_file_pages, "allnn"}, {SYS_shmget, "nln"}, {SYS_shmat, "nan"}, {SYS_shmdt, "a"},
	{SYS_shmctl, "nns"}, {SYS_read, "fpl"}, {SYS_write, "fpl"}, {SYS_pread64, "fpll"}, {SYS_pwrite64, "fpll"}, {SYS_readv, "fsn"},
	{SYS_writev, "fsn"}, {SYS_preadv, "fsnl"}, {SYS_pwritev, "fsnl"}, {SYS_open, "Nnn"}, {SYS_openat, "fNnn"}, {SYS_creat, "Nn"},
	{SYS_close, "f"}, {SYS_stat, "Np"}, {SYS_fstat, "fp"}, {SYS_newfstatat, "fNpn"}, {SYS_statx, "fNnnp"}, {SYS_lseek, "fln"},
	{SYS_getdents64, "fpl"}, {SYS_pipe2, "pn"}, {SYS_dup, "f"}, {SYS_dup2, "ff"}, {SYS_dup3, "ffn"}, {SYS_fcntl, "fns"},
	{SYS_ioctl, "fns"}, {SYS_ftruncate, "fl"}, {SYS_truncate, "Nl"}, {SYS_fallocate, "fnll"}, {SYS_mkdir, "Nn"}, {SYS_rmdir, "N"},
	{SYS_unlink, "N"}, {SYS_rename, "NN"}, {SYS_renameat2, "fNfNn"}, {SYS_link, "NN"}, {SYS_symlink, "NN"}, {SYS_readlink, "Npl"},
	{SYS_chdir, "N"}, {SYS_chmod, "Nn"}, {SYS_chown, "Nnn"}, {SYS_utimensat, "fNsn"}, {SYS_mknod, "Nnn"}, {SYS_access, "Nn"},
	{SYS_getcwd, "pl"}, {SYS_statfs, "Np"}, {SYS_fsync, "f"}, {SYS_sendfile, "ffpl"}, {SYS_copy_file_range, "fpfpln"}, {SYS_splice, "fpfpln"}, {SYS_splice, "f0f0ln"}, {SYS_execve, "Nss"},
	{SYS_execveat, "fNssn"}, {SYS_poll, "snn"}, {SYS_ppoll, "snssn"}, {SYS_select, "nssss"}, {SYS_pselect6, "nsssss"},
	{SYS_epoll_create1, "n"}, {SYS_epoll_ctl, "fnfs"}, {SYS_epoll_wait, "fpnn"}, {SYS_eventfd2, "nn"}, {SYS_timerfd_create, "nn"},
	{SYS_timerfd_settime, "fnsp"}, {SYS_memfd_create, "Nn"}, {SYS_futex, "pnnspn"}, {SYS_futex, "pnnnpn"}, {SYS_set_robust_list, "sl"},
	{SYS_get_robust_list, "ipp"}, {SYS_rt_sigaction, "gsp8"}, {SYS_rt_sigprocmask, "nsp8"}, {SYS_rt_sigpending, "pl"},
	{SYS_rt_sigqueueinfo, "igs"}, {SYS_rt_sigtimedwait, "spsn"}, {SYS_rt_sigsuspend, "sn"}, {SYS_sigaltstack, "sp"}, {SYS_kill, "ig"},
	{SYS_tgkill, "iig"}, {SYS_tkill, "ig"}, {SYS_wait4, "ipnp"}, {SYS_waitid, "nipnp"}, {SYS_ptrace, "nipp"}, {SYS_ptrace, "nins"},
	{SYS_process_vm_readv, "isnsn0"}, {SYS_process_vm_writev, "isnsn0"}, {SYS_prlimit64, "insp"}, {SYS_setrlimit, "ns"},
	{SYS_getrusage, "np"}, {SYS_prctl, "nspnn"}, {SYS_arch_prctl, "np"}, {SYS_setitimer, "nsp"}, {SYS_nanosleep, "sp"},
	{SYS_clock_nanosleep, "nnsp"}, {SYS_clock_gettime, "np"}, {SYS_sched_setaffinity, "ils"}, {SYS_sched_getaffinity, "ilp"},
	{SYS_setpgid, "ii"}, {SYS_setsid, ""}, {SYS_getgroups, "np"}, {SYS_sysinfo, "p"}, {SYS_uname, "p"}, {SYS_personality, "n"},
	{SYS_swapon, "Nn"}, {SYS_swapoff, "N"}, {SYS_mount, "NNpns"}, {SYS_umount2, "Nn"}, {SYS_chroot, "N"}, {SYS_getrandom, "pln"},
	{SYS_membarrier, "nnn"}, {SYS_close_range, "nnn"}, {SYS_flock, "fn"}, {SYS_readahead, "fll"}, {SYS_fadvise64, "flln"},
	{SYS_socket, "1nn"}, {SYS_socket, "nnn"}, {SYS_socketpair, "1nnp"}, {SYS_bind, "fsn"}, {SYS_bind, "fun"}, {SYS_connect, "fun"},
	{SYS_connect, "fsn"}, {SYS_listen, "fn"}, {SYS_accept4, "fssn"}, {SYS_getsockname, "fss"}, {SYS_getpeername, "fss"}, {SYS_shutdown, "fn"},
	{SYS_setsockopt, "f1nsn"}, {SYS_getsockopt, "f1nss"}, {SYS_sendto, "fplnun"}, {SYS_recvfrom, "fplnss"}, {SYS_sendmsg, "fmn"},
	{SYS_sendmsg, "fmn"}, {SYS_recvmsg, "fmn"}, {SYS_recvmsg, "fmn"}, {SYS_sendmmsg, "fmnn"}, {SYS_recvmmsg, "fmnns"},
	{SYS_fork, ""}, {SYS_vfork, ""}, {SYS_clone, "nppps"}, {SYS_clone3, "sl"}, {SYS_rt_sigreturn, ""}, {SYS_restart_syscall, ""},
};

/* is_own reports whether a range that a call could use holds some of the program, its stack or its count. */
static int is_own(uint64_t addr, uint64_t length)
{
	extern char __executable_start, end;
	uint64_t stack = (uint64_t)__builtin_frame_address(0), to = addr + length, at = (uint64_t)count;

	if (to < addr || to > 0x7ffffffff000)
		return 0;
	return (addr < (uint64_t)&end + PAGE && to > (uint64_t)&__executable_start) || (addr < stack + 64 * PAGE && to > stack - 64 * PAGE) ||
	       (addr <= at && to > (at & -(uint64_t)PAGE));
}

/* forbidden are calls that would only end the fuzzer: they end it, or take its program or stack away. Junk for sigreturn nearly always does,
 * so that is rare. */
static int forbidden(long nr, const uint64_t a[6])
{
	switch (nr) {
	case SYS_exit:
	case SYS_exit_group:
	case SYS_reboot:
	case SYS_pause:
		return 1;
	case SYS_rt_sigreturn:
		return below(32) != 0;
	case SYS_mmap:
		return (a[3] & MAP_FIXED) && is_own(a[0], a[1]);
	case SYS_mremap:
		return is_own(a[0], a[1]) || is_own(a[0], a[2]) || is_own(a[4], a[2]);
	case SYS_munmap:
	case SYS_mprotect:
	case SYS_pkey_mprotect:
	case SYS_madvise:
	case SYS_remap_file_pages:
		return is_own(a[0], a[1]);
	}
	return 0;
}

static void nothing(int s) { (void)s; }

/* surroundings give the calls something to work on: pages of all kinds, open files, a signal now and then that ends what blocks. */
static void surroundings(void)
{
	static const int prots[] = {PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ, PROT_NONE, PROT_READ | PROT_WRITE | PROT_EXEC};
	struct itimerval often = {{0, 10000}, {0, 10000}};
	struct sigaction sa;
	int p[2];

	memset(&sa, 0, sizeof sa);
	sa.sa_handler = nothing;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	area = mmap(NULL, AREA * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int i = 4; i < AREA; i += 1 + (int)below(8)) {
		char *at = area + i * PAGE;
		size_t n = PAGE * (1 + below(4));
		if (i + 4 >= AREA)
			break;
		mmap(at, n, prots[below(5)], MAP_FIXED | MAP_ANONYMOUS | (below(3) ? MAP_PRIVATE : MAP_SHARED), -1, 0);
	}
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	for (int fd = 0; fd < 3; fd++)
		open("/dev/null", O_RDWR);
	mkdir("/tmp/d", 0777);
	open("/tmp/a", O_RDWR | O_CREAT, 0666);
	open("/tmp/b", O_RDWR | O_CREAT, 0666);
	open("/dev/zero", O_RDWR);
	open("/tmp", O_RDONLY | O_DIRECTORY);
	open("/proc/self/maps", O_RDONLY);
	open("/proc/self/mem", O_RDWR);
	if (pipe(p) == 0)
		fcntl(p[1], F_SETFL, O_NONBLOCK);
	epoll_create1(0);
	eventfd(3, EFD_NONBLOCK);
	memfd_create("m", 0);
	open("/mnt/f", O_RDWR | O_CREAT, 0666);
	open("/dev/shm/s", O_RDWR | O_CREAT, 0666);
	open("/bin/sysfuzz", O_RDONLY);
	open("/dev/zero", O_PATH);
	timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	for (int type = SOCK_STREAM; type <= SOCK_SEQPACKET; type++)
		if (socketpair(AF_UNIX, type, 0, p) == 0)
			fcntl(p[0], F_SETFL, O_NONBLOCK);
}

void fuzz(uint64_t seed, unsigned n, int only, volatile uint64_t *done)
{
	pid_t self = getpid();

	count = done;
	state = seed * 0x9e3779b97f4a7c15UL + 88172645463325252UL;
	rnd();
	surroundings();
	for (unsigned i = 0; i < n; i++) {
		struct call c = {below(64) ? (long)below(470) : (long)number(), "nnpnpn"};
		uint64_t a[6] = {0};

		if (below(8))
			c = calls[below(sizeof calls / sizeof *calls)];
		else if (below(2))
			c.args = "pppnnn";
		if (only >= 0 && c.nr != only)
			continue;
		for (int k = 0; k < 6 && c.args[k]; k++)
			a[k] = argument(c.args[k]);
		if (forbidden(c.nr, a))
			continue;
		/* pages to bring the memory down to what must be swapped */
		if (below(128) == 0)
			raw(SYS_mmap, (uint64_t[6]){0, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, (uint64_t)-1, 0});
		raw(c.nr, a);
		(*done)++;
		if (raw(SYS_getpid, a) != self)
			raw(SYS_exit_group, (uint64_t[6]){0}); /* fork's other half */
	}
}
