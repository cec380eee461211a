//go:build yolk

package main

import (
	"strings"
	"unsafe"

	"yolk/arch/amd64"
	"yolk/locks"
	"yolk/mm"
	"yolk/proc"
	"yolk/syscall"
)

// crashes are the bugs that crash=NAME puts into the kernel, for tests of what
// it says of itself. All but the last happen in the program's first system call.
var crashes = map[string]func(t *proc.Task){
	"nil":   func(*proc.Task) { poke(0) },
	"panic": func(*proc.Task) { panic("asked for by crash=panic") },
	// What the page tables and the CPU must not permit.
	"text": func(*proc.Task) { poke(uintptr(unsafe.Pointer(unsafe.SliceData(amd64.KernelText(0, 1))))) },
	"smap": func(t *proc.Task) { poke(uintptr(t.Ctx.RSP)) },
	"nx":   func(*proc.Task) { run(uintptr(unsafe.Pointer(&data))) },
	"smep": func(t *proc.Task) { run(uintptr(t.Ctx.RIP)) },
	"thread": func(*proc.Task) {
		locks.Go("crash", func() { poke(0) })
		select {}
	},
}

// data holds a RET instruction.
var data = [...]byte{0xc3}

//go:noinline
func poke(addr uintptr) {
	p := *(**byte)(unsafe.Pointer(&addr))
	*p = 1
}

// run calls the code at addr.
func run(addr uintptr) {
	code := &addr // a func value points to a word that holds the address
	(*(*func())(unsafe.Pointer(&code)))()
}

// armCrash makes a bug happen, NAME to the first program or NAME:COMM to the first of
// the name COMM; false if there is none of that name.
func armCrash(what string) bool {
	name, comm, _ := strings.Cut(what, ":")
	bug := crashes[name]
	if bug == nil {
		return false
	}
	proc.SetSyscallHandler(func(t *proc.Task) uint64 {
		if comm != "" && t.Comm() != comm {
			return syscall.Dispatch(t)
		}
		// The stack page must be there, or the fault is a plain one.
		var b [1]byte
		_ = mm.CopyFromUser(t.MM, b[:], uintptr(t.Ctx.RSP))
		bug(t)
		return syscall.Dispatch(t)
	})
	return true
}
