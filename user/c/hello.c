/* The smallest program with a C library: says hello, repeats its arguments, and
 * exits with the number in the first one. */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	puts("hello, world");
	for (int i = 1; i < argc; i++)
		printf("argument %d: %s\n", i, argv[i]);
	fputs("a word on stderr\n", stderr);
	return argc > 1 ? atoi(argv[1]) : 0;
}
