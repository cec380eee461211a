package syscall

import (
	"fmt"
	"io"
	"sync/atomic"
	errno "syscall"

	"yolk/mm"
	"yolk/proc"
)

// Args are the six arguments of a system call, in the order RDI RSI RDX R10 R8
// R9. They live in the task, so that a call allocates nothing.
type Args = proc.Args

// Handler carries out one system call for task t. It returns the value for RAX,
// or an errno which reaches the program as -errno; the internal restart codes of
// proc (ERESTARTSYS and kin) make the call start over after a signal.
type Handler func(t *proc.Task, a *Args) (uintptr, errno.Errno)

// TableSize bounds system-call numbers: Linux has none above 511 on x86-64.
const TableSize = 512

type entry struct {
	handler Handler
	name    string
	unknown atomic.Uint64 // how often it was called without a handler
	creates bool          // see creators
}

var (
	table [TableSize]entry
	// outOfRange counts calls with numbers that no table entry could have.
	outOfRange atomic.Uint64
)

func init() { proc.SetSyscallHandler(Dispatch) }

// Register enters the handler of call nr; init functions of this package's files
// call it. A number registered twice is a bug of the kernel, and panics.
func Register(nr int, name string, h Handler) {
	e := &table[nr]
	if e.handler != nil {
		panic(fmt.Sprintf("syscall %d registered as %s and as %s", nr, e.name, name))
	}
	e.handler, e.name = h, name
}

// Dispatch runs the system call that t's registers ask for and returns the new
// RAX. Numbers without a handler give ENOSYS and are counted, so that
// WriteUnknown shows what a program missed.
func Dispatch(t *proc.Task) uint64 {
	// Linux looks at the low 32 bits of RAX only.
	nr := uint32(t.Ctx.RAX)
	if nr >= TableSize {
		outOfRange.Add(1)
		return encode(0, errno.ENOSYS)
	}
	e := &table[nr]
	if e.handler == nil {
		e.unknown.Add(1)
		return encode(0, errno.ENOSYS)
	}
	if mm.HeapLow() && !mm.EnsureHeap() && e.creates {
		return encode(0, errno.ENOMEM)
	}
	c := &t.Ctx
	t.Args = Args{uintptr(c.RDI), uintptr(c.RSI), uintptr(c.RDX), uintptr(c.R10), uintptr(c.R8), uintptr(c.R9)}
	return encode(e.handler(t, &t.Args))
}

func encode(v uintptr, e errno.Errno) uint64 {
	if e != 0 {
		return -uint64(e)
	}
	return uint64(v)
}

// Name returns the name of call nr, or its number when nobody registered it.
func Name(nr int) string {
	if nr >= 0 && nr < TableSize && table[nr].handler != nil {
		return table[nr].name
	}
	return fmt.Sprintf("syscall_%d", nr)
}

// WriteUnknown writes one line per call that was made and that nobody handles: number
// and how often.
func WriteUnknown(w io.Writer) {
	for nr := range table {
		if n := table[nr].unknown.Load(); n != 0 {
			fmt.Fprintf(w, "%d %d\n", nr, n)
		}
	}
	if n := outOfRange.Load(); n != 0 {
		fmt.Fprintf(w, "- %d\n", n)
	}
}
