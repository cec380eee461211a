//go:build !lockdep

package locks

import (
	"io"
	"unsafe"
)

// Lockdep says whether this is a checking build.
const Lockdep = false

// The checker's hooks, empty: see lockdep_on.go.
type (
	depContext struct{}
)

func depBefore(*depLock, unsafe.Pointer, kind) {}
func depAfter(*depLock, unsafe.Pointer, kind)  {}
func depTried(*depLock, unsafe.Pointer, kind)  {}
func depRelease(*depLock, unsafe.Pointer)      {}
func depBeforeKernel(*Context)                 {}
func depAfterKernel(*Context)                  {}
func depReleaseKernel(*Context)                {}

func depViolation(*depLock, unsafe.Pointer, string, string, ...any) {}
func depMaySleep(*Context)                                          {}

// NoteAcquire tells the checker that a lock that is no type of this package,
// such as the lock bit of a page, is about to be taken. Empty in this build.
func NoteAcquire(c Class, p unsafe.Pointer, _ uint64) { acquired(p, c) }

// NoteTry tells the checker that such a lock was taken by a try that could not
// wait. Empty in this build.
func NoteTry(c Class, p unsafe.Pointer, _ uint64) { acquired(p, c) }

// NoteRelease tells the checker that such a lock was released, or is from now
// on in the hands of somebody else. Empty in this build.
func NoteRelease(Class, unsafe.Pointer) {}

// MaySleep asserts rule R4: no spinlock is held. Empty in this build.
func MaySleep() {}

// MayAlloc asserts rule R4 for an allocation that may wait. Empty in this build.
func MayAlloc() {}

// AssertNoSpinlock asserts that no spinlock is held, citing rule. Empty in this
// build.
func AssertNoSpinlock(string) {}

// AssertNoLocks asserts that no lock at all is held, as on the way to ring 3.
// Empty in this build.
func AssertNoLocks(string) {}

// AssertNotHeld asserts that no lock of the class is held, citing rule. Empty in
// this build.
func AssertNotHeld(string, Class) {}

// AssertNoted asserts that a lock which is no type of this package is held,
// citing rule. Empty in this build.
func AssertNoted(string, Class, unsafe.Pointer, string) {}

// AssertGuard asserts that a lock of one of two classes is held. Empty in this build.
func AssertGuard(Class, Class, string) {}

// Violation reports that a rule of docs/locking.md is broken. Empty in this
// build: guard costly arguments by if locks.Lockdep.
func Violation(string, string, ...any) {}

// SetReporter sets where reports go; the default panics. Empty in this build.
func SetReporter(func(report string)) {}

// WriteLockdep writes the text of /proc/lockdep.
func WriteLockdep(w io.Writer) { _, _ = io.WriteString(w, "lockdep: not in this build\n") }
