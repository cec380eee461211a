// Package amd64 is what lies under the Go runtime when Yolk runs: boot, page
// tables of the kernel half, descriptor tables, interrupts, and the floor.
//
// The floor gives the stock Go runtime what Linux would: threads, futexes,
// timers, memory, signals, an event poll. It is entered by SYSCALL from ring 0
// and by traps, runs on stacks of its own with interrupts off, and leaves by
// resuming whichever thread percpu.cur names. One spinlock, floorLock, guards
// threads, run queue, heap tables and events; it is a leaf below every lock of
// the kernel proper. Nothing in the floor allocates, blocks or stores a Go
// pointer.
//
// Above it, ordinary Go code calls EnterUser to run a program in ring 3; the
// program's traps are that call's return values. Package arch passes on what
// the rest of the kernel may use.
package amd64

import "yolk/arch/pt"

// PFN is a physical frame number.
type PFN = pt.PFN
