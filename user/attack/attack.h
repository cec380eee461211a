/* What the attacks have in common. */
#ifndef ATTACK_H
#define ATTACK_H

#define _GNU_SOURCE
#include "../c/tap.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define KERNEL_TEXT 0xffffffff80200000UL
#define NON_CANONICAL 0x0000900000000000UL
#define USER_END 0x00007ffffffff000UL

/* Addresses that no program may name: the border of user space and what follows,
 * the hole, and whatever the kernel may have in its half. */
extern const unsigned long forbidden[];
enum { FORBIDDEN = 14 };

/* raw makes a system call with all six arguments and returns what the kernel does. */
long raw(long nr, ...);
#define RAW(nr, ...) raw(nr, ##__VA_ARGS__, 0L, 0L, 0L, 0L, 0L, 0L)

/* guest is whether the kernel is ours: a few things that Linux permits, it doesn't. */
int guest(void);

/* child starts f(arg) in a process that exits with 0 unless f does otherwise, and
 * dies with this one. */
pid_t child(void (*f)(void *), void *arg);
/* ended waits for a child and returns its status. */
int ended(pid_t pid);
/* be makes the caller an ordinary user. Where it is one already, it stays what it is:
 * false. */
int be(unsigned uid);

/* own is the name of a file that no other process uses, until the next call. */
const char *own(const char *name);

/* page_before_hole is a page that can be written, behind which nothing is mapped. */
char *page_before_hole(void);
/* now is a clock in seconds. */
double now(void);

#endif
