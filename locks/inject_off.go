//go:build !lockdep

package locks

// Inject would make the kernel break a rule on purpose; only a checking build
// can. It returns false.
func Inject(string) bool { return false }
