/* The vDSO as its tests see it: the image, and its functions by name. */
#ifndef VDSO_H
#define VDSO_H

#define _GNU_SOURCE
#include "../c/tap.h"

#include <elf.h>
#include <stdint.h>
#include <sys/time.h>
#include <time.h>

typedef int clock_function(clockid_t, struct timespec *);

/* What libc's headers leave out. */
struct functions {
	clock_function *gettime, *getres;
	int (*gettimeofday)(struct timeval *, struct timezone *);
	time_t (*time)(time_t *);
	int (*getcpu)(unsigned *, unsigned *, void *);
};

/* The image's address, from the auxiliary vector. */
char *vdso_image(void);
/* vdso_symbol is the function of that name and of version LINUX_2.6, or NULL. */
void *vdso_symbol(const char *name);
/* vdso_functions finds all of them and fails the case if one is not there. */
struct functions vdso_functions(void);

/* mapping is a line of /proc/self/maps. */
struct mapping {
	uintptr_t start, end;
	char access[5];
};
/* find_mapping looks for one by name; 0 when there is none. */
int find_mapping(const char *name, struct mapping *found);

static inline int64_t nanoseconds(struct timespec t) { return t.tv_sec * 1000000000ll + t.tv_nsec; }

#endif
