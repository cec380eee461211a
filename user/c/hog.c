/* Takes memory until it is killed; with an argument, a child does, and this
 * program tells of its end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void hog(void)
{
	for (;;) {
		char *p = malloc(1 << 20);
		if (!p)
			_exit(3);
		memset(p, 1, 1 << 20);
	}
}

int main(int argc, char **argv)
{
	int status;

	(void)argv;
	puts("hog");
	fflush(stdout);
	if (argc < 2)
		hog();
	pid_t pid = fork();
	if (pid == 0)
		hog();
	if (waitpid(pid, &status, 0) != pid)
		return 1;
	printf("killed by %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	return 0;
}
