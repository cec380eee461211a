/* The sums that must be at the end what they were at the start. */
#include "sums.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char text[1 << 16];

/* load reads a file of /proc into text. */
static void load(const char *file)
{
	size_t have = 0;
	ssize_t n;
	int fd = open(file, O_RDONLY);

	while (fd >= 0 && have < sizeof text - 1 && (n = read(fd, text + have, sizeof text - 1 - have)) > 0)
		have += (size_t)n;
	text[have] = 0;
	if (fd >= 0)
		close(fd);
}

static long find(const char *name)
{
	size_t n = strlen(name);

	for (const char *line = text; line && *line; line = strchr(line, '\n'), line = line ? line + 1 : NULL)
		if (!strncmp(line, name, n) && line[n] == ' ')
			return atol(line + n);
	return -1;
}

long number(const char *file, const char *name)
{
	load(file);
	return find(name);
}

static struct sum {
	const char *file, *name; /* name NULL: how many lines the file has */
	long slack;              /* how far it may grow */
	long was, is;
} sums[] = {
	{"/proc/slabinfo", "vm_area_struct", 0, 0, 0},
	{"/proc/slabinfo", "mm_struct", 0, 0, 0},
	{"/proc/recount", "address_spaces", 0, 0, 0},
	{"/proc/recount", "vmas", 0, 0, 0},
	{"/proc/recount", "rss", 0, 0, 0},
	{"/proc/recount", "swap_entries", 0, 0, 0},
	{"/proc/recount", "page_tables", 0, 0, 0},
	{"/proc/recount", "table_frames", 0, 0, 0},
	{"/proc/recount", "program_frames", 0, 0, 0},
	{"/proc/recount", "kept_frames", 0, 0, 0},
	{"/proc/recount", "cached_frames", 0, 0, 0},
	{"/proc/recount", "unowned_frames", 0, 0, 0},
	{"/proc/recount", "stray_references", 0, 0, 0},
	{"/proc/vmstat", "nr_swapcached", 0, 0, 0},
	{"/proc/meminfo", "SwapFree:", 0, 0, 0},
	{"/proc/meminfo", "Shmem:", 0, 0, 0},
	{"/proc/goheap", "goroutines", 0, 0, 0},
	{"/proc/goheap", "live_objects", 600, 0, 0}, /* what was most at a time stays in part, but does not add up */
	{"/proc/goheap", "live_bytes", 400000, 0, 0},
	{"/proc/sysvipc/shm", NULL, 0, 0, 0},
};
enum { SUMS = sizeof sums / sizeof *sums };

static void look(void)
{
	const char *loaded = "";

	for (struct sum *s = sums; s < sums + SUMS; s++) {
		if (strcmp(loaded, s->file))
			load(loaded = s->file);
		s->is = 0;
		if (s->name)
			s->is = find(s->name);
		else
			for (const char *p = text; (p = strchr(p, '\n')); p++)
				s->is++;
	}
}

/* collect has the kernel throw away what it has of garbage. */
static void collect(void)
{
	int fd = open("/proc/goheap", O_WRONLY);

	if (fd < 0 || write(fd, "1", 1) != 1)
		perror("/proc/goheap");
	close(fd);
}

static int right(const struct sum *s)
{
	return s->is >= 0 && (s->is == s->was || (s->slack && s->is <= s->was + s->slack));
}

/* read_own_file has all of this program's file in memory: whoever it becomes by exec, or who
 * looks into the file, may be the first to read a page of it, and that stays. */
static void read_own_file(void)
{
	struct stat st;
	int fd = open("/proc/self/exe", O_RDONLY);
	void *p = MAP_FAILED;

	if (fd >= 0 && fstat(fd, &st) == 0)
		p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (p == MAP_FAILED || munmap(p, (size_t)st.st_size))
		perror("/proc/self/exe");
	close(fd);
}

void sums_begin(void)
{
	read_own_file();
	look(); /* the first look makes what looking takes */
	collect();
	look();
	for (struct sum *s = sums; s < sums + SUMS; s++)
		s->was = s->is;
}

/* The threads of the kernel may have something in hand for a moment: they are given
 * time, but what is lost does not come back. */
int sums_end(void)
{
	int bad = 1;

	for (int i = 0; i < 100 && bad; i++) {
		if (i)
			usleep(100000);
		collect();
		look();
		bad = 0;
		for (struct sum *s = sums; s < sums + SUMS; s++)
			bad |= !right(s);
	}
	for (struct sum *s = sums; s < sums + SUMS; s++)
		printf("%s %ld, was %ld%s\n", s->name ? s->name : s->file, s->is, s->was, !right(s) ? "  <-- WRONG" : "");
	return bad ? -1 : 0;
}
