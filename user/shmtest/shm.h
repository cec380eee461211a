/* What the cases of shmtest share. A page is 4096 bytes; PAGES(n) is n of them. */
#ifndef SHM_H
#define SHM_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "../c/tap.h"

#include <stdint.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <time.h>

#ifndef SHM_EXEC
#define SHM_EXEC 0100000
#endif
#ifndef SHM_STAT_ANY
#define SHM_STAT_ANY 15
#endif

#define PAGES(n) ((size_t)(n) * 4096)
#define RW (PROT_READ | PROT_WRITE)
#define NOWHERE ((void *)-1)

/* segment makes a private segment of n pages that goes with the last detach: it
 * is attached at *p, marked for removal, and can still be named. */
int segment(size_t n, char **p);

/* leave_it makes one that stays until shmctl(IPC_RMID): for cases that need it so. */
int leave_it(size_t bytes);

/* unused_key is a key that no segment has. */
key_t unused_key(void);

/* stat_of wants IPC_STAT to succeed. */
struct shmid_ds stat_of(int id);

/* in_child runs f in a child, and as user 65534 if nobody is set; it wants the
 * child to end with status 0. CHECK works in f. */
void in_child(void (*f)(void), int nobody);

/* mark writes a pattern of page i and salt at both ends of the page; marked looks for it. */
void mark(char *p, size_t i, uint64_t salt);
int marked(const char *p, size_t i, uint64_t salt);

#endif
