/* What the tests of ptrace have in common. */
#ifndef TRACER_H
#define TRACER_H

#define _GNU_SOURCE
#include "../c/tap.h"

#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>

#ifndef PTRACE_EVENT_STOP
#define PTRACE_EVENT_STOP 128
#endif

#define BAD ((void *)1)

/* STOPPED wants the next report of pid to be a stop with sig, with event. */
#define STOPPED(pid, sig) EQ(next_status(pid), (sig) << 8 | 0x7f)
#define EVENT(pid, event) EQ(next_status(pid), (SIGTRAP | (event) << 8) << 8 | 0x7f)
#define EXITED(pid, code) EQ(next_status(pid), (code) << 8)
#define KILLED(pid, sig) EQ(next_status(pid), (sig))

int next_status(pid_t pid);
void go_on(int request, pid_t pid, long sig);

/* traced starts f(arg) in a child that is traced and stopped by SIGSTOP. */
pid_t traced(void (*f)(void *), void *arg);
/* idle is a child that only waits, not traced. */
pid_t idle(void);
void finish(pid_t pid);

struct user_regs_struct registers(pid_t pid);
char state_of(pid_t pid);

#endif
