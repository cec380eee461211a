package vdso

import (
	"bytes"
	"unsafe"
)

// ImageSize is the size of the image and of the clock below it: a page each.
const ImageSize = 4096

// NumberSelector is the segment whose limit says which CPU this is, and of which
// node (cpu | node<<12): the segment that Linux uses.
const NumberSelector = 0x7b

// function is an exported function. Each goes by two names, of which programs
// that link with the image may define the weak one themselves.
type function struct{ name, weak string }

var functions = [...]function{
	{"__vdso_clock_gettime", "clock_gettime"},
	{"__vdso_gettimeofday", "gettimeofday"},
	{"__vdso_time", "time"},
	{"__vdso_clock_getres", "clock_getres"},
	{"__vdso_getcpu", "getcpu"},
}

// entries are where the functions stand in the kernel; code_amd64.s has them.
var entries [len(functions)]uintptr

// endMark is what END in code_amd64.s assembles to: UD2, four times.
var endMark = []byte{0x0f, 0x0b, 0x0f, 0x0b, 0x0f, 0x0b, 0x0f, 0x0b}

// codeAlign is the alignment of a function, codeMax more than its size can be.
const (
	codeAlign = 16
	codeMax   = 512
)

// code returns the bytes of function i.
func code(i int) []byte {
	// The address is that of code, which stays where it is. Through the table's own
	// memory, for the compiler is right to distrust numbers as pointers.
	p := *(*unsafe.Pointer)(unsafe.Pointer(&entries[i]))
	all := unsafe.Slice((*byte)(p), codeMax)
	n := bytes.Index(all, endMark)
	if n < 0 {
		panic("vdso: " + functions[i].name + " has no end")
	}
	return all[:n]
}

// Image makes the image. It works at any page of memory that has a Clock in the
// page below.
func Image() []byte {
	w := newWriter()
	for i, f := range functions {
		w.align(codeAlign)
		w.symbols = append(w.symbols,
			symbol{f.name, symGlobal | symFunc, uint64(len(w.image)), uint64(len(code(i)))},
			symbol{f.weak, symWeak | symFunc, uint64(len(w.image)), uint64(len(code(i)))})
		w.image = append(w.image, code(i)...)
	}
	return w.finish()
}
