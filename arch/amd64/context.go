package amd64

// UserContext is the register state of a program in ring 3, and what brought it
// back. EnterUser loads it and, when the program traps, fills it again. The
// order of the fields is known to the entry code in arch/amd64.
type UserContext struct {
	RAX, RBX, RCX, RDX, RSI, RDI, RBP    uint64
	R8, R9, R10, R11, R12, R13, R14, R15 uint64
	RIP, RFLAGS, RSP                     uint64
	FSBase                               uint64
	GSBase                               uint64 // valid, as FPU is, after SaveFPU
	Vector, ErrorCode, FaultAddr         uint64
	FullRestore                          uint64 // nonzero: RCX and R11 matter, leave by IRET (signals, sigreturn, exec, ptrace)
	FPU                                  *FPUState
	Stale                                uint64 // mask of the CPUs on which it may not go on as it is: its rseq area names another
	fpuOn                                uint64 // 0, or 1 + the number of the CPU whose fpuOwner this is
	Barred                               uint64 // mask of those on which it may not run at all; others change it, atomically
	CPU                                  uint64 // where it was entered last; anyone may read it
	Debug                                *DebugRegs
}

// DebugRegs are the breakpoints of a program: DR0 to DR3 and DR7, which has the bits of
// SDM vol. 3B, 18.2.4, and must not have GD. They are loaded with the FPU's registers: SaveFPU
// comes before a change. Until another program goes to ring 3 they fire in ring 0, too,
// where that is nobody's concern.
type DebugRegs [5]uint64

// FPUSize is the XSAVE image, standard format, of what XCR0 enables: x87, SSE
// and AVX (512 legacy + 64 header + 256 of YMM_Hi128; SDM vol. 1, 13.4).
const FPUSize = 832

// FPUState is an XSAVE area; it must be allocated by NewFPUState, which aligns
// it to 64 bytes.
type FPUState [FPUSize]byte

// Trap says why EnterUser returned.
type Trap uint8

const (
	TrapSyscall   Trap = iota // system call: number in RAX, arguments in RDI RSI RDX R10 R8 R9
	TrapException             // Vector, ErrorCode and FaultAddr are set: CR2, or for a debug exception (1) DR6
	TrapTick                  // the timer; the task's time slice may be over
	TrapInterrupt             // a device interrupt or a kick: run arch.RunInterrupts, look for work, go on
	TrapMoved                 // it was not entered: this CPU is in Stale or Barred

	trapElsewhere // it was not entered: another CPU's registers hold a part of its state
)
