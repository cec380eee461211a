package amd64

import (
	"sync/atomic"
	"unsafe"
)

// The program's x87 and AVX registers stay in the CPU while the kernel works for
// it, for the kernel uses neither: it is compiled for SSE2, and GODEBUG keeps the
// assembly of Go's library from AVX. A trap saves XMM and MXCSR alone. Its GS base
// stays, too, in the register that SWAPGS exchanges; they go to memory together.
//
// Whose registers a CPU keeps says percpu.fpuOwner, and UserContext.fpuOn says it
// the other way round; both are changed by that CPU, with interrupts off. They go to
// memory (saveRest) when another program is to run there, when the task sleeps or
// lets others go first, and when anybody wants to look: SaveFPU. A task that the Go
// scheduler has moved meanwhile asks the CPU on which it ran, by an interrupt.

// SaveFPU makes u.FPU and u.GSBase the whole state of the program, to read and to
// change until its next EnterUser. For the task's own goroutine, or while the task is stopped.
// Waits for another CPU if the task has moved. No spinlock held.
func (u *UserContext) SaveFPU() {
	for {
		on := atomic.LoadUint64(&u.fpuOn)
		if on == 0 {
			return
		}
		if !u.LeaveFPU() {
			sendIPI(&cpus[(on-1)&(MaxCPU-1)], vecFPU)
			for atomic.LoadUint64(&u.fpuOn) == on {
				pause()
			}
		}
	}
}

// LeaveFPU is SaveFPU as far as that costs no wait: a task calls it before it lets
// others have the CPU. It reports whether u.FPU is complete. Never sleeps.
func (u *UserContext) LeaveFPU() bool {
	if atomic.LoadUint64(&u.fpuOn) == 0 {
		return true
	}
	flags := disableIRQ()
	if thisCPU().fpuOwner == uintptr(unsafe.Pointer(u)) {
		saveRest()
	}
	restoreIRQ(flags)
	return atomic.LoadUint64(&u.fpuOn) == 0
}

// NewFPUState returns the FPU state of a new program.
func NewFPUState() *FPUState {
	b := make([]byte, FPUSize+63)
	a := uintptr(unsafe.Pointer(&b[0]))
	p := (*FPUState)(unsafe.Pointer(&b[(64-a&63)&63]))
	p.Reset()
	return p
}

// Reset makes p the FPU state of a new program: x87 control word 0x37f, MXCSR
// 0x1f80, all registers in their initial configuration (XSTATE_BV 0).
func (p *FPUState) Reset() {
	*p = FPUState{}
	p[0], p[1] = 0x7f, 0x03
	p[24], p[25] = 0x80, 0x1f
}
