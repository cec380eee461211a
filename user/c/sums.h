/* The sums of the kernel that must be at the end of a long run what they were at its start. */

/* sums_begin keeps them, sums_end wants them again: 0, or -1 after it has said which are wrong. */
void sums_begin(void);
int sums_end(void);

/* number returns what follows name in a file of /proc, or -1. */
long number(const char *file, const char *name);
