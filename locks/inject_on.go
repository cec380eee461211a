//go:build lockdep

package locks

import "sync/atomic"

// A checking build can break one rule on purpose, so that a class sees what the
// checker says: the parameter inject=R4 arms it. The places that then go wrong
// are in the file inject_on.go of the packages concerned.

// injectable are the names that Inject knows. R6 breaks the freezing contract by
// losing the lock, R6held by keeping it.
var injectable = map[string]bool{
	"R1": true, "R2": true, "R3": true, "R4": true, "R5": true, "R6": true, "R6held": true,
	"R7": true, "R8": true, "R9": true, "R10": true, "R11": true, "R12": true,
}

var injected atomic.Pointer[string]

// Inject makes the kernel break a rule from now on, or none if the name is empty.
// False: there is no such rule.
func Inject(rule string) bool {
	if rule != "" && !injectable[rule] {
		return false
	}
	injected.Store(&rule)
	return true
}

// Injected reports whether this is the rule to break. Callable anywhere.
func Injected(rule string) bool {
	p := injected.Load()
	return p != nil && *p == rule
}
