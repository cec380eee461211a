/* What the cases of swapoff have in common. */
#ifndef SWAPOFF_H
#define SWAPOFF_H

#define _GNU_SOURCE
#include "../c/tap.h"

#include <stdint.h>
#include <sys/mman.h>
#include <sys/swap.h>

#define PAGE 4096UL

/* area is the device that the machine swaps to from the start. */
const char *area(void);

/* ram is the size of memory in pages. */
size_t ram(void);

/* new_pages maps n pages and gives each contents that depend on its address;
 * check_pages looks at those from first to n. */
uint64_t *new_pages(size_t n);
void fill_pages(uint64_t *p, size_t first, size_t n);
void check_pages(const uint64_t *p, size_t first, size_t n);

/* swapped_pages returns n pages with contents, of which many are in swap. */
uint64_t *swapped_pages(size_t n);

#endif
