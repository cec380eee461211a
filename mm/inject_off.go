//go:build !lockdep

package mm

// The rules are broken on purpose only in checking builds: see inject_on.go.

func injectR1(*MM)              {}
func injectR2(*VMA, VMFlags)    {}
func injectR3(*MM, uintptr)     {}
func injectR4()                 {}
func injectR5(*MM)              {}
func injectR6(_ *MM, n int) int { return n }
func injectR7(m *MM) *MM        { return m }
func injectR8(*MM)              {}
func injectR9(*MM, *VMA)        {}
func injectR10(*MM)             {}
func injectR11()                {}
func injectR12(*Page)           {}
