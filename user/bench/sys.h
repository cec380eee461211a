/* System calls without a C library, so that both kernels run the same few
 * instructions and nothing of a libc's start-up is measured. */
#pragma once
#include <asm/unistd.h>
#include <linux/futex.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <stddef.h>
#include <stdint.h>

static inline long sys6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

static inline long sys3(long nr, long a, long b, long c)
{
	long ret;

	__asm__ volatile("syscall" : "=a"(ret) : "a"(nr), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
	return ret;
}

#define SYS0(nr) sys3(__NR_##nr, 0, 0, 0)
#define SYS1(nr, a) sys3(__NR_##nr, (long)(a), 0, 0)
#define SYS2(nr, a, b) sys3(__NR_##nr, (long)(a), (long)(b), 0)
#define SYS3(nr, a, b, c) sys3(__NR_##nr, (long)(a), (long)(b), (long)(c))
#define SYS4(nr, a, b, c, d) sys6(__NR_##nr, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define SYS5(nr, a, b, c, d, e) sys6(__NR_##nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
#define SYS6(nr, a, b, c, d, e, f) \
	sys6(__NR_##nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

#define PROT_RW (PROT_READ | PROT_WRITE)
#define PAGE 4096UL
#define O_RDONLY 0
#define O_RDWR 2
#define O_CREAT 0100
#define SIGCHLD 17
