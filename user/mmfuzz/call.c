/* The system calls that programs are made of. */
#define _GNU_SOURCE
#include "mmfuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

/* In words, an "a" and what follows are an address and a length whose memory the call may change, or depend on; "n" is anything. */
static const struct {
	const char *name, *args;
	int nr;
} calls[] = {
	{"munmap", "al", SYS_munmap},	  {"mprotect", "aln", SYS_mprotect}, {"madvise", "aln", SYS_madvise},
	{"mlock", "al", SYS_mlock},	  {"mlock2", "aln", 325},	     {"munlock", "al", SYS_munlock},
	{"mlockall", "n", SYS_mlockall},  {"munlockall", "", SYS_munlockall}, {"msync", "aln", SYS_msync},
	{"brk", "n", SYS_brk},		  {"shmdt", "n", SYS_shmdt},	     {"ftruncate", "nn", SYS_ftruncate},
	{"pread", "nalnn", SYS_pread64},  {"pwrite", "nalnn", SYS_pwrite64}, {"fallocate", "nnnn", SYS_fallocate},
	{"close", "n", SYS_close},	  {"mseal", "aln", 462},	     {"remap_file_pages", "alnnn", SYS_remap_file_pages},
	{"fcntl", "nnn", SYS_fcntl},	  {"fsync", "n", SYS_fsync},	     {"getrandom", "aln", SYS_getrandom},
	{"readahead", "nnn", SYS_readahead},
};

long raw(long nr, const uint64_t a[ARGS])
{
	register uint64_t r10 __asm__("r10") = a[3], r8 __asm__("r8") = a[4], r9 __asm__("r9") = a[5];
	long r;

	__asm__ volatile("syscall" : "=a"(r) : "a"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
	return r;
}

static void skip(void) { put("skip"); }

/* huge says whether bringing in this much would take all memory there is. */
static int huge(uint64_t length) { return length > 64UL << 20 && length < TASK_SIZE; }

/* all_above says whether advice goes to all that is mapped above an address, this program's
 * own included: madvise goes on over holes, and has no upper end. */
static int all_above(const uint64_t a[ARGS])
{
	return (a[0] + a[1] > TASK_SIZE && a[0] + a[1] > a[0]) || (huge(a[1]) && a[2] > 21);
}

/* from_buffer says whether a write is of the interpreter's buffer, which programs may read. */
static int from_buffer(const char *name, const uint64_t a[ARGS])
{
	return strcmp(name, "pwrite") == 0 && a[1] == (uint64_t)shared->data && a[2] <= PAGE;
}

/* up_to_a_hole says whether a call that goes on until it meets a hole would come to what is above the window: there is none between
 * that and what programs map at its end. */
static int up_to_a_hole(const char *name, const uint64_t a[ARGS])
{
	return strcmp(name, "munmap") && strcmp(name, "madvise") && a[0] + a[1] > TASK_SIZE && a[0] + a[1] > a[0] && a[0] + LOW > top;
}

static void do_mmap(const uint64_t a[ARGS])
{
	if (((a[3] & (MAP_FIXED | MAP_FIXED_NOREPLACE)) && is_own(a[0], (a[1] + PAGE - 1) & -(uint64_t)PAGE)) ||
	    ((a[3] & (MAP_POPULATE | MAP_LOCKED)) && huge(a[1])))
		return skip();
	put_result((uint64_t)raw(SYS_mmap, a));
}

static void do_mremap(const uint64_t a[ARGS])
{
	if (is_own(a[0], a[1] ? a[1] : 1) || is_own(a[0], a[2]) || ((a[3] & MREMAP_FIXED) && is_own(a[4], a[2])))
		return skip();
	put_result((uint64_t)raw(SYS_mremap, a));
}

/* do_mincore also says which pages are in memory. */
static void do_mincore(const uint64_t a[ARGS])
{
	uint64_t b[ARGS] = {a[0], a[1], a[2] ? a[2] : (uint64_t)shared->vec};
	long r;

	if (is_own(a[0], a[1]) || (a[2] && is_own(a[2], PAGE)))
		return skip();
	memset(shared->vec, 2, PAGE);
	r = raw(SYS_mincore, b);
	put_result((uint64_t)r);
	put(" ");
	for (unsigned i = 0; i < (a[1] + PAGE - 1) / PAGE && i < 80 && r == 0; i++)
		put(shared->vec[i] & 1 ? "1" : "0");
}

static void do_shmget(const uint64_t a[ARGS])
{
	int *slot = (int *)&shared->shm[a[0] % SLOTS];

	if (*slot >= 0)
		shmctl(*slot, IPC_RMID, NULL);
	*slot = -1;
	long r = raw(SYS_shmget, (uint64_t[ARGS]){IPC_PRIVATE, a[1], a[2]});
	if (r >= 0)
		*slot = (int)r;
	put_result(r < 0 ? (uint64_t)r : 0);
}

static void do_shmat(const uint64_t a[ARGS])
{
	if ((a[2] & SHM_REMAP) && (is_own(a[1], 1 << 20) || a[1] == 0))
		return skip();
	put_result((uint64_t)raw(SYS_shmat, a));
}

static void do_shmctl(const uint64_t a[ARGS])
{
	struct shmid_ds d;
	long r;

	memset(&d, 0, sizeof d);
	r = raw(SYS_shmctl, (uint64_t[ARGS]){a[0], a[1], (uint64_t)&d});
	put_result(r < 0 ? (uint64_t)r : 0);
	if (r >= 0 && a[1] == IPC_STAT) {
		put(" ");
		put_hex(d.shm_segsz);
		put(" ");
		put_hex(d.shm_nattch);
		put(" ");
		put_hex(d.shm_perm.mode);
	}
}

static char file_name[64];

/* name_file makes the name of files in /dev/shm this interpreter's own; put_maps leaves out what follows the dot. */
void name_file(void)
{
	snprintf(file_name, sizeof file_name, "/dev/shm/mmfuzz.%d", (int)getpid());
}

/* do_open puts a file of the kind a[1] into a slot: 0 of memfd_create, else one of /dev/shm that has no name any more, opened for
 * 1 reading, 2 writing, 3 both. */
static void do_open(const uint64_t a[ARGS])
{
	int *slot = &shared->fd[a[0] % SLOTS], fd;

	if (*slot >= 0)
		close(*slot);
	if (a[1] == 0) {
		fd = (int)syscall(SYS_memfd_create, "fuzz", MFD_ALLOW_SEALING);
	} else {
		unlink(file_name);
		fd = open(file_name, O_RDWR | O_CREAT, 0600);
		if (a[1] < 3) {
			if (ftruncate(fd, 8 * PAGE) || pwrite(fd, "read only", 9, PAGE + 5) != 9)
				put("! ");
			close(fd);
			fd = open(file_name, a[1] == 1 ? O_RDONLY : O_WRONLY);
		}
		unlink(file_name);
	}
	*slot = fd;
	put(fd < 0 ? "-" : "0");
}

static const struct {
	const char *name;
	void (*f)(const uint64_t a[ARGS]);
} specials[] = {
	{"mmap", do_mmap},     {"mremap", do_mremap}, {"mincore", do_mincore}, {"shmget", do_shmget},
	{"shmat", do_shmat},   {"shmctl", do_shmctl}, {"open", do_open},       {"limit", set_limit},
};

/* call makes a system call and writes its result. It returns 0 if there is none of this name. */
int call(const char *name, const uint64_t a[ARGS])
{
	for (size_t i = 0; i < sizeof specials / sizeof *specials; i++)
		if (strcmp(name, specials[i].name) == 0) {
			specials[i].f(a);
			return 1;
		}
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		const char *args = calls[i].args, *range = strchr(args, 'a');
		if (strcmp(name, calls[i].name))
			continue;
		if (range && ((is_own(a[range - args], a[range - args + 1]) && !from_buffer(name, a)) || (strcmp(name, "madvise") == 0 && all_above(a)) ||
			      up_to_a_hole(name, a)))
			skip();
		else
			put_result((uint64_t)raw(calls[i].nr, a));
		return 1;
	}
	return 0;
}
