/* CPU masks, and every way to ask where one runs. */
#ifndef AFFINITY_H
#define AFFINITY_H

#include "../vdsotest/vdso.h"

#include <sched.h>
#include <sys/syscall.h>

/* The masks as numbers, with the system calls as they are. */
long set_mask(pid_t tid, uint64_t mask);
uint64_t get_mask(pid_t tid);

/* all_cpus is the mask that the case began with; cpus is how many are in it. */
uint64_t all_cpus(void);
int cpus(void);
/* nth_cpu is the n-th CPU of all_cpus, which begins again at its end. */
int nth_cpu(int n);

/* look asks in every way where this thread is, and ends the case if one says a CPU that
 * is not in mask; who is for the message. watch_rseq comes first in each thread. */
void look(uint64_t mask, const char *who);
void watch_rseq(void);
/* pin binds this thread to a CPU, and looks. */
void pin(int cpu, const char *who);

#endif
