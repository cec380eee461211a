package arch

import (
	"yolk/arch/amd64"
	"yolk/arch/pt"
)

// Names shared by both providers, re-exported so that users write arch.PTE.
type (
	PFN = pt.PFN
	PTE = pt.PTE

	UserContext = amd64.UserContext
	FPUState    = amd64.FPUState
	DebugRegs   = amd64.DebugRegs
	Trap        = amd64.Trap
)

// Why EnterUser returned.
const (
	TrapSyscall   = amd64.TrapSyscall
	TrapException = amd64.TrapException
	TrapTick      = amd64.TrapTick
	TrapInterrupt = amd64.TrapInterrupt
	TrapMoved     = amd64.TrapMoved
	FPUSize       = amd64.FPUSize
)

const (
	PageShift = pt.PageShift
	PageSize  = pt.PageSize
	PageMask  = ^uintptr(PageSize - 1)
	// TaskSize is the first address that no user mapping may reach. The last
	// page below the canonical hole stays empty: a SYSCALL at its end would
	// return to a non-canonical address.
	TaskSize = 0x7ffffffff000
)
