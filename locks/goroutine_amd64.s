#include "funcdata.h"
#include "textflag.h"

// func getg() uintptr
TEXT ·getg(SB), NOSPLIT, $0-8
	MOVQ (TLS), AX
	MOVQ AX, ret+0(FP)
	RET

// func reserveStack()
// Asks for a frame of 6,000 bytes and does nothing with it: the check at its start
// makes the stack 8 KiB, while there is next to nothing to copy.
TEXT ·reserveStack(SB), 0, $6000-0
	NO_LOCAL_POINTERS
	RET

// func reserveDeepStack()
// Makes it 16 KiB.
TEXT ·reserveDeepStack(SB), 0, $12000-0
	NO_LOCAL_POINTERS
	RET
