#ifndef DISKFAULT_H
#define DISKFAULT_H

#include "../c/tap.h"

#include <stdint.h>
#include <sys/types.h>

enum { PAGE = 4096 };

/* vmstat is a counter of /proc/vmstat. */
long vmstat(const char *name);

/* steady keeps all that the program has so far in memory: what it maps afterwards is what a
 * bad disk may take. A child has to say it again. */
void steady(void);

/* whole wants /proc/recount to find no frame lost. */
void whole(void);

/* host says a line to the one at the disks, on stdout, and waits for the answer on stdin. */
void host(const char *line);

/* tagged writes tag and i all over a page; has_tag looks. */
void tagged(char *page, uint64_t tag, size_t i);
int has_tag(const char *page, uint64_t tag, size_t i);

/* try_page looks at the page of a tag: 1, or 0 if it gave SIGBUS; else the case fails. */
int try_page(char *page, uint64_t tag, size_t i);

#endif
