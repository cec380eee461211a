/* What a C library asks of a kernel in quiet times: memory, files, time. */
#define _GNU_SOURCE
#include "tap.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <time.h>

TEST(printf_formats)
{
	char buf[128];

	snprintf(buf, sizeof buf, "%d %s %.3f %x %c %5ld|%-5d|%e", -7, "text", 3.14159, 0xbeef, 'z', 42L, 7, 12345.678);
	CHECK(strcmp(buf, "-7 text 3.142 beef z    42|7    |1.234568e+04") == 0);
}

TEST(malloc_small_and_large)
{
	enum { N = 2000 };
	static unsigned char *block[N];
	unsigned seed = 1;

	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < N; i++) {
			seed = seed * 1103515245 + 12345;
			size_t size = 1 + (i % 100 == 0 ? 200000 : seed % 3000);
			block[i] = malloc(size);
			CHECK(block[i]);
			memset(block[i], i, size < 100 ? size : 100);
			if (i % 3 == 0 && i > 10) {
				free(block[i - 10]);
				block[i - 10] = NULL;
			}
		}
		for (int i = 0; i < N; i++) {
			CHECK(!block[i] || block[i][0] == (unsigned char)i);
			free(block[i]);
			block[i] = NULL;
		}
	}
}

TEST(calloc_is_zero_after_reuse)
{
	for (int i = 0; i < 50; i++) {
		size_t n = 1000 + i * 9973;
		char *p = calloc(1, n);
		CHECK(p);
		for (size_t k = 0; k < n; k++)
			CHECK(p[k] == 0);
		memset(p, 0xaa, n);
		free(p);
	}
}

TEST(realloc_keeps_contents)
{
	size_t n = 16;
	uint32_t *p = malloc(n * sizeof *p);

	CHECK(p);
	for (size_t i = 0; i < n; i++)
		p[i] = i * 2654435761u;
	while (n < 1 << 19) {
		p = realloc(p, 2 * n * sizeof *p);
		CHECK(p);
		for (size_t i = n; i < 2 * n; i++)
			p[i] = i * 2654435761u;
		n *= 2;
		for (size_t i = 0; i < n; i += 97)
			CHECK(p[i] == (uint32_t)(i * 2654435761u));
	}
	free(p);
}

TEST(files)
{
	char text[64];
	struct stat st;
	int fd = open("/tmp/libc-test", O_CREAT | O_TRUNC | O_RDWR, 0600);

	CHECK(fd >= 0);
	CHECK(write(fd, "hello file", 10) == 10);
	CHECK(lseek(fd, 6, SEEK_SET) == 6);
	CHECK(read(fd, text, sizeof text) == 4 && memcmp(text, "file", 4) == 0);
	CHECK(fstat(fd, &st) == 0 && st.st_size == 10 && S_ISREG(st.st_mode));
	CHECK(close(fd) == 0);
	FAILS(close(fd), EBADF);
	FAILS(read(fd, text, 1), EBADF);
	CHECK(unlink("/tmp/libc-test") == 0);
	FAILS(open("/tmp/libc-test", O_RDONLY), ENOENT);
	FAILS(open("/", O_WRONLY), EISDIR);
}

TEST(stdio_streams)
{
	char line[64];
	FILE *f = fopen("/tmp/libc-stdio", "w+");

	CHECK(f);
	for (int i = 0; i < 1000; i++)
		fprintf(f, "line %d\n", i);
	rewind(f);
	for (int i = 0; i < 1000; i++) {
		int n;
		CHECK(fgets(line, sizeof line, f) && sscanf(line, "line %d", &n) == 1 && n == i);
	}
	CHECK(!fgets(line, sizeof line, f));
	fclose(f);
	CHECK(unlink("/tmp/libc-stdio") == 0);
}

TEST(clocks_go_forward)
{
	struct timespec a, b, nap = {0, 20 * 1000 * 1000};
	struct timeval tv;

	CHECK(clock_gettime(CLOCK_MONOTONIC, &a) == 0);
	CHECK(nanosleep(&nap, NULL) == 0);
	CHECK(clock_gettime(CLOCK_MONOTONIC, &b) == 0);
	long long ns = (b.tv_sec - a.tv_sec) * 1000000000LL + b.tv_nsec - a.tv_nsec;
	CHECK(ns >= 20 * 1000 * 1000);
	CHECK(gettimeofday(&tv, NULL) == 0);
	CHECK(tv.tv_sec > 1500000000); /* the year is at least 2017 */
	CHECK(time(NULL) >= tv.tv_sec - 1); /* Linux takes it from the last tick */
	nap.tv_nsec = 1000000000;
	FAILS(nanosleep(&nap, NULL), EINVAL);
}

TEST(setjmp_longjmp)
{
	static jmp_buf env;
	volatile int rounds = 0;

	if (setjmp(env) < 5) {
		rounds++;
		longjmp(env, rounds);
	}
	CHECK(rounds == 5);
}

TEST(identity)
{
	struct utsname u;
	char cwd[256];

	CHECK(getpid() > 0 && getppid() > 0);
	CHECK(uname(&u) == 0 && strcmp(u.machine, "x86_64") == 0);
	CHECK(getcwd(cwd, sizeof cwd) && cwd[0] == '/');
	CHECK(sysconf(_SC_PAGESIZE) == 4096);
	CHECK(sysconf(_SC_NPROCESSORS_ONLN) >= 1);
}

TEST(environment)
{
	CHECK(getenv("PATH"));
	CHECK(setenv("YOLK_TEST", "value", 1) == 0);
	CHECK(strcmp(getenv("YOLK_TEST"), "value") == 0);
}

TEST(unknown_call_is_enosys)
{
	FAILS(syscall(999), ENOSYS);
	FAILS(syscall(100000), ENOSYS);
	FAILS(syscall(-1L), ENOSYS);
}
