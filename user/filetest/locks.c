/* Advisory locks: flock and fcntl. */
#include "files.h"

#include <sys/file.h>

/* elsewhere runs f(arg) in a child and returns its exit status. */
static int elsewhere(int (*f)(int), int arg)
{
	int status;

	if (fork() == 0)
		_exit(f(arg));
	CHECK(wait(&status) > 0 && WIFEXITED(status));
	return WEXITSTATUS(status);
}

TEST(flock_conflicts)
{
	enter_dir();
	int a = create("f", ""), b = open("f", O_RDONLY), c = dup(a);

	EQ(flock(a, LOCK_EX), 0);
	FAILS(flock(b, LOCK_SH | LOCK_NB), EAGAIN);
	EQ(flock(c, LOCK_SH), 0);
	EQ(flock(b, LOCK_SH | LOCK_NB), 0);
	FAILS(flock(a, LOCK_EX | LOCK_NB), EAGAIN);
	EQ(flock(c, LOCK_SH), 0); /* Linux may have lost it to the attempt */
	close(a);
	FAILS(flock(b, LOCK_EX | LOCK_NB), EAGAIN);
	close(c);
	EQ(flock(b, LOCK_EX | LOCK_NB), 0);
	EQ(flock(b, LOCK_UN), 0);
	FAILS(flock(b, 0), EINVAL);
	FAILS(flock(99, LOCK_SH), EBADF);
}

static int fd;

static int lock(int cmd, int kind, int start, int len)
{
	struct flock l = {.l_type = kind, .l_whence = SEEK_SET, .l_start = start, .l_len = len};

	return fcntl(fd, cmd, &l);
}

static int can_lock(int at) { return lock(F_SETLK, F_WRLCK, at, 1) == 0; }

TEST(record_locks)
{
	enter_dir();
	fd = create("f", "0123456789");
	EQ(lock(F_SETLK, F_WRLCK, 2, 6), 0);
	EQ(lock(F_SETLK, F_UNLCK, 4, 2), 0);
	EQ(elsewhere(can_lock, 1), 1);
	EQ(elsewhere(can_lock, 3), 0);
	EQ(elsewhere(can_lock, 4), 1);
	EQ(elsewhere(can_lock, 7), 0);
	EQ(elsewhere(can_lock, 8), 1);
	EQ(lock(F_SETLK, 9, 0, 1), -1);
	FAILS(fcntl(fd, F_SETLK, BAD), EFAULT);
	close(dup(fd));
	EQ(elsewhere(can_lock, 3), 1);
}

static int who_has(int at)
{
	struct flock l = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};

	if (fcntl(fd, F_GETLK, &l) != 0)
		return 2;
	if (l.l_type == F_UNLCK)
		return 0;
	return l.l_pid == getppid() && l.l_start == 5 && l.l_len == 0 ? 1 : 3;
}

TEST(record_lock_holder)
{
	enter_dir();
	fd = create("f", "");
	EQ(lock(F_SETLK, F_WRLCK, 5, 0), 0);
	EQ(elsewhere(who_has, 1000), 1);
	EQ(elsewhere(who_has, 4), 0);
}

TEST(lock_waits)
{
	enter_dir();
	int p[2], status;
	char c;

	fd = create("f", "");
	CHECK(pipe(p) == 0);
	if (fork() == 0) {
		CHECK(lock(F_SETLK, F_WRLCK, 0, 0) == 0 && write(p[1], "x", 1) == 1);
		usleep(50000);
		_exit(0);
	}
	EQ(read(p[0], &c, 1), 1);
	EQ(lock(F_SETLKW, F_RDLCK, 0, 0), 0);
	CHECK(wait(&status) > 0 && status == 0);
}

static int first_in_the_way(int unused)
{
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	(void)unused;
	return fcntl(fd, F_GETLK, &l) != 0 || l.l_start != 2 || l.l_len != 4 || l.l_type != F_RDLCK;
}

TEST(record_locks_side_by_side)
{
	enter_dir();
	fd = create("f", "");
	EQ(lock(F_SETLK, F_WRLCK, 20, 5), 0);
	EQ(lock(F_SETLK, F_RDLCK, 4, 2), 0);
	EQ(lock(F_SETLK, F_RDLCK, 2, 2), 0); /* one lock with the last */
	EQ(elsewhere(first_in_the_way, 0), 0);
}

#ifndef F_OFD_SETLK
enum { F_OFD_GETLK = 36, F_OFD_SETLK, F_OFD_SETLKW };
#endif

/* Locks of an open file: other opens of it by the same process are strangers. */
TEST(locks_of_an_open_file)
{
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 3, .l_len = 2};

	enter_dir();
	fd = create("f", "");
	int other = open("f", O_RDWR), copy = dup(fd);
	EQ(fcntl(fd, F_OFD_SETLK, &l), 0);
	EQ(fcntl(copy, F_OFD_SETLK, &l), 0);
	FAILS(fcntl(other, F_OFD_SETLK, &l), EAGAIN);
	FAILS(fcntl(other, F_SETLK, &l), EAGAIN); /* as are the process's own */
	l = (struct flock){.l_type = F_RDLCK, .l_whence = SEEK_SET};
	EQ(fcntl(other, F_OFD_GETLK, &l), 0);
	EQ(l.l_type, F_WRLCK);
	EQ(l.l_start, 3);
	EQ(l.l_len, 2);
	EQ(l.l_pid, -1);
	FAILS(fcntl(other, F_OFD_GETLK, &l), EINVAL); /* with a pid */
	l.l_pid = 0;
	close(fd);
	FAILS(fcntl(other, F_OFD_SETLK, &l), EAGAIN); /* the copy has it still */
	close(copy);
	EQ(fcntl(other, F_OFD_SETLKW, &l), 0);
}

/* The mapping is the last that holds the file, and so its lock. */
TEST(lock_ends_with_the_mapping)
{
	enter_dir();
	int other;
	char *p;

	fd = create("f", "text");
	other = open("f", O_RDWR);
	EQ(flock(fd, LOCK_EX), 0);
	p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	close(fd);
	EQ(flock(other, LOCK_EX | LOCK_NB), -1);
	EQ(munmap(p, 4096), 0);
	EQ(flock(other, LOCK_EX | LOCK_NB), 0);
}
