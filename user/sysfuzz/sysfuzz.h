#include <stdint.h>
#include <sys/types.h>

/* fuzz does n random system calls, counting them in done; only says which one, if not negative. */
void fuzz(uint64_t seed, unsigned n, int only, volatile uint64_t *done);

/* spare tells the OOM killer how gladly it takes this task: from -1000, never, to 1000. */
void spare(const char *adj);

/* press starts a task that keeps memory short. */
pid_t press(void);

/* renew_swap takes the swap area away and gives it back. */
void renew_swap(void);

/* clean removes what the children have left: files, and shared memory. */
void clean(void);
