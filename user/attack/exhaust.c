/* Programs that take all there is of something: tasks, files, mappings, the
 * kernel's own memory. Each meets an errno or its death, and the next one runs. */
#include "../c/tap.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>

static void *sleeper(void *arg)
{
	for (;;)
		pause();
	return arg;
}

/* still_alive forks, execs nothing, and touches memory: what any program needs. */
static void still_alive(void)
{
	int status;
	pid_t p = fork();
	CHECK(p >= 0);
	if (p == 0) {
		char *m = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (m == MAP_FAILED)
			_exit(1);
		memset(m, 1, 1 << 20);
		_exit(0);
	}
	CHECK(waitpid(p, &status, 0) == p);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(threads_end_with_eagain)
{
	pid_t p = fork();
	int status;
	CHECK(p >= 0);
	if (p == 0) {
		pthread_attr_t attr;
		pthread_t t;
		int err, n = 0;
		pthread_attr_init(&attr);
		pthread_attr_setstacksize(&attr, 16384);
		while ((err = pthread_create(&t, &attr, sleeper, NULL)) == 0 && n < 40000)
			n++;
		_exit(err == EAGAIN && n > 50 ? 0 : 1);
	}
	CHECK(waitpid(p, &status, 0) == p);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	still_alive();
}

TEST(processes_end_with_eagain)
{
	enum { MOST = 40000 };
	static pid_t child[MOST];
	int n = 0, err = 0;
	while (n < MOST) {
		pid_t p = fork();
		if (p < 0) {
			err = errno;
			break;
		}
		if (p == 0)
			for (;;)
				pause();
		child[n++] = p;
	}
	for (int i = 0; i < n; i++)
		kill(child[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	errno = err;
	CHECK(n > 20 && n < MOST);
	CHECK(err == EAGAIN || err == ENOMEM);
	still_alive();
}

TEST(pipes_end_with_emfile)
{
	int p[2], n = 0;
	while (pipe(p) == 0 && n < 1 << 20)
		n++;
	CHECK(errno == EMFILE || errno == ENFILE);
}

TEST(mappings_end_with_enomem)
{
	enum { MOST = 1 << 20 };
	char *m = mmap(NULL, 2L * MOST * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int n = 0;
	CHECK(m != MAP_FAILED);
	while (n < MOST && mprotect(m + 2L * n * 4096, 4096, PROT_READ) == 0)
		n++;
	CHECK(n < MOST && errno == ENOMEM);
	CHECK(munmap(m, 2L * MOST * 4096) == 0);
	still_alive();
}

TEST(tmpfs_ends_with_enospc)
{
	static char buf[1 << 16];
	int fd = open("/tmp/full", O_CREAT | O_RDWR | O_TRUNC, 0600);
	ssize_t n;
	CHECK(fd >= 0);
	memset(buf, 1, sizeof buf);
	while ((n = write(fd, buf, sizeof buf)) > 0)
		;
	CHECK(n < 0 && errno == ENOSPC);
	CHECK(close(fd) == 0 && unlink("/tmp/full") == 0);
	still_alive();
}

/* One page in each of many page tables, until memory is out, with so many locked besides. All of
 * those pages fit into swap, the tables stay. With next to nothing left to steal, each page
 * comes back as soon as it has gone. */
static void many_tables(size_t locked)
{
	const long apart = 2 << 20, many = 1 << 18;
	int status;
	pid_t p = fork();
	CHECK(p >= 0);
	if (p == 0) {
		char *m = mmap(NULL, many * apart, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (m == MAP_FAILED || (locked && mlock(m, locked) != 0))
			_exit(1);
		for (long i = 0; i < many; i++)
			m[i * apart] = 1;
		_exit(2);
	}
	CHECK(waitpid(p, &status, 0) == p);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	still_alive();
}

TEST(page_tables_end_with_sigkill) { many_tables(0); }

/* What is locked is no more to be stolen than the tables. */
TEST(page_tables_and_locked_pages_end_with_sigkill) { many_tables(6 << 20); }
