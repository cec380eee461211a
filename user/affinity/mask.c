/* The mask itself: who has which, and who may change it. */
#include "affinity.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>

/* line_of copies what stands behind "name:\t" in /proc/self/status. */
static void line_of(const char *name, char *text, int size)
{
	char line[512];
	size_t n = strlen(name);
	FILE *f = fopen("/proc/self/status", "r");

	CHECK(f);
	*text = 0;
	while (fgets(line, sizeof line, f))
		if (strncmp(line, name, n) == 0 && strncmp(line + n, ":\t", 2) == 0) {
			snprintf(text, size, "%s", line + n + 2);
			text[strcspn(text, "\n")] = 0;
		}
	fclose(f);
}

/* stat_cpu is the field "processor" of /proc/self/stat. */
static int stat_cpu(void)
{
	char text[1024], *p;
	int fd = open("/proc/self/stat", O_RDONLY), n = read(fd, text, sizeof text - 1);

	CHECK(n > 0);
	close(fd);
	text[n] = 0;
	p = strrchr(text, ')');
	for (int i = 2; i < 39; i++)
		CHECK(p = strchr(p + 1, ' '));
	return atoi(p);
}

TEST(a_mask_is_what_was_set)
{
	for (int i = 0; i < cpus(); i++) {
		char text[512], want[64];
		int cpu = nth_cpu(i);

		pin(cpu, "it");
		EQ(get_mask(0), 1ull << cpu);
		EQ(get_mask(getpid()), 1ull << cpu);
		line_of("Cpus_allowed_list", text, sizeof text);
		snprintf(want, sizeof want, "%d", cpu);
		CHECK(strcmp(text, want) == 0);
		line_of("Cpus_allowed", text, sizeof text);
		EQ(strtoull(text, NULL, 16), 1ull << cpu);
		EQ(stat_cpu(), cpu);
	}
	EQ(set_mask(0, all_cpus()), 0);
	EQ(get_mask(0), all_cpus());
	EQ(set_mask(0, ~0ull), 0);
	EQ(get_mask(0), all_cpus());
}

TEST(list_of_cpus)
{
	char text[512];

	if (all_cpus() != 15)
		SKIP("it is about four CPUs");
	EQ(set_mask(0, 5), 0);
	line_of("Cpus_allowed_list", text, sizeof text);
	CHECK(strcmp(text, "0,2") == 0);
	EQ(set_mask(0, 14), 0);
	line_of("Cpus_allowed_list", text, sizeof text);
	CHECK(strcmp(text, "1-3") == 0);
	EQ(set_mask(0, 11), 0);
	line_of("Cpus_allowed_list", text, sizeof text);
	CHECK(strcmp(text, "0-1,3") == 0);
}

TEST(errors)
{
	uint64_t mask = 0, *nowhere = (uint64_t *)8;

	FAILS(set_mask(0, 0), EINVAL);
	FAILS(set_mask(0, 1ull << 63), EINVAL);
	FAILS(syscall(SYS_sched_setaffinity, 0, 0, &mask), EINVAL);
	FAILS(syscall(SYS_sched_setaffinity, 0, 8, nowhere), EFAULT);
	mask = all_cpus();
	FAILS(set_mask(-1, mask), ESRCH);
	FAILS(set_mask(0x3ffffff0, mask), ESRCH);
	FAILS(syscall(SYS_sched_getaffinity, 0, 0, &mask), EINVAL);
	FAILS(syscall(SYS_sched_getaffinity, 0, 4, &mask), EINVAL);
	FAILS(syscall(SYS_sched_getaffinity, 0, 12, &mask), EINVAL);
	FAILS(syscall(SYS_sched_getaffinity, -1, 8, &mask), ESRCH);
	FAILS(syscall(SYS_sched_getaffinity, 0, 8, nowhere), EFAULT);
	EQ(get_mask(0), all_cpus());
}

static void as_nobody(void *arg)
{
	(void)arg;
	CHECK(setuid(65534) == 0);
	FAILS(set_mask(getppid(), 1ull << nth_cpu(0)), EPERM);
	EQ(get_mask(getppid()), all_cpus());
	pin(nth_cpu(1), "its own is its to change");
}

TEST(not_of_another_user)
{
	all_cpus();
	if (geteuid() != 0)
		SKIP("it needs root");
	EQ(tap_status(as_nobody, NULL), 0);
	EQ(get_mask(0), all_cpus());
}

static void *as_thread(void *mask)
{
	watch_rseq();
	EQ(get_mask(0), *(uint64_t *)mask);
	look(*(uint64_t *)mask, "a thread");
	return NULL;
}

static void as_child(void *mask)
{
	char text[32], *argv[] = {"affinity", "-n", "after_exec", NULL}, *env[] = {text, NULL};

	look(*(uint64_t *)mask, "a child");
	EQ(get_mask(0), *(uint64_t *)mask);
	snprintf(text, sizeof text, "MASK=%llx", *(unsigned long long *)mask);
	dup2(2, 1); /* its report is not ours */
	execve("/proc/self/exe", argv, env);
	CHECK(0);
}

TEST(after_exec)
{
	const char *text = getenv("MASK");
	uint64_t mask = text ? strtoull(text, NULL, 16) : all_cpus();

	watch_rseq();
	look(mask, "a new program");
	EQ(get_mask(0), mask);
}

TEST(inherited)
{
	watch_rseq();
	for (int i = 0; i < cpus(); i++) {
		uint64_t mask = 1ull << nth_cpu(i);
		pthread_t thread;

		EQ(set_mask(0, mask), 0);
		CHECK(pthread_create(&thread, NULL, as_thread, &mask) == 0);
		pthread_join(thread, NULL);
		EQ(tap_status(as_child, &mask), 0);
	}
}
