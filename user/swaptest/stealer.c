/* The page stealer at its work: victims that exit, lists that change under it, the branches
 * that it takes, slabs that shrink. What only this kernel counts is left out elsewhere. */
#define _GNU_SOURCE
#include "../c/tap.h"

#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>

#define PAGE 4096UL

/* press fills and empties more memory than there is, so that others lose theirs */
static void press(void)
{
	long kb = tap_field("/proc/meminfo", "MemTotal");
	size_t n = (size_t)kb * 1024 / PAGE;

	if (n > (128UL << 20) / PAGE)
		n = (128UL << 20) / PAGE;
	uint64_t *p = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(p != MAP_FAILED);
	for (size_t i = 0; i < n; i++)
		p[i * 512] = i + 1;
	for (size_t i = 0; i < n; i++)
		CHECK(p[i * 512] == i + 1);
	munmap(p, n * PAGE);
}

static char *pages(size_t n)
{
	char *p = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

static void need_recount(void)
{
	if (access("/proc/recount", R_OK))
		SKIP("there is no /proc/recount");
}

/* grows says whether an event of /proc/vmstat has been counted since it was before. */
static int grows(const char *event, long before)
{
	long now = tap_field("/proc/vmstat", event);

	if (now <= before)
		printf("# %s stays %ld\n", event, now);
	return now > before;
}

static pid_t victim(void)
{
	enum { SIZE = 400 };
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		char *p = pages(SIZE);
		for (unsigned k = 0;; k++) {
			p[k % SIZE * PAGE] = 1;
			if (k % SIZE == 0)
				usleep(1000);
		}
	}
	return pid;
}

/* Processes are killed while a stealer may have them in hand: neither their memory
 * nor what describes it stays. */
TEST(victims_exit_while_scanned)
{
	enum { VICTIMS = 4 };
	pid_t pid[VICTIMS], presser;
	long mms, before;
	int status;

	need_recount();
	before = tap_field("/proc/recount", "address_spaces");
	for (int i = 0; i < VICTIMS; i++)
		pid[i] = victim();
	CHECK((presser = fork()) >= 0);
	if (presser == 0) {
		press();
		_exit(0);
	}
	for (int i = 0, last = 0; !last; i = (i + 1) % VICTIMS) {
		usleep(10000);
		last = waitpid(presser, &status, WNOHANG) == presser;
		CHECK(kill(pid[i], SIGKILL) == 0);
		CHECK(waitpid(pid[i], NULL, 0) == pid[i]);
		pid[i] = victim();
	}
	EQ(status, 0);
	for (int i = 0; i < VICTIMS; i++) {
		CHECK(kill(pid[i], SIGKILL) == 0);
		CHECK(waitpid(pid[i], NULL, 0) == pid[i]);
	}
	for (int i = 0; i < 200; i++, usleep(20000))
		if ((mms = tap_field("/proc/recount", "address_spaces")) == before)
			break;
	EQ(mms, before);
	EQ(tap_field("/proc/recount", "unowned_frames"), 0);
}

enum { STRIP = 512 };
static char *strip;
static volatile int done;

/* cuts, protects, moves and maps again parts of the strip; odd pages are left alone */
static void *change(void *arg)
{
	const int prot = PROT_READ | PROT_WRITE;

	(void)arg;
	for (unsigned k = 0; !done; k++) {
		char *p = strip + (k * 2 * 37 % STRIP) * PAGE, *q;
		CHECK(munmap(p, PAGE) == 0);
		CHECK(mmap(p, PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p);
		*p = 1;
		if (k % 64 == 0)
			usleep(1000); /* for the one who presses */
		CHECK(mprotect(p, PAGE, PROT_READ) == 0 && mprotect(p, PAGE, prot) == 0);
		CHECK((q = mremap(p, PAGE, 2 * PAGE, MREMAP_MAYMOVE)) != MAP_FAILED && *q == 1);
		CHECK(munmap(q, 2 * PAGE) == 0);
		CHECK(mmap(p, PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p);
	}
	return NULL;
}

/* The list of vmas changes all the time while a stealer goes over it. */
TEST(list_changes_while_scanned)
{
	pthread_t t;

	strip = pages(STRIP);
	for (int i = 1; i < STRIP; i += 2)
		strip[i * PAGE] = (char)i;
	CHECK(pthread_create(&t, NULL, change, NULL) == 0);
	press();
	for (int i = 1; i < STRIP; i += 2)
		CHECK(strip[i * PAGE] == (char)i);
	done = 1;
	CHECK(pthread_join(t, NULL) == 0);
}

/* try_to_swap_out leaves by every way that a program can bring about without a disk. */
TEST(branches_are_counted)
{
	static const char *const events[] = {"swapout_young", "swapout_reserved", "swapout_swapcached", "swapout_anon"};
	enum { EVENTS = sizeof events / sizeof *events, SIZE = 400 };
	long before[EVENTS], sum = 0;

	need_recount();
	for (int i = 0; i < EVENTS; i++)
		CHECK((before[i] = tap_field("/proc/vmstat", events[i])) >= 0);
	char *p = pages(SIZE), *zero = pages(SIZE);
	for (int i = 0; i < SIZE; i++) {
		p[i * PAGE] = 1;
		sum += zero[i * PAGE]; /* the page of zeros */
	}
	for (int round = 0; round < 20; round++) {
		press();
		for (int i = 0; i < SIZE; i++)
			sum += p[i * PAGE]; /* reads: back from swap, it stays in the swap cache */
		if (tap_field("/proc/vmstat", "swapout_swapcached") > before[2])
			break;
	}
	CHECK(sum % SIZE == 0);
	for (int i = 0; i < EVENTS; i++)
		CHECK(grows(events[i], before[i]));
}

/* total is the third column of a slab in /proc/slabinfo: objects in all its slabs. */
static long total(const char *slab)
{
	char line[256];
	long n = -1;
	size_t len = strlen(slab);
	FILE *f = fopen("/proc/slabinfo", "r");

	CHECK(f);
	while (fgets(line, sizeof line, f))
		if (!strncmp(line, slab, len) && line[len] == ' ')
			sscanf(line + len, "%*d %ld", &n);
	fclose(f);
	return n;
}

/* Slabs grow with the vmas, and are given back when memory is short. */
TEST(slabs_shrink_under_pressure)
{
	enum { VMAS = 3000 };
	long before, most, after;

	need_recount();
	before = total("vm_area_struct");
	char *p = mmap(NULL, VMAS * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED);
	for (size_t i = 0; i < VMAS; i += 2)
		CHECK(mprotect(p + i * PAGE, PAGE, PROT_READ | PROT_WRITE) == 0);
	most = total("vm_area_struct");
	CHECK(most >= VMAS);
	CHECK(munmap(p, VMAS * PAGE) == 0);
	for (int i = 0; i < 10; i++) {
		press();
		if ((after = total("vm_area_struct")) < before + VMAS / 4)
			return;
	}
	printf("# %ld objects, then %ld, then %ld\n", before, most, after);
	CHECK(0);
}
