package proc

import (
	"encoding/binary"
	errno "syscall"

	"yolk/arch"
	"yolk/mm"
)

// The stack that a program finds: strings at the top, below them the auxiliary
// vector, envp, argv and argc. Strings go straight from the old address space to
// the new one, a piece at a time: the kernel's heap must not hold megabytes of
// arguments.

const (
	stackStart    = 33 * arch.PageSize // mapped at once; the rest grows on demand
	maxArgString  = 32 * arch.PageSize // MAX_ARG_STRLEN
	minArgSpace   = 32 * arch.PageSize // ARG_MAX, whatever the stack limit says
	maxArgSpace   = 6 << 20
	argChunk      = 512
	platform      = "x86_64\x00"
	maxArgStrings = 0x7fffffff
)

// argSource is a list of strings: the caller's argv or envp, in its memory or
// (Spawn) the kernel's.
type argSource interface {
	// pointer returns an opaque handle of string i, 0 at the end of the list.
	pointer(i int) (uintptr, errno.Errno)
	// read copies from position off of the string with that handle into p, and
	// returns how many bytes it got, all of them valid; the string ends at a NUL.
	read(h uintptr, off int, p []byte) (int, errno.Errno)
}

// argStack builds the stack from the top down.
type argStack struct {
	m      *mm.MM
	sp     uintptr
	floor  uintptr // strings and pointers may not go below: E2BIG
	execfn uintptr // the name in AT_EXECFN
	args   uintptr // argv[0], the lowest of the strings
	argc   int
	envc   int
	buf    [argChunk]byte // piece of a string
	words  [argChunk]byte // piece of the tables
}

// newArgStack maps a stack into m that ends at top. ENOMEM.
func newArgStack(m *mm.MM, top uintptr, stackLimit uint64) (*argStack, errno.Errno) {
	if e := mm.SetupArgPages(m, top, stackStart); e != 0 {
		return nil, e
	}
	space := min(max(stackLimit/4, minArgSpace), maxArgSpace)
	// The last word of the stack stays zero.
	return &argStack{m: m, sp: top - 8, floor: top - uintptr(space)}, 0
}

// pushAll pushes the strings of src, the last one first, so that they come to
// lie in order, and returns how many there are.
func (a *argStack) pushAll(src argSource) (int, errno.Errno) {
	n := 0
	for ; n < maxArgStrings; n++ {
		h, e := src.pointer(n)
		if e != 0 {
			return 0, e
		}
		if h == 0 {
			break
		}
		if uintptr(n)*8 > a.sp-a.floor {
			return 0, errno.E2BIG
		}
	}
	for i := n - 1; i >= 0; i-- {
		h, e := src.pointer(i)
		if e != 0 {
			return 0, e
		}
		if e := a.push(src, h); e != 0 {
			return 0, e
		}
	}
	return n, 0
}

// push copies one string.
func (a *argStack) push(src argSource, h uintptr) errno.Errno {
	length, e := a.measure(src, h)
	if e != 0 {
		return e
	}
	if a.sp-a.floor < uintptr(length)+1 {
		return errno.E2BIG
	}
	a.sp -= uintptr(length) + 1
	for off := 0; off <= length; {
		n, e := src.read(h, off, a.buf[:min(argChunk, length+1-off)])
		if e != 0 {
			return e
		}
		if off+n > length {
			a.buf[length-off] = 0 // another thread may have overwritten the NUL
		}
		if e := mm.CopyToUser(a.m, a.sp+uintptr(off), a.buf[:n]); e != 0 {
			return e
		}
		off += n
	}
	return 0
}

// measure returns the length of a string. E2BIG when it is too long.
func (a *argStack) measure(src argSource, h uintptr) (int, errno.Errno) {
	for off := 0; off < maxArgString; {
		n, e := src.read(h, off, a.buf[:])
		if e != 0 {
			return 0, e
		}
		for i := range min(n, maxArgString-off) {
			if a.buf[i] == 0 {
				return off + i, 0
			}
		}
		off += n
	}
	return 0, errno.E2BIG
}

// pushString pushes a string of the kernel's.
func (a *argStack) pushString(s string) errno.Errno {
	return a.push(kernelStrings{s}, 1)
}

// dropFirst takes the lowest string, argv[0], off again.
func (a *argStack) dropFirst() errno.Errno {
	n, e := a.measure(userStrings{m: a.m}, a.sp)
	a.sp += uintptr(n) + 1
	return e
}

// auxEntry is one element of the auxiliary vector.
type auxEntry struct{ tag, value uint64 }

// finish writes the tables below the strings and returns the stack pointer for
// the program, a multiple of 16 that points at argc.
func (a *argStack) finish(aux []auxEntry) (uintptr, errno.Errno) {
	words := uintptr(1 + a.argc + 1 + a.envc + 1 + 2*(len(aux)+1))
	room := words*8 + 15
	if a.sp < a.floor || a.sp-a.floor < room {
		return 0, errno.E2BIG
	}
	w := &wordWriter{m: a.m, at: (a.sp - words*8) &^ 15, buf: a.words[:0]}
	sp := w.at
	m := a.m
	w.put(uint64(a.argc))
	m.ArgStart = a.args
	at := a.putPointers(w, a.args, a.argc)
	m.ArgEnd, m.EnvStart = at, at
	m.EnvEnd = a.putPointers(w, at, a.envc)
	for _, x := range aux {
		w.put(x.tag)
		w.put(x.value)
	}
	w.put(0)
	w.put(0)
	w.flush()
	m.StartStack = sp
	return sp, w.e
}

// putPointers writes the addresses of n strings that begin at addr, then a null
// pointer, and returns the address behind them.
func (a *argStack) putPointers(w *wordWriter, addr uintptr, n int) uintptr {
	src := userStrings{m: a.m}
	for range n {
		w.put(uint64(addr))
		length, e := a.measure(src, addr)
		if e != 0 {
			w.e = e
			break
		}
		addr += uintptr(length) + 1
	}
	w.put(0)
	return addr
}

// wordWriter writes 8-byte words to user memory through a buffer; the first
// error sticks.
type wordWriter struct {
	m   *mm.MM
	at  uintptr
	buf []byte
	e   errno.Errno
}

func (w *wordWriter) put(v uint64) {
	if len(w.buf)+8 > cap(w.buf) {
		w.flush()
	}
	w.buf = binary.LittleEndian.AppendUint64(w.buf, v)
}

func (w *wordWriter) flush() {
	if w.e == 0 {
		w.e = mm.CopyToUser(w.m, w.at, w.buf)
	}
	w.at += uintptr(len(w.buf))
	w.buf = w.buf[:0]
}

// userStrings is an array of string pointers in a program's memory.
type userStrings struct {
	m    *mm.MM
	addr uintptr // 0: an empty list
}

func (u userStrings) pointer(i int) (uintptr, errno.Errno) {
	if u.addr == 0 {
		return 0, 0
	}
	var b [8]byte
	e := mm.CopyFromUser(u.m, b[:], u.addr+uintptr(i)*8)
	return uintptr(binary.LittleEndian.Uint64(b[:])), e
}

func (u userStrings) read(h uintptr, off int, p []byte) (int, errno.Errno) {
	at := h + uintptr(off)
	// Not across a page border: what follows the NUL need not be mapped.
	n := min(len(p), int(arch.PageSize-at%arch.PageSize))
	return n, mm.CopyFromUser(u.m, p[:n], at)
}

// kernelStrings is a list of the kernel's own; handles count from 1.
type kernelStrings []string

func (k kernelStrings) pointer(i int) (uintptr, errno.Errno) {
	if i >= len(k) {
		return 0, 0
	}
	return uintptr(i + 1), 0
}

func (k kernelStrings) read(h uintptr, off int, p []byte) (int, errno.Errno) {
	s := k[h-1]
	n := copy(p, s[min(off, len(s)):])
	if n < len(p) {
		p[n] = 0
		n++
	}
	return n, 0
}
