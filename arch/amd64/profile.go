package amd64

import (
	"sync/atomic"
	"unsafe"

	"yolk/arch/pt"
)

// A sampling profiler: the local timer notes, at a steady rate, where the CPU was and
// who had called that, by the frame pointers that Go keeps. A table of counts for each
// CPU, made beforehand, is all that the interrupt writes to.
//
// With interrupts off there is no interrupt: time spent in the floor shows where the floor
// is left for, at the SYSCALL that asked for it, and the way in and out of ring 3 as
// ring 3. An idle CPU is not sampled.

const (
	profileDepth   = 24
	profileEntries = 4096 // stacks that differ, for each CPU; a power of two
	profileTries   = 32
)

// profileEntry is one stack and how often it was seen. The floor of the CPU that owns
// the table writes it; others read when the profile has been stopped.
type profileEntry struct {
	count uint64
	pcs   [profileDepth]uintptr // the innermost first; 0 after the last
}

var (
	profileTables [MaxCPU][]profileEntry // keeps what percpu.profile points to
	profilePeriod uint64                 // in TSC ticks; 0: no profile
	profileLost   atomic.Uint64          // samples that found no room
)

// StartProfile starts to sample all CPUs, hz times a second of CPU time each; hz is at
// most 10,000. Start-up only.
func StartProfile(hz int) {
	for i := range ncpu {
		table := make([]profileEntry, profileEntries)
		for at := uintptr(0); at < uintptr(len(table))*unsafe.Sizeof(table[0]); at += pt.PageSize {
			// The floor must not meet a page of the heap that is not there yet.
			*(*uint64)(unsafe.Add(unsafe.Pointer(&table[0]), at)) = 0
		}
		profileTables[i] = table
		atomic.StoreUintptr(&cpus[i].profile, uintptr(unsafe.Pointer(&table[0])))
	}
	atomic.StoreUint64(&profilePeriod, nsToTSC(1e9/uint64(hz)))
}

// StopProfile ends sampling and calls stack for each stack seen, the innermost address
// first; 0 stands for ring 3. It returns how many samples are not in any of them.
func StopProfile(stack func(count uint64, pcs []uintptr)) (lost uint64) {
	atomic.StoreUint64(&profilePeriod, 0)
	for _, table := range profileTables {
		for i := range table {
			e := &table[i]
			if e.count == 0 {
				continue
			}
			n := 1
			for n < profileDepth && e.pcs[n] != 0 {
				n++
			}
			stack(e.count, e.pcs[:n])
		}
	}
	return profileLost.Load()
}

// profileDue says whether the timer has come for a sample, and sets the time of the next.
func (c *percpu) profileDue() bool {
	period := atomic.LoadUint64(&profilePeriod)
	now := rdtsc()
	if period == 0 || c.profileAt == 0 || now < c.profileAt {
		return false
	}
	c.profileAt = now + period
	return true
}

// sample counts the stack of t, whose registers have been saved.
func (c *percpu) sample(t *kthread) {
	if t.idle != 0 || !c.profileDue() {
		return
	}
	var e profileEntry
	e.pcs[0] = uintptr(t.rip)
	fp := uintptr(t.rbp)
	low := uintptr(t.rsp)
	for n := 1; n < profileDepth && fp >= low && fp-low < 1<<20 && fp&7 == 0 && onStack(fp) && onStack(fp+8); n++ {
		e.pcs[n] = uintptr(load64(fp + 8))
		low, fp = fp+16, uintptr(load64(fp))
	}
	c.count(&e)
}

// onStack says that a read of the heap at a will not fault; stacks lie nowhere else.
func onStack(a uintptr) bool { return a >= heapBase && a < heapEnd && readable(a) }

// sampleUser counts ring 3.
func (c *percpu) sampleUser() {
	if c.profileDue() {
		var e profileEntry
		c.count(&e)
	}
}

// count finds e's stack in the table, or makes it an entry.
func (c *percpu) count(e *profileEntry) {
	if c.profile == 0 {
		return
	}
	table := (*[profileEntries]profileEntry)(ptr(c.profile))
	h := uintptr(0)
	for _, pc := range e.pcs {
		h = (h ^ pc) * 0x9e3779b97f4a7c15
	}
	h >>= 40
	for i := range uintptr(profileTries) {
		at := &table[(h+i)&(profileEntries-1)]
		if at.count == 0 {
			at.pcs = e.pcs
		} else if at.pcs != e.pcs {
			continue
		}
		at.count++
		return
	}
	profileLost.Add(1)
}
