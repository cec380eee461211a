#include <stdint.h>

/* make_swap does what mkswap does: pages 1 to last of the disk become a swap area. 0, or -1 with errno. */
int make_swap(const char *disk, uint32_t last);
