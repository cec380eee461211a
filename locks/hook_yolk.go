//go:build yolk

package locks

import "unsafe"

// The kernel is not explored: see hook_host.go for what these are.

type hookContext struct{}

// Attempt is a point of choice in host tests. It returns false.
func Attempt(unsafe.Pointer, Class) bool { return false }

// Leaving is for host tests. It returns false.
func Leaving(unsafe.Pointer) bool { return false }

// Left is a point of choice in host tests.
func Left(unsafe.Pointer, Class) {}

func acquired(unsafe.Pointer, Class)           {}
func contended(unsafe.Pointer) bool            { return false }
func explored() bool                           { return false }
func exploreBlock(*Context, bool) (bool, bool) { return false, false }
func exploreDropped(unsafe.Pointer)            {}
func exploreReady(*Context)                    {}
