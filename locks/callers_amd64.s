//go:build lockdep || !yolk

#include "textflag.h"

// func fpcallers(pcs *stack)
//
// The stack cannot move meanwhile: assembly is not preempted.
TEXT ·fpcallers(SB), NOSPLIT|NOFRAME, $0-8
	MOVQ pcs+0(FP), DI
	MOVQ BP, SI
	MOVQ $10, CX
walk:
	TESTQ SI, SI
	JZ    fill
	MOVQ  8(SI), AX
	MOVQ  AX, (DI)
	MOVQ  (SI), SI
	ADDQ  $8, DI
	DECQ  CX
	JNZ   walk
	RET
fill:
	MOVQ $0, (DI)
	ADDQ $8, DI
	DECQ CX
	JNZ  fill
	RET
