/* The window: the addresses that a program may map as it likes, from above the heap up to top. What lies above top is the
 * interpreter's and the kernel's, and has no gap into which mmap could put anything. */
#define _GNU_SOURCE
#include "mmfuzz.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

uint64_t heap, top;

#define IMAGE 0x400000UL

static uint64_t page_of(int flags)
{
	return (uint64_t)mmap(NULL, PAGE, PROT_NONE, flags | MAP_ANONYMOUS, -1, 0);
}

/* make_window fills the gaps above the lowest mapping, and puts one below it that merges with nothing. */
void make_window(void)
{
	enum { LARGE = 1 << 30 };
	void *room = mmap(NULL, LARGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint64_t end = (uint64_t)room + LARGE;

	while (page_of(MAP_PRIVATE) >= end)
		;
	munmap(room, LARGE);
	top = page_of(MAP_SHARED);
	munmap((void *)(end - LARGE - PAGE), PAGE);
	heap = ((uint64_t)sbrk(0) + PAGE - 1) & ~(uint64_t)(PAGE - 1);
	brk((void *)heap);
}

/* is_own reports whether a range that a call could use has something of the interpreter's in it, or would have if top were lower. */
int is_own(uint64_t addr, uint64_t length)
{
	uint64_t end = addr + length;

	if (length == 0 || end < addr)
		return 0;
	if (end > TASK_SIZE)
		return addr + LOW > top && addr < TASK_SIZE && end < TASK_SIZE + (1UL << 41);
	return (addr < heap && end > IMAGE) || end > top;
}

static char text[256 << 10];

/* line writes a line of /proc/PID/maps, if it is of the window, without device and inode number. */
static void line(char *p)
{
	char *word[6] = {0};
	uint64_t start, end, clip;
	int n = 0;

	while (*p && n < 5) {
		word[n++] = p;
		while (*p && *p != ' ')
			p++;
		while (*p == ' ')
			*p++ = 0;
	}
	word[5] = p;
	p = strchr(word[0], '-');
	*p++ = 0;
	start = parse(word[0]);
	end = parse(p);
	if (end <= heap || start >= top)
		return;
	clip = start < heap ? heap - start : 0;
	put("| ");
	put_result(start + clip);
	if (end > top)
		end = top;
	if (is_near(end)) {
		put("-");
		put_result(end);
	} else {
		put("-far"); /* the end of something very large, that may have begun elsewhere */
	}
	put(" ");
	put(word[1]);
	put(" ");
	for (p = word[2]; *p == '0' && p[1]; p++)
		;
	if (*word[5] == '/' && parse(p) >= LOW)
		put("far"); /* behind a very large one that began elsewhere */
	else
		put_hex(*word[5] == '/' ? parse(p) : 0);
	if (*word[5]) {
		char *dot = strchr(word[5], '.'); /* of name_file */
		if (dot) {
			*dot++ = 0;
			dot = strchr(dot, ' ');
		}
		put(" ");
		put(word[5]);
		if (dot)
			put(dot);
	}
	put(" ");
}

void put_maps(void)
{
	int fd = open("/proc/self/maps", O_RDONLY);
	size_t len = 0;
	ssize_t n;

	put("maps ");
	while ((n = read(fd, text + len, sizeof text - 1 - len)) > 0)
		len += (size_t)n;
	close(fd);
	text[len] = 0;
	for (char *p = text, *next; *p; p = next) {
		next = strchr(p, '\n');
		*next++ = 0;
		line(p);
	}
}
