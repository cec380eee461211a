/* Writes files below /mnt in every way there is, at random, and keeps an account of what it
 * has been promised: a line goes to a part of the disk behind the file system before each
 * change, and one after each fsync that has returned. Whoever finds the disk after a power
 * cut can tell from those lines what must be there (qemu/guest/powercut_test.go does).
 *
 * Word k of what file ID got in write V is ID<<48 | V<<24 | k. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES = 40, DIRS = 3, MARK = 512, WORDS = 40000 };

struct file {
	unsigned id; /* 0: no file */
	char name[256];
	unsigned words;
};

static struct file files[FILES];
static unsigned ids, version;
static int marks, held = -1;
static off_t marks_at;
static uint64_t random_state;
static uint64_t buffer[WORDS];

static unsigned rnd(unsigned n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned)(random_state >> 32) % n;
}

static void fail(const char *what, const char *name)
{
	fprintf(stderr, "powercut: %s %s: %s\n", what, name, strerror(errno));
	exit(1);
}

/* mark adds a line to the account. It is on its way to the disk when this returns, before
 * anything that is done afterwards. */
__attribute__((format(printf, 1, 2))) static void mark(const char *format, ...)
{
	char line[MARK] = {0};
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	if (pwrite(marks, line, sizeof line, marks_at) != sizeof line)
		fail("pwrite of", "a mark");
	marks_at += MARK;
}

static int get(const struct file *f, int flags)
{
	int fd = open(f->name, flags, 0644);

	if (fd < 0)
		fail("open", f->name);
	return fd;
}

static void done(int fd, const char *name)
{
	if (close(fd))
		fail("close", name);
}

/* new_name is short or long: directories are to have many blocks. */
static void new_name(char *name)
{
	unsigned fill = rnd(3) ? rnd(12) : 60 + rnd(120), n;

	n = (unsigned)sprintf(name, "/mnt/d%u/%u-", rnd(DIRS), rnd(1000000));
	memset(name + n, 'a' + (int)rnd(26), fill);
	name[n + fill] = 0;
}

static struct file *any(void)
{
	for (int i = 0; i < 100; i++) {
		struct file *f = &files[rnd(FILES)];

		if (f->id)
			return f;
	}
	return NULL;
}

static void synced(int fd, const struct file *f)
{
	if (rnd(2) ? fsync(fd) : fdatasync(fd))
		fail("fsync", f->name);
	mark("s %u", f->id);
}

/* fill says what is written, and readies it in the buffer. */
static void fill(const struct file *f, unsigned at, unsigned n)
{
	mark("w %u %u %u %u", f->id, at, n, ++version);
	for (unsigned k = 0; k < n; k++)
		buffer[k] = (uint64_t)f->id << 48 | (uint64_t)version << 24 | (at + k);
}

static void write_at(int fd, struct file *f, unsigned at, unsigned n)
{
	fill(f, at, n);
	if (pwrite(fd, buffer, n * 8, (off_t)at * 8) != (ssize_t)(n * 8))
		fail("write", f->name);
	if (at + n > f->words)
		f->words = at + n;
}

/* length is small most times, and now and then beyond what direct and indirect blocks hold. */
static unsigned length(void)
{
	return rnd(6) ? 1 + rnd(2000) : 1 + rnd(WORDS - 2);
}

static void create(void)
{
	struct file *f = &files[rnd(FILES)];
	int fd;

	if (f->id)
		return;
	new_name(f->name);
	if (access(f->name, F_OK) == 0)
		return;
	f->id = ++ids;
	f->words = 0;
	mark("n %u %s", f->id, f->name);
	fd = get(f, O_RDWR | O_CREAT | O_EXCL);
	write_at(fd, f, 0, length());
	if (rnd(3))
		synced(fd, f);
	done(fd, f->name);
}

/* change writes somewhere in a file, or behind its end, by write, O_DSYNC or a mapping. */
static void change(void)
{
	struct file *f = any();
	unsigned at, n;
	int fd, how = (int)rnd(6);

	if (!f)
		return;
	fd = get(f, O_RDWR | (how == 0 ? O_DSYNC : 0));
	at = rnd(3) ? f->words : rnd(f->words + 1);
	n = length();
	if (at + n > WORDS)
		at = 0;
	if (how <= 1 && f->words > 0) {
		size_t size = (size_t)f->words * 8;
		char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

		if (map == MAP_FAILED)
			fail("mmap", f->name);
		at = rnd(f->words);
		n = 1 + rnd(f->words - at);
		fill(f, at, n);
		memcpy(map + at * 8, buffer, n * 8);
		if (how == 0) {
			if (msync(map, size, MS_SYNC))
				fail("msync", f->name);
			mark("s %u", f->id);
		} else {
			synced(fd, f);
		}
		munmap(map, size);
	} else {
		write_at(fd, f, at, n);
		if (how == 0)
			mark("s %u", f->id);
		else if (rnd(2))
			synced(fd, f);
	}
	done(fd, f->name);
}

static void cut(void)
{
	struct file *f = any();
	unsigned n;
	int fd;

	if (!f)
		return;
	n = rnd(4) ? rnd(f->words + 1) : rnd(WORDS);
	fd = get(f, O_RDWR);
	mark("t %u %u", f->id, n);
	if (ftruncate(fd, (off_t)n * 8))
		fail("ftruncate", f->name);
	f->words = n;
	if (rnd(2))
		synced(fd, f);
	done(fd, f->name);
}

static void move(void)
{
	struct file *f = any(), *over = any();
	char name[256];
	int fd;

	if (!f || !over || f == over)
		return;
	if (rnd(2))
		strcpy(name, over->name);
	else
		new_name(name), over = NULL;
	if (!over && access(name, F_OK) == 0)
		return;
	mark("r %u %s", f->id, name);
	if (rename(f->name, name))
		fail("rename to", name);
	strcpy(f->name, name);
	if (over)
		over->id = 0;
	if (rnd(3) == 0) {
		fd = get(f, O_RDONLY);
		synced(fd, f);
		done(fd, f->name);
	}
}

static void drop(void)
{
	struct file *f = any();

	if (!f)
		return;
	if (rnd(3) == 0) { /* a file that is open lives on for a while */
		if (held >= 0)
			done(held, "a file without a name");
		held = get(f, O_RDWR);
	}
	mark("d %u", f->id);
	if (unlink(f->name))
		fail("unlink", f->name);
	f->id = 0;
}

static void sync_dir(void)
{
	char name[16];
	int fd;

	sprintf(name, "/mnt/d%u", rnd(DIRS));
	fd = open(name, O_RDONLY | O_DIRECTORY);
	if (fd < 0 || fsync(fd))
		fail("fsync", name);
	mark("D %s", name);
	done(fd, name);
}

static void sync_all(void)
{
	sync();
	mark("S");
}

/* empty makes a directory and takes it away: its blocks and inode are somebody else's then. */
static void empty(void)
{
	static unsigned n;
	char name[64];

	if (n % 2 == 0) {
		sprintf(name, "/mnt/d%u/dir%u", n / 2 % DIRS, n / 2);
		if (mkdir(name, 0755))
			fail("mkdir", name);
	} else {
		sprintf(name, "/mnt/d%u/dir%u", n / 2 % DIRS, n / 2);
		if (rmdir(name))
			fail("rmdir", name);
	}
	n++;
}

static void step(void)
{
	switch (rnd(20)) {
	case 0: case 1: case 2: case 3: case 4: case 5: create(); break;
	case 6: case 7: case 8: case 9: case 10: change(); break;
	case 11: case 12: cut(); break;
	case 13: case 14: case 15: move(); break;
	case 16: drop(); break;
	case 17: sync_dir(); break;
	case 18: empty(); break;
	default:
		if (rnd(5) == 0)
			sync_all();
	}
}

/* powercut SEED STEPS DISK OFFSET: the account begins at that offset of the disk. */
int main(int argc, char **argv)
{
	char name[16];

	if (argc != 5)
		return 2;
	random_state = strtoull(argv[1], NULL, 0) * 0x9e3779b97f4a7c15 + 1;
	marks = open(argv[3], O_RDWR);
	marks_at = strtoll(argv[4], NULL, 0);
	if (marks < 0)
		fail("open", argv[3]);
	for (unsigned i = 0; i < DIRS; i++) {
		sprintf(name, "/mnt/d%u", i);
		if (mkdir(name, 0755))
			fail("mkdir", name);
	}
	sync_all();
	puts("begun");
	fflush(stdout);
	for (long i = strtol(argv[2], NULL, 0); i > 0; i--)
		step();
	puts("done");
	return 0;
}
