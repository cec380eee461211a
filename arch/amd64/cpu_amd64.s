#include "go_asm.h"
#include "textflag.h"

// func gsSelf() uintptr
TEXT ·gsSelf(SB),NOSPLIT|NOFRAME,$0-8
	MOVQ percpu_self(GS), AX
	MOVQ AX, ret+0(FP)
	RET

// func PreemptDisable()
TEXT ·PreemptDisable(SB),NOSPLIT|NOFRAME,$0
	INCL percpu_preempt(GS)
	RET

// func PreemptEnable()
// Gives the CPU up if a switch came due meanwhile.
TEXT ·PreemptEnable(SB),NOSPLIT|NOFRAME,$0
	DECL percpu_preempt(GS)
	JNZ out
	CMPL percpu_resched(GS), $0
	JEQ out
	MOVL $24, AX                  // sched_yield
	SYSCALL
out:
	RET

// func In8(port uint16) uint8
TEXT ·In8(SB),NOSPLIT|NOFRAME,$0-9
	MOVW port+0(FP), DX
	INB
	MOVB AX, ret+8(FP)
	RET

// func Out8(port uint16, v uint8)
TEXT ·Out8(SB),NOSPLIT|NOFRAME,$0-3
	MOVW port+0(FP), DX
	MOVB v+2(FP), AX
	OUTB
	RET

// func In16(port uint16) uint16
TEXT ·In16(SB),NOSPLIT|NOFRAME,$0-10
	MOVW port+0(FP), DX
	INW
	MOVW AX, ret+8(FP)
	RET

// func Out16(port uint16, v uint16)
TEXT ·Out16(SB),NOSPLIT|NOFRAME,$0-4
	MOVW port+0(FP), DX
	MOVW v+2(FP), AX
	OUTW
	RET

// func In32(port uint16) uint32
TEXT ·In32(SB),NOSPLIT|NOFRAME,$0-12
	MOVW port+0(FP), DX
	INL
	MOVL AX, ret+8(FP)
	RET

// func Out32(port uint16, v uint32)
TEXT ·Out32(SB),NOSPLIT|NOFRAME,$0-8
	MOVW port+0(FP), DX
	MOVL v+4(FP), AX
	OUTL
	RET

// func rdmsr(reg uint32) uint64
TEXT ·rdmsr(SB),NOSPLIT|NOFRAME,$0-16
	MOVL reg+0(FP), CX
	RDMSR
	SHLQ $32, DX
	ORQ DX, AX
	MOVQ AX, ret+8(FP)
	RET

// func wrmsr(reg uint32, v uint64)
TEXT ·wrmsr(SB),NOSPLIT|NOFRAME,$0-16
	MOVL reg+0(FP), CX
	MOVQ v+8(FP), AX
	MOVQ AX, DX
	SHRQ $32, DX
	WRMSR
	RET

// func rdtsc() uint64
TEXT ·rdtsc(SB),NOSPLIT|NOFRAME,$0-8
	RDTSC
	SHLQ $32, DX
	ORQ DX, AX
	MOVQ AX, ret+0(FP)
	RET

// func pause()
TEXT ·pause(SB),NOSPLIT|NOFRAME,$0
	PAUSE
	RET

// func readCR2() uint64
TEXT ·readCR2(SB),NOSPLIT|NOFRAME,$0-8
	MOVQ CR2, AX
	MOVQ AX, ret+0(FP)
	RET

// func readCR3() uint64
TEXT ·readCR3(SB),NOSPLIT|NOFRAME,$0-8
	MOVQ CR3, AX
	MOVQ AX, ret+0(FP)
	RET

// func writeCR3(v uint64)
TEXT ·writeCR3(SB),NOSPLIT|NOFRAME,$0-8
	MOVQ v+0(FP), AX
	MOVQ AX, CR3
	RET

// func readCR4() uint64
TEXT ·readCR4(SB),NOSPLIT|NOFRAME,$0-8
	MOVQ CR4, AX
	MOVQ AX, ret+0(FP)
	RET

// func writeCR4(v uint64)
TEXT ·writeCR4(SB),NOSPLIT|NOFRAME,$0-8
	MOVQ v+0(FP), AX
	MOVQ AX, CR4
	RET

// func invlpg(va uintptr)
TEXT ·invlpg(SB),NOSPLIT|NOFRAME,$0-8
	MOVQ va+0(FP), AX
	INVLPG (AX)
	RET

// func disableIRQ() (flags uint64)
TEXT ·disableIRQ(SB),NOSPLIT|NOFRAME,$0-8
	PUSHFQ
	POPQ AX
	CLI
	MOVQ AX, flags+0(FP)
	RET

// func restoreIRQ(flags uint64)
TEXT ·restoreIRQ(SB),NOSPLIT|NOFRAME,$0-8
	MOVQ flags+0(FP), AX
	TESTQ $0x200, AX
	JZ off
	STI
off:
	RET

// func haltOnce()
TEXT ·haltOnce(SB),NOSPLIT|NOFRAME,$0
	STI
	HLT
	CLI
	RET

// func halt()
TEXT ·halt(SB),NOSPLIT|NOFRAME,$0
loop:
	CLI
	HLT
	JMP loop

// func loadGDT(desc *[10]byte)
// Loads the table, then CS by a far return, SS, and null data segments.
TEXT ·loadGDT(SB),NOSPLIT|NOFRAME,$0-8
	MOVQ desc+0(FP), AX
	LGDT (AX)
	XORL AX, AX
	MOVW AX, DS
	MOVW AX, ES
	MOVL $0x18, AX
	MOVW AX, SS
	POPQ AX
	PUSHQ $0x10
	PUSHQ AX
	RETFQ

// func loadIDT(desc *[10]byte)
TEXT ·loadIDT(SB),NOSPLIT|NOFRAME,$0-8
	MOVQ desc+0(FP), AX
	LIDT (AX)
	RET

// func loadTR(sel uint16)
TEXT ·loadTR(SB),NOSPLIT|NOFRAME,$0-2
	MOVW sel+0(FP), AX
	LTR AX
	RET

// func cpuid(leaf, sub uint32) (a, b, c, d uint32)
TEXT ·cpuid(SB),NOSPLIT|NOFRAME,$0-24
	MOVL leaf+0(FP), AX
	MOVL sub+4(FP), CX
	CPUID
	MOVL AX, a+8(FP)
	MOVL BX, b+12(FP)
	MOVL CX, c+16(FP)
	MOVL DX, d+20(FP)
	RET

// func rdrand() (v uint64, ok bool)
TEXT ·rdrand(SB),NOSPLIT|NOFRAME,$0-9
	RDRANDQ AX
	SETCS ok+8(FP)
	MOVQ AX, v+0(FP)
	RET

// Addresses that Go code cannot name.

// func symAddrs(p *[12]uintptr)
TEXT ·symAddrs(SB),NOSPLIT|NOFRAME,$0-8
	MOVQ p+0(FP), AX
	LEAQ runtime·text(SB), CX
	MOVQ CX, 0(AX)
	LEAQ runtime·etext(SB), CX
	MOVQ CX, 8(AX)
	LEAQ runtime·rodata(SB), CX
	MOVQ CX, 16(AX)
	LEAQ runtime·erodata(SB), CX
	MOVQ CX, 24(AX)
	LEAQ runtime·end(SB), CX
	MOVQ CX, 32(AX)
	LEAQ ·trapStubs(SB), CX
	MOVQ CX, 40(AX)
	LEAQ ·syscallEntry(SB), CX
	MOVQ CX, 48(AX)
	LEAQ ·idleLoop(SB), CX
	MOVQ CX, 56(AX)
	LEAQ ·enterUserReturn(SB), CX
	MOVQ CX, 64(AX)
	LEAQ _rt0_amd64_linux(SB), CX
	MOVQ CX, 72(AX)
	RET

// func floorCall(nr, a, b uintptr) uintptr
// Runs a service of the floor on its own stack, interrupts off.
TEXT ·floorCall(SB),NOSPLIT|NOFRAME,$0-32
	MOVQ nr+0(FP), AX
	MOVQ a+8(FP), DI
	MOVQ b+16(FP), SI
	SYSCALL
	MOVQ AX, ret+24(FP)
	RET
