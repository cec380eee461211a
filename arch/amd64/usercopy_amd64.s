#include "go_asm.h"
#include "textflag.h"

// func copyUser(dst, src, n uintptr, c *MMContext) (left uintptr)
// Copies with the tables of c loaded and interrupts off; returns how many bytes
// are left when a page is missing. A fault in copyUser resumes at copyTail,
// which finds the exact byte; a fault there resumes at copyFault. SI, DI and
// CX hold the progress of a REP when it faults (SDM vol. 2, REP).
TEXT ·copyUser(SB),NOSPLIT|NOFRAME,$0-40
	CLI
	MOVQ 32(SP), R8               // c
	CMPQ R8, percpu_mm(GS)
	JEQ same
	CALL ·switchMMUser(SB)
same:
	MOVQ 8(SP), DI
	MOVQ 16(SP), SI
	MOVQ 24(SP), CX
	LEAQ (SI)(CX*1), R10          // end of the source
	SHRQ $3, CX
	STAC
	REP; MOVSQ
	MOVQ R10, CX
	SUBQ SI, CX
	REP; MOVSB
	CLAC
	STI
	MOVQ $0, 40(SP)
	RET

// copyTail goes on after a fault in copyUser, byte by byte.
TEXT ·copyTail(SB),NOSPLIT|NOFRAME,$0
	MOVQ R10, CX
	SUBQ SI, CX
	STAC
	REP; MOVSB
	CLAC
	STI
	MOVQ $0, 40(SP)
	RET

// copyFault goes on after a fault in copyTail: CX bytes are left.
TEXT ·copyFault(SB),NOSPLIT|NOFRAME,$0
	CLAC
	STI
	MOVQ CX, 40(SP)
	RET

// func loadUser32(addr uintptr, c *MMContext) (v uint32, ok bool)
TEXT ·loadUser32(SB),NOSPLIT|NOFRAME,$0-21
	CLI
	MOVQ 16(SP), R8
	CMPQ R8, percpu_mm(GS)
	JEQ same
	CALL ·switchMMUser(SB)
same:
	MOVQ 8(SP), BX
	STAC
	MOVL (BX), AX
	CLAC
	STI
	MOVL AX, 24(SP)
	MOVB $1, 28(SP)
	RET

// load32Fault goes on after a fault in loadUser32.
TEXT ·load32Fault(SB),NOSPLIT|NOFRAME,$0
	CLAC
	STI
	MOVB $0, 28(SP)
	RET

// func casUser32(addr uintptr, c *MMContext, old, new uint32) (swapped, ok bool)
TEXT ·casUser32(SB),NOSPLIT|NOFRAME,$0-26
	CLI
	MOVQ 16(SP), R8
	CMPQ R8, percpu_mm(GS)
	JEQ same
	CALL ·switchMMUser(SB)
same:
	MOVQ 8(SP), BX
	MOVL 24(SP), AX
	MOVL 28(SP), CX
	STAC
	LOCK
	CMPXCHGL CX, (BX)
	CLAC
	STI
	SETEQ 32(SP)
	MOVB $1, 33(SP)
	RET

// cas32Fault goes on after a fault in casUser32.
TEXT ·cas32Fault(SB),NOSPLIT|NOFRAME,$0
	CLAC
	STI
	MOVW $0, 32(SP)
	RET

// usercopyEnd ends the range in which a fault is repaired.
TEXT ·usercopyEnd(SB),NOSPLIT|NOFRAME,$0
	RET

// func fixupAddrs(p *[8]uintptr)
TEXT ·fixupAddrs(SB),NOSPLIT|NOFRAME,$0-8
	MOVQ p+0(FP), AX
	LEAQ ·copyUser(SB), CX
	MOVQ CX, 0(AX)
	LEAQ ·copyTail(SB), CX
	MOVQ CX, 8(AX)
	LEAQ ·copyFault(SB), CX
	MOVQ CX, 16(AX)
	LEAQ ·loadUser32(SB), CX
	MOVQ CX, 24(AX)
	LEAQ ·load32Fault(SB), CX
	MOVQ CX, 32(AX)
	LEAQ ·casUser32(SB), CX
	MOVQ CX, 40(AX)
	LEAQ ·cas32Fault(SB), CX
	MOVQ CX, 48(AX)
	LEAQ ·usercopyEnd(SB), CX
	MOVQ CX, 56(AX)
	RET
