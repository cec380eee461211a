#ifndef DISK_H
#define DISK_H

#include "../c/tap.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>

enum { PAGE = 4096 };

/* enter makes a fresh directory on the disk, or on the host's file system, and
 * makes it the working directory. */
void enter(const char *name);

/* create makes a file of n pages that fill() fills, open for reading and writing. */
int create(const char *name, size_t n);

/* fill writes what page i holds; filled looks. */
void fill(char *page, size_t i);
int filled(const char *page, size_t i);

/* map maps n pages of fd. */
char *map(int fd, size_t n, int prot, int flags);

#endif
