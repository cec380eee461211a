//go:build yolk

#include "textflag.h"

// func tripleFault()
TEXT ·tripleFault(SB), NOSPLIT, $16-0
	MOVQ $0, 0(SP)
	MOVQ $0, 8(SP)
	LIDT 0(SP)
	INT  $3
again:
	HLT
	JMP  again
