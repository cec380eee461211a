/* Numbers of programs, and the words of results. An address is said relative to something that lies elsewhere in each run. */
#include "mmfuzz.h"

#include <string.h>

static uint64_t hex(const char *s)
{
	uint64_t n = 0;

	for (; *s; s++)
		n = n << 4 | (uint64_t)(*s <= '9' ? *s - '0' : *s - 'a' + 10);
	return n;
}

/* parse reads a number in hexadecimal digits: after A an offset in the arena, after H from the break, after T below the top of the window,
 * V in the interpreter's buffer; F and S take a file's descriptor and a segment's id from their slots. */
uint64_t parse(const char *word)
{
	uint64_t n = hex(word + (*word >= 'A' && *word <= 'Z'));

	switch (*word) {
	case 'A':
		return ARENA + n;
	case 'H':
		return heap + n;
	case 'T':
		return top - n;
	case 'V':
		return (uint64_t)shared->data + n;
	case 'F':
		return (uint64_t)(int64_t)shared->fd[n % SLOTS];
	case 'S':
		return (uint64_t)(int64_t)shared->shm[n % SLOTS];
	}
	return n;
}

void put(const char *s)
{
	size_t n = strlen(s);

	if (n > RESULTS - shared->len)
		n = RESULTS - shared->len;
	memcpy(shared->text + shared->len, s, n);
	shared->len += n;
}

void put_hex(uint64_t n)
{
	char text[17], *p = text + 16;

	for (*p = 0; n || !*p; n >>= 4)
		*--p = "0123456789abcdef"[n & 15];
	put(p);
}

/* is_near reports whether an address lies in what programs use most, so that put_result says the same of it everywhere. */
int is_near(uint64_t r)
{
	return (r >= ARENA && r < ARENA + NEAR) || (r >= heap && r < heap + HEAP) || (r <= top && top - r < 1UL << 42) || (r >= LOW && r < 2 * LOW);
}

/* put_result writes what a call has returned: an error as -errno in decimal. */
void put_result(uint64_t r)
{
	if (r > (uint64_t)-4096) {
		unsigned e = (unsigned)-r;
		char text[] = {'-', (char)('0' + e / 100 % 10), (char)('0' + e / 10 % 10), (char)('0' + e % 10), 0};
		put(text);
	} else if (r >= ARENA && r < ARENA + NEAR) {
		put("A");
		put_hex(r - ARENA);
	} else if (r >= heap && r < heap + HEAP) {
		put("H");
		put_hex(r - heap);
	} else if (r >= LOW && r < 2 * LOW) {
		put("low");
	} else if (r <= top && top - r < 1UL << 42) {
		put("T");
		put_hex(top - r);
	} else if (r > ARENA && r < TASK_SIZE) {
		put("A"); /* the end of something very large */
		put_hex(r - ARENA);
	} else {
		put_hex(r);
	}
}
