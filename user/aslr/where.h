/* Where a program's parts come to lie, exec after exec. */
#ifndef WHERE_H
#define WHERE_H

#include "../c/tap.h"

enum { STACK, HEAP, MAP, VDSO, PARTS };

/* moves starts this program again a few times and says which parts were not always
 * at the same place: a bit per part. */
unsigned moves(void);
/* MOVE wants moves() to be these. */
#define MOVE(want) EQ(moves(), (want))

enum { ALL = 1 << STACK | 1 << HEAP | 1 << MAP | 1 << VDSO };

#endif
