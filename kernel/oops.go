//go:build yolk

package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"golang.org/x/arch/x86/x86asm"

	"yolk/arch/amd64"
	"yolk/drivers/uart"
	"yolk/proc"
)

// oops reports a Go panic in kernel code that ran for a task, and ends the
// machine. It is called while the panicking stack is still there.
func oops(v any) {
	fmt.Fprintf(&uart.Log, "oops: %v\n", v)
	if t := proc.Current(); t != nil {
		fmt.Fprintf(&uart.Log, "task %d, system call %d, program RIP %#x RSP %#x\n", t.TID, int64(t.Ctx.RAX), t.Ctx.RIP, t.Ctx.RSP)
	}
	if pc := faultPC(); pc != 0 {
		disassemble(pc)
	}
	uart.Log.Write(debug.Stack())
	fatal()
}

// lockReport ends the machine with a report of the lock checker. It may be
// called with spinlocks held.
func lockReport(report string) {
	fmt.Fprintf(&uart.Log, "%s\n", report)
	fatal()
}

// faultPC returns the address of the instruction that faulted: the frame that
// runtime.sigpanic was called from, as it were. 0 if the panic is no fault.
func faultPC() uintptr {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for {
		f, more := frames.Next()
		if f.Function == "runtime.sigpanic" && more {
			f, _ = frames.Next()
			return f.PC
		}
		if !more {
			return 0
		}
	}
}

// disassemble prints the function around pc, a few instructions before and after.
func disassemble(pc uintptr) {
	const before, after = 8, 4
	f := runtime.FuncForPC(pc)
	if f == nil {
		return
	}
	file, line := f.FileLine(pc)
	fmt.Fprintf(&uart.Log, "code at %s+%#x (%s:%d):\n", f.Name(), pc-f.Entry(), file, line)
	var starts []uintptr
	at := 0 // index of pc's instruction, once found
	for a := f.Entry(); ; {
		inst, err := x86asm.Decode(amd64.KernelText(a, 15), 64)
		if err != nil || a > pc+15*after {
			break
		}
		if a <= pc {
			at = len(starts)
		}
		starts = append(starts, a)
		a += uintptr(inst.Len)
	}
	for i := max(0, at-before); i < min(len(starts), at+after); i++ {
		inst, err := x86asm.Decode(amd64.KernelText(starts[i], 15), 64)
		if err != nil {
			return
		}
		mark := "  "
		if i == at {
			mark = "=>"
		}
		fmt.Fprintf(&uart.Log, "%s %#x  %s\n", mark, starts[i], x86asm.GoSyntax(inst, uint64(starts[i]), symbolName))
	}
}

func symbolName(addr uint64) (string, uint64) {
	if f := runtime.FuncForPC(uintptr(addr)); f != nil {
		return f.Name(), uint64(f.Entry())
	}
	return "", 0
}
