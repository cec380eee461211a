//go:build lockdep || !yolk

package locks

const stackDepth = 10 // return addresses kept of a stack

// stack is a list of return addresses, innermost first, ended by zero.
type stack [stackDepth]uintptr

// fpcallers fills pcs by following frame pointers, which costs a fraction of
// runtime.Callers. Its first entry is the return address of its caller.
//
//go:noescape
func fpcallers(pcs *stack)
