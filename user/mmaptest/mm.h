/* What the cases of mmaptest share. A page is 4096 bytes; PAGES(n) is n of them. */
#ifndef MM_H
#define MM_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "../c/tap.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MREMAP_MAYMOVE
#define MREMAP_MAYMOVE 1
#define MREMAP_FIXED 2
#endif

#define PAGES(n) ((size_t)(n) * 4096)
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

/* new_pages maps n fresh pages; fill gives every page its own pattern, and
 * filled says whether page number i of the pattern is at p. */
char *new_pages(size_t n, int prot);
void fill(char *p, size_t n);
int filled(const char *p, size_t i);

/* mapped says whether the page at p belongs to a mapping (any protection). */
int mapped(void *p);

/* map_lines counts the lines of /proc/self/maps that lie within [p, p+len). */
int map_lines(void *p, size_t len);

/* set_limit sets the soft limit, or as much of it as the hard one allows. */
void set_limit(int which, rlim_t soft);

#endif
