package main

import (
	"fmt"
	"strings"

	"yolk/qemu/machine"
)

// mode is a way to measure.
type mode struct {
	name   string
	cpus   int
	icount bool // nanoseconds are instructions
	// swap: with a disk to swap to. A CPU that waits for a disk has no instructions to
	// count: QEMU moves the clock on to the next timer then, however far that is.
	swap bool
}

var modes = []mode{
	{name: "wall", cpus: 2, swap: true},
	{name: "icount", cpus: 1, icount: true},
}

// memory of the machine; the swap rows use half as much again (area_mib in user/bench).
const (
	memory   = 128 << 20
	swapSize = 256 << 20
)

// accel is what a mode asks of QEMU.
func (m mode) accel(c *machine.Config) {
	c.CPUs, c.ICount, c.Accel, c.Memory = m.cpus, m.icount, machine.TCG, memory
}

// unit is what a row of this mode counts.
func (m mode) unit() string {
	if m.icount {
		return "instructions"
	}
	return "ns"
}

// named returns the modes that "wall", "icount" or "both" stands for.
func named(s string) ([]mode, error) {
	if s == "both" {
		return modes, nil
	}
	var names []string
	for _, m := range modes {
		if m.name == s {
			return []mode{m}, nil
		}
		names = append(names, m.name)
	}
	return nil, fmt.Errorf("-mode %q: must be both or one of %s", s, strings.Join(names, ", "))
}
