/* What /proc says of mappings, and calls that change them whole. */
#include "mm.h"

/* smaps_kb is the value of a line of the mapping at p in /proc/self/smaps. */
static long smaps_kb(void *p, const char *name)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	char line[512];
	long kb = -1;
	int in = 0;
	unsigned long start, end;

	CHECK(f != NULL);
	while (fgets(line, sizeof line, f) != NULL) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			in = start == (unsigned long)p;
		else if (in && strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
			sscanf(line + strlen(name) + 1, "%ld", &kb);
	}
	fclose(f);
	return kb;
}

TEST(proc_smaps)
{
	char *p = new_pages(5, PROT_NONE); /* keeps neighbours apart */

	CHECK(mprotect(p + PAGES(1), PAGES(3), RW) == 0);
	p += PAGES(1);
	EQ(smaps_kb(p, "Size"), 12);
	EQ(smaps_kb(p, "Rss"), 0);
	fill(p, 2);
	EQ(smaps_kb(p, "Rss"), 8);
	EQ(smaps_kb(p, "Anonymous"), 8);
	EQ(smaps_kb(p, "Locked"), 0);
	CHECK(mlock(p, PAGES(3)) == 0);
	EQ(smaps_kb(p, "Rss"), 12);
	EQ(smaps_kb(p, "Locked"), 12);
}

TEST(proc_pagemap)
{
	char *p = new_pages(3, RW);
	uint64_t e[3];
	int fd = open("/proc/self/pagemap", O_RDONLY);

	fill(p + PAGES(1), 1);
	CHECK(fd >= 0 && pread(fd, e, sizeof e, (off_t)((uintptr_t)p / 4096 * 8)) == sizeof e);
	CHECK(e[0] == 0 && e[1] >> 63 == 1 && e[2] == 0);
	FAILS(pread(fd, e, 8, 3), EINVAL);
}

/* kpage is the word of a frame in a file of /proc. */
static uint64_t kpage(const char *file, uint64_t frame)
{
	uint64_t word;
	int fd = open(file, O_RDONLY);

	CHECK(fd >= 0 && pread(fd, &word, 8, (off_t)frame * 8) == 8);
	close(fd);
	return word;
}

TEST(proc_kpageflags)
{
	enum { DIRTY = 1 << 4, SLAB = 1 << 7, FREE = 1 << 10, NO_PAGE = 1 << 20, TABLE = 1 << 26 };
	char *p = new_pages(2, RW);
	uint64_t e[2], bad = SLAB | FREE | NO_PAGE | TABLE;
	int fd = open("/proc/self/pagemap", O_RDONLY);

	if (open("/proc/kpageflags", O_RDONLY) < 0 && (errno == ENOENT || errno == EACCES || errno == EPERM))
		SKIP("there is no /proc/kpageflags, or it is not ours");
	CHECK(mlock(p, PAGES(2)) == 0); /* the frames stay */
	fill(p, 2);
	CHECK(fd >= 0 && pread(fd, e, sizeof e, (off_t)((uintptr_t)p / 4096 * 8)) == sizeof e);
	if ((e[0] << 9) == 0)
		SKIP("pagemap does not show frames");
	for (int i = 0; i < 2; i++) {
		uint64_t frame = e[i] & (((uint64_t)1 << 55) - 1);
		EQ(kpage("/proc/kpageflags", frame) & bad, 0);
		EQ(kpage("/proc/kpagecount", frame), 1);
	}
	fd = open("/proc/kpageflags", O_RDONLY);
	FAILS(pread(fd, e, 8, 3), EINVAL);
}

TEST(proc_oom_score_adj)
{
	char text[16] = "";
	int fd = open("/proc/self/oom_score_adj", O_RDWR);

	CHECK(fd >= 0 && write(fd, "500", 3) == 3);
	CHECK(pread(fd, text, sizeof text - 1, 0) > 0 && atoi(text) == 500);
	FAILS(write(fd, "1001", 4), EINVAL);
	FAILS(write(fd, "much", 4), EINVAL);
}

TEST(remap_file_pages_of_a_file)
{
	int fd = (int)syscall(SYS_memfd_create, "remapped", 0);
	char *p;

	CHECK(fd >= 0 && ftruncate(fd, (off_t)PAGES(8)) == 0);
	p = mmap(NULL, PAGES(8), RW, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	for (int i = 0; i < 8; i++)
		p[PAGES(i)] = (char)('a' + i);
	FAILS(syscall(SYS_remap_file_pages, p, PAGES(1), PROT_READ, 1, 0), EINVAL);
	CHECK(syscall(SYS_remap_file_pages, p, PAGES(2), 0, 5, 0) == 0);
	CHECK(p[0] == 'f' && p[PAGES(1)] == 'g' && p[PAGES(2)] == 'c');
	p[0] = 'x';
	CHECK(p[PAGES(5)] == 'x');
	FAILS(syscall(SYS_remap_file_pages, new_pages(1, RW), PAGES(1), 0, 0, 0), EINVAL);
}

TEST(mseal_keeps_a_mapping)
{
	const long nr_mseal = 462;
	char *p = new_pages(4, RW);

	errno = 0;
	if (syscall(nr_mseal, p + PAGES(1), PAGES(2), 0) == -1 && errno == ENOSYS)
		return; /* Linux before 6.10 */
	CHECK(errno == 0);
	FAILS(munmap(p, PAGES(2)), EPERM);
	FAILS(mprotect(p + PAGES(2), PAGES(2), PROT_READ), EPERM);
	FAILS(mmap(p + PAGES(1), PAGES(1), RW, ANON | MAP_FIXED, -1, 0), EPERM);
	FAILS(mremap(p + PAGES(1), PAGES(2), PAGES(3), MREMAP_MAYMOVE), EPERM);
	fill(p, 4);
	CHECK(filled(p + PAGES(2), 2) && munmap(p + PAGES(3), PAGES(1)) == 0);
	FAILS(syscall(nr_mseal, p + PAGES(2), PAGES(2), 0), ENOMEM);
	FAILS(syscall(nr_mseal, p, PAGES(1), 1), EINVAL);
}

TEST(core_file)
{
	char dir[] = "/tmp/coreXXXXXX", pattern[64] = "";
	int status, fd = open("/proc/sys/kernel/core_pattern", O_RDONLY);
	struct rlimit r;

	CHECK(fd >= 0 && read(fd, pattern, sizeof pattern - 1) > 0 && getrlimit(RLIMIT_CORE, &r) == 0);
	if (strcmp(pattern, "core\n") != 0 || r.rlim_max != RLIM_INFINITY)
		return; /* the host keeps them elsewhere */
	CHECK(mkdtemp(dir) != NULL && chdir(dir) == 0);
	for (int room = 0; room < 2; room++) {
		pid_t pid = fork();
		if (pid == 0) {
			set_limit(RLIMIT_CORE, room ? RLIM_INFINITY : 0);
			abort();
		}
		CHECK(waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGABRT);
		EQ(!!WCOREDUMP(status), room);
	}
	char head[20];
	fd = open("core", O_RDONLY);
	CHECK(fd >= 0 && read(fd, head, sizeof head) == sizeof head);
	CHECK(memcmp(head, "\177ELF", 4) == 0 && head[16] == 4); /* ET_CORE */
	CHECK(unlink("core") == 0 && chdir("/") == 0 && rmdir(dir) == 0);
}
