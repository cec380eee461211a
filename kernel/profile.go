//go:build yolk

package main

import (
	"fmt"

	"yolk/arch/amd64"
	"yolk/drivers/uart"
)

// writeProfile stops the profiler and writes what it saw to the log, as lines for
// bin/yolk-profile: "profile: hz N lost N", and "profile: COUNT ADDRESS...", the
// innermost first, 0 for ring 3.
func writeProfile(hz int) {
	var line []byte
	lost := amd64.StopProfile(func(count uint64, pcs []uintptr) {
		line = fmt.Appendf(line[:0], "profile: %d", count)
		for _, pc := range pcs {
			line = fmt.Appendf(line, " %x", pc)
		}
		uart.Log.Write(append(line, '\n'))
	})
	fmt.Fprintf(&uart.Log, "profile: hz %d lost %d\n", hz, lost)
}
