/* What belongs to others: processes, memory, files, limits, the machine. The victim is
 * root or one user, the attacker another. */
#include "attack.h"

#include <sched.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>

enum { ME = 61001, OTHER = 61002 };

static int ready[2];
static char secret[] = "a secret of the victim";

static void victim(void *arg)
{
	if (arg)
		be((unsigned)(unsigned long)arg);
	prctl(PR_SET_DUMPABLE, 1); /* not what is tested here: see changed_user */
	if (write(ready[1], "x", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static pid_t start(void (*f)(void *), unsigned long uid)
{
	char c;
	pid_t pid;

	CHECK(pipe(ready) == 0);
	pid = child(f, (void *)uid);
	CHECK(read(ready[0], &c, 1) == 1);
	return pid;
}

static void finish(pid_t pid)
{
	kill(pid, SIGKILL);
	ended(pid);
}

/* as runs f(arg) as user ME and wants it to end well. */
static void as(unsigned uid, void (*f)(void *), void *arg)
{
	pid_t pid;

	fflush(stdout);
	CHECK((pid = fork()) >= 0);
	if (pid == 0) {
		CHECK(be(uid));
		f(arg);
		_exit(0);
	}
	EQ(ended(pid), 0);
}

#define NEEDS_ROOT() \
	if (getuid() != 0) \
	SKIP("only root can be two users")

static void open_as_stranger(pid_t pid, const char *file, int flags)
{
	char name[64];

	snprintf(name, sizeof name, "/proc/%d/%s", pid, file);
	FAILS(open(name, flags), EACCES);
}

static void look_into(void *arg)
{
	pid_t pid = (pid_t)(long)arg;
	char buf[64], name[64];
	struct iovec here = {buf, sizeof buf}, there = {secret, sizeof secret};

	FAILS(ptrace(PTRACE_ATTACH, pid, 0, 0), EPERM);
	FAILS(ptrace(PTRACE_SEIZE, pid, 0, 0), EPERM);
	FAILS(ptrace(PTRACE_PEEKDATA, pid, secret, 0), ESRCH);
	FAILS(ptrace(PTRACE_POKEDATA, pid, secret, 0), ESRCH);
	FAILS(ptrace(PTRACE_KILL, pid, 0, 0), ESRCH);
	FAILS(process_vm_readv(pid, &here, 1, &there, 1, 0), EPERM);
	FAILS(process_vm_writev(pid, &here, 1, &there, 1, 0), EPERM);
	open_as_stranger(pid, "mem", O_RDONLY);
	open_as_stranger(pid, "mem", O_RDWR);
	open_as_stranger(pid, "maps", O_RDONLY);
	open_as_stranger(pid, "environ", O_RDONLY);
	open_as_stranger(pid, "syscall", O_RDONLY);
	open_as_stranger(pid, "fd", O_RDONLY);
	snprintf(name, sizeof name, "/proc/%d/exe", pid);
	FAILS(readlink(name, buf, sizeof buf), EACCES);
	snprintf(name, sizeof name, "/proc/%d/cwd", pid);
	FAILS(readlink(name, buf, sizeof buf), EACCES);
	FAILS(open(name, O_RDONLY), EACCES);
	snprintf(name, sizeof name, "/proc/%d/root", pid);
	FAILS(open(name, O_RDONLY), EACCES);
}

TEST(memory_of_another_user)
{
	NEEDS_ROOT();
	for (int root = 0; root < 2; root++) {
		pid_t pid = start(victim, root ? 0 : OTHER);
		as(ME, look_into, (void *)(long)pid);
		finish(pid);
	}
}

/* A process that changed its user still has what the old one read. */
static void changed_user(void *arg)
{
	be((unsigned)(unsigned long)arg);
	if (write(ready[1], "x", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static void look_into_changed(void *arg)
{
	pid_t pid = (pid_t)(long)arg;
	char buf[64];
	struct iovec here = {buf, sizeof buf}, there = {secret, sizeof secret};

	FAILS(ptrace(PTRACE_ATTACH, pid, 0, 0), EPERM);
	FAILS(process_vm_readv(pid, &here, 1, &there, 1, 0), EPERM);
	open_as_stranger(pid, "mem", O_RDONLY);
	open_as_stranger(pid, "maps", O_RDONLY);
	CHECK(kill(pid, 0) == 0);
}

TEST(memory_of_a_process_that_was_root)
{
	NEEDS_ROOT();
	pid_t pid = start(changed_user, ME);
	as(ME, look_into_changed, (void *)(long)pid);
	finish(pid);
}

static void undumpable(void *arg)
{
	be((unsigned)(unsigned long)arg);
	prctl(PR_SET_DUMPABLE, 0);
	if (write(ready[1], "x", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

TEST(memory_of_a_process_that_forbids_it)
{
	NEEDS_ROOT();
	pid_t pid = start(undumpable, ME);
	as(ME, look_into_changed, (void *)(long)pid);
	finish(pid);
}

/* A process of the same user, but with capabilities left. */
static void keeps_capabilities(void *arg)
{
	struct {
		uint32_t version;
		int pid;
	} head = {0x20080522, 0};
	uint32_t data[6] = {1 << 7, 1 << 7, 0, 0, 0, 0};

	prctl(PR_SET_KEEPCAPS, 1);
	be((unsigned)(unsigned long)arg);
	if (RAW(SYS_capset, &head, data) != 0)
		_exit(1);
	prctl(PR_SET_DUMPABLE, 1);
	if (write(ready[1], "x", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static void attach_only(void *arg)
{
	FAILS(ptrace(PTRACE_ATTACH, (pid_t)(long)arg, 0, 0), EPERM);
}

TEST(memory_of_a_process_with_more_capabilities)
{
	NEEDS_ROOT();
	pid_t pid = start(keeps_capabilities, ME);
	as(ME, attach_only, (void *)(long)pid);
	finish(pid);
}

static void disturb(void *arg)
{
	pid_t pid = (pid_t)(long)arg;
	struct rlimit limit = {0, 0};
	siginfo_t info = {.si_code = SI_QUEUE};

	FAILS(kill(pid, SIGKILL), EPERM);
	FAILS(kill(pid, 0), EPERM);
	FAILS(syscall(SYS_tgkill, pid, pid, SIGKILL), EPERM);
	FAILS(syscall(SYS_tkill, pid, SIGSTOP), EPERM);
	FAILS(syscall(SYS_rt_sigqueueinfo, pid, SIGUSR1, &info), EPERM);
	FAILS(syscall(SYS_rt_tgsigqueueinfo, pid, pid, SIGUSR1, &info), EPERM);
	FAILS(prlimit(pid, RLIMIT_CPU, &limit, NULL), EPERM);
	FAILS(prlimit(pid, RLIMIT_CPU, NULL, &limit), EPERM);
	FAILS(setpriority(PRIO_PROCESS, (id_t)pid, 19), EPERM);
	FAILS(sched_setaffinity(pid, sizeof(cpu_set_t), &(cpu_set_t){{~0UL}}), EPERM);
	FAILS(syscall(SYS_sched_setscheduler, pid, 0 /* SCHED_OTHER */, &(struct sched_param){0}), EPERM);
	FAILS(syscall(SYS_sched_setparam, pid, &(struct sched_param){0}), EPERM);
	FAILS(setpgid(pid, 0), ESRCH);
	CHECK(kill(1, SIGKILL) == -1);
}

TEST(signals_and_limits_of_another_user)
{
	NEEDS_ROOT();
	for (int root = 0; root < 2; root++) {
		pid_t pid = start(victim, root ? 0 : OTHER);
		as(ME, disturb, (void *)(long)pid);
		CHECK(kill(pid, 0) == 0);
		finish(pid);
	}
}

static void regain(void *arg)
{
	struct {
		uint32_t version;
		int pid;
	} head = {0x20080522, 0};
	uint32_t all[6] = {~0U, ~0U, ~0U, ~0U, ~0U, ~0U};
	gid_t groups[1] = {0};

	(void)arg;
	FAILS(setuid(0), EPERM);
	FAILS(seteuid(0), EPERM);
	FAILS(setreuid(0, 0), EPERM);
	FAILS(setresuid(-1, 0, -1), EPERM);
	FAILS(setgid(0), EPERM);
	FAILS(setregid(0, 0), EPERM);
	FAILS(setresgid(0, 0, 0), EPERM);
	FAILS(syscall(SYS_setgroups, 1, groups), EPERM);
	FAILS(syscall(SYS_capset, &head, all), EPERM);
	EQ(syscall(SYS_setfsuid, 0), ME);
	EQ(syscall(SYS_setfsuid, -1), ME);
	CHECK(getuid() == ME && geteuid() == ME && getgid() == ME && getegid() == ME);
}

TEST(becoming_root_again) { NEEDS_ROOT(); as(ME, regain, NULL); }

static void administer(void *arg)
{
	struct timeval t = {1, 0};
	struct timespec s = {1, 0};
	struct rlimit limit;

	(void)arg;
	FAILS(mount("none", "/tmp", "tmpfs", 0, ""), EPERM);
	FAILS(umount2("/proc", MNT_DETACH), EPERM);
	FAILS(chroot("/tmp"), EPERM);
	FAILS(swapon("/dev/null", 0), EPERM);
	FAILS(swapoff("/dev/null"), EPERM);
	FAILS(settimeofday(&t, NULL), EPERM);
	FAILS(clock_settime(CLOCK_REALTIME, &s), EPERM);
	FAILS(sethostname("attacked", 8), EPERM);
	FAILS(syscall(SYS_setdomainname, "attacked", 8), EPERM);
	FAILS(mknod("/tmp/attack-node", S_IFCHR | 0600, 0x0101), EPERM);
	FAILS(mknod("/tmp/attack-node", S_IFBLK | 0600, 0xfe00), EPERM);
	FAILS(nice(-5), EPERM);
	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_max += 1;
	FAILS(setrlimit(RLIMIT_NOFILE, &limit), EPERM);
	for (long nr = SYS_iopl; nr <= SYS_ioperm; nr++) {
		long r = RAW(nr, 3L, 1L, 1L);
		CHECK(r == -EPERM || r == -ENOSYS || r == -EINVAL);
	}
	static const long others[] = {SYS_reboot, SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_acct,
				      SYS_pivot_root, SYS_vhangup, SYS_quotactl, SYS_syslog};
	for (unsigned i = 0; i < sizeof others / sizeof *others; i++) {
		long r = RAW(others[i], (long)(others[i] == SYS_syslog ? 5 : 0), 0L, 0L); /* syslog: clear the log */
		CHECK(r == -EPERM || r == -ENOSYS || r == -ENODEV || r == -EINVAL);
	}
}

TEST(administration_by_a_user) { NEEDS_ROOT(); as(ME, administer, NULL); }

static void settings(void *arg)
{
	static const char *const files[] = {
		"/proc/sys/vm/swappiness", "/proc/sys/vm/overcommit_memory", "/proc/sys/vm/max_map_count", "/proc/sys/vm/drop_caches",
		"/proc/sys/kernel/core_pattern", "/proc/sys/kernel/randomize_va_space", "/proc/sys/kernel/pid_max",
		"/proc/sys/kernel/hostname", "/proc/sys/kernel/shmmax", "/proc/sys/fs/file-max",
	};

	(void)arg;
	for (unsigned i = 0; i < sizeof files / sizeof *files; i++) {
		int fd = open(files[i], O_WRONLY);
		CHECK(fd < 0 && (errno == EACCES || errno == ENOENT || errno == EPERM));
	}
	static const char *const devices[] = {"/dev/mem", "/dev/kmem", "/dev/port", "/proc/kcore", "/dev/vda", "/dev/vdb"};
	for (unsigned i = 0; i < sizeof devices / sizeof *devices; i++) {
		int fd = open(devices[i], O_RDWR);
		CHECK(fd < 0 && (errno == EACCES || errno == ENOENT || errno == EPERM));
	}
}

TEST(settings_and_devices_by_a_user) { NEEDS_ROOT(); as(ME, settings, NULL); }

static char directory[64];

static void trespass(void *arg)
{
	char name[128];
	struct stat st;

	(void)arg;
	CHECK(chdir(directory) == 0);
	FAILS(open("secret", O_RDONLY), EACCES);
	FAILS(open("secret", O_WRONLY), EACCES);
	FAILS(open("readable", O_WRONLY), EACCES);
	FAILS(open("readable", O_RDONLY | O_TRUNC), EACCES);
	FAILS(truncate("readable", 0), EACCES);
	FAILS(open("new", O_CREAT | O_WRONLY, 0600), EACCES);
	FAILS(unlink("readable"), EACCES);
	FAILS(rename("readable", "taken"), EACCES);
	CHECK(link("readable", "second") == -1 && (errno == EACCES || errno == EPERM));
	FAILS(symlink("readable", "second"), EACCES);
	FAILS(mkdir("new", 0700), EACCES);
	FAILS(chmod("readable", 0777), EPERM);
	FAILS(chown("readable", ME, ME), EPERM);
	FAILS(utimensat(AT_FDCWD, "readable", (struct timespec[2]){{1, 0}, {1, 0}}, 0), EPERM);
	FAILS(open("closed/inside", O_RDONLY), EACCES);
	FAILS(stat("closed/inside", &st), EACCES);
	FAILS(chdir("closed"), EACCES);
	FAILS(execve("readable", (char *[]){"x", NULL}, NULL), EACCES);
	FAILS(execve("secret", (char *[]){"x", NULL}, NULL), EACCES);
	/* What may only be read is not to be written through a mapping. */
	int fd = open("readable", O_RDONLY);
	CHECK(fd >= 0);
	FAILS(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), EACCES);
	void *m = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(m != MAP_FAILED);
	FAILS(mprotect(m, 4096, PROT_READ | PROT_WRITE), EACCES);
	struct iovec v = {"x", 1}, at = {m, 1};
	FAILS(process_vm_writev(getpid(), &v, 1, &at, 1, 0), EFAULT);
	int mem = open("/proc/self/mem", O_RDWR);
	if (mem >= 0) /* Linux gives what was root's to root */
		FAILS(pwrite(mem, "x", 1, (off_t)(long)m), EIO);
	/* By another name for the descriptor. */
	snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	FAILS(open(name, O_WRONLY), EACCES);
	FAILS(ftruncate(fd, 0), EINVAL);
}

static void put_file(const char *name, mode_t mode)
{
	int fd = open(name, O_CREAT | O_RDWR | O_TRUNC, 0600);

	CHECK(fd >= 0 && write(fd, "content", 7) == 7 && fchmod(fd, mode) == 0 && close(fd) == 0);
}

TEST(files_of_another_user)
{
	NEEDS_ROOT();
	snprintf(directory, sizeof directory, "/tmp/attack-dir.%d", getpid());
	CHECK(mkdir(directory, 0755) == 0 && chdir(directory) == 0);
	put_file("secret", 0600);
	put_file("readable", 0644);
	CHECK(mkdir("closed", 0700) == 0);
	put_file("closed/inside", 0666);
	as(ME, trespass, NULL);
	CHECK(unlink("secret") == 0 && unlink("readable") == 0 && unlink("closed/inside") == 0 && rmdir("closed") == 0);
	CHECK(chdir("/") == 0 && rmdir(directory) == 0);
}

static int segment;

static void attach_segment(void *arg)
{
	struct shmid_ds d;

	(void)arg;
	FAILS(shmat(segment, NULL, 0), EACCES);
	FAILS(shmat(segment, NULL, SHM_RDONLY), EACCES);
	FAILS(shmctl(segment, IPC_STAT, &d), EACCES);
	FAILS(shmctl(segment, IPC_RMID, NULL), EPERM);
	memset(&d, 0, sizeof d);
	FAILS(shmctl(segment, IPC_SET, &d), EPERM);
	FAILS(shmctl(segment, SHM_LOCK, NULL), EPERM);
}

TEST(shared_memory_of_another_user)
{
	NEEDS_ROOT();
	CHECK((segment = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600)) >= 0);
	as(ME, attach_segment, NULL);
	CHECK(shmctl(segment, IPC_RMID, NULL) == 0);
}

static void lock_memory(void *arg)
{
	struct rlimit limit = {8 * 4096, 8 * 4096};
	char *m = mmap(NULL, 64 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)arg;
	CHECK(m != MAP_FAILED && setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
	FAILS(mlock(m, 9 * 4096), ENOMEM);
	CHECK(mlock(m, 8 * 4096) == 0 && mlock(m, 8 * 4096) == 0);
	FAILS(mlock(m + 8 * 4096, 4096), ENOMEM);
	FAILS(mlock(m + 8 * 4096, 1), ENOMEM);
	FAILS(mlock2(m + 8 * 4096, 4096, MLOCK_ONFAULT), ENOMEM);
	FAILS(mlockall(MCL_CURRENT), ENOMEM);
	FAILS(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0), EAGAIN);
	FAILS(mremap(m, 8 * 4096, 128 * 4096, MREMAP_MAYMOVE), EAGAIN);
	CHECK(munlock(m, 4096) == 0 && mlock(m + 20 * 4096, 4096) == 0);
	EQ(tap_field("/proc/self/status", "VmLck"), 8 * 4);
	limit.rlim_cur = limit.rlim_max = 0;
	CHECK(munlockall() == 0 && setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
	FAILS(mlock(m, 4096), EPERM);
	FAILS(mlockall(MCL_FUTURE), EPERM);
	limit.rlim_max = 4096;
	FAILS(setrlimit(RLIMIT_MEMLOCK, &limit), EPERM);
}

TEST(locking_memory_beyond_the_limit) { NEEDS_ROOT(); as(ME, lock_memory, NULL); }

static void bomb(void *arg)
{
	enum { MOST = 10 };
	struct rlimit limit = {MOST, MOST};
	int n = 0;

	(void)arg;
	CHECK(setrlimit(RLIMIT_NPROC, &limit) == 0);
	while (n < 1000) {
		pid_t pid = fork();
		if (pid == 0) {
			while (fork() >= 0) /* each of them, too */
				;
			CHECK(errno == EAGAIN);
			pause();
		}
		if (pid < 0)
			break;
		n++;
	}
	CHECK(errno == EAGAIN && n > 0 && n < MOST);
}

TEST(fork_bomb_within_its_limit)
{
	NEEDS_ROOT();
	pid_t pid = fork();
	if (pid == 0) {
		CHECK(setpgid(0, 0) == 0);
		as(61100 + (unsigned)getpid() % 3000, bomb, NULL); /* a user who has no other tasks */
		_exit(0);
	}
	int status = ended(pid);
	kill(-pid, SIGKILL);
	EQ(status, 0);
}

static void queue_signals(void *arg)
{
	struct rlimit limit = {50, 50};
	sigset_t set;
	int n = 0;

	(void)arg;
	CHECK(setrlimit(RLIMIT_SIGPENDING, &limit) == 0);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	while (n < 100000 && sigqueue(getpid(), SIGRTMIN, (union sigval){0}) == 0)
		n++;
	CHECK(errno == EAGAIN && n <= 50 && n > 0);
	CHECK(kill(getpid(), SIGKILL) == 0); /* this one always gets through */
	pause();
}

TEST(signals_queued_beyond_the_limit)
{
	int status = tap_status(queue_signals, NULL);

	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void plant_core(void *arg)
{
	(void)arg;
	FAILS(open("/proc/sys/kernel/core_pattern", O_WRONLY), EACCES);
}

TEST(core_pattern_by_a_user) { NEEDS_ROOT(); as(ME, plant_core, NULL); }
