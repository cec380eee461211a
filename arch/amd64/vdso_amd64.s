#include "textflag.h"

// vdsoClock is what a vDSO would give the Go runtime: clock_gettime without
// a system call. C calling convention: DI clock, SI *timespec; AX 0.
TEXT ·vdsoClock(SB),NOSPLIT|NOFRAME,$0
	RDTSC
	SHLQ $32, DX
	ORQ DX, AX
	SUBQ ·tscBase(SB), AX
	MULQ ·nsPerTSC(SB)            // DX:AX = ticks * (ns << 32)
	SHRQ $32, DX, AX              // AX = nanoseconds since boot
	TESTL DI, DI                  // CLOCK_REALTIME?
	JNZ monotonic
	ADDQ ·wallAtBoot(SB), AX
monotonic:
	XORL DX, DX
	MOVQ $1000000000, CX
	DIVQ CX
	MOVQ AX, 0(SI)
	MOVQ DX, 8(SI)
	XORL AX, AX
	RET

// func useClock()
// Tells the runtime of vdsoClock, in the word where it would keep the
// address that it finds in the vDSO.
TEXT ·useClock(SB),NOSPLIT|NOFRAME,$0
	LEAQ ·vdsoClock(SB), AX
	MOVQ AX, runtime·vdsoClockgettimeSym(SB)
	RET
