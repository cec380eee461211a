//go:build yolk

package mm

// step marks a place for host tests: see steps_host.go.
func step(string) {}
