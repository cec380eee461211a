#include <stdint.h>

/* fuzz does n random system calls, counting them in done; only says which one, if not negative. */
void fuzz(uint64_t seed, unsigned n, int only, volatile uint64_t *done);
