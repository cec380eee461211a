package vdso

import "sync/atomic"

// Clock is what the page of data below the image holds. Its readers are programs,
// on any CPU and at any time: one who finds seq odd, or another one after reading
// than before, reads again (a seqlock). All CPUs of the machine have the same
// TSC: QEMU derives it from one clock, and under KVM the host sees to it.
type Clock struct {
	seq      uint32 // odd while the rest changes
	_        uint32
	tscBase  uint64 // TSC at the zero of CLOCK_MONOTONIC
	nsPerTSC uint64 // << 32
	wall     int64  // nanoseconds from 1970 to that zero
}

// Set changes what programs read. One at a time may call it.
func (c *Clock) Set(tscBase, nsPerTSC uint64, wall int64) {
	seq := atomic.AddUint32(&c.seq, 1)
	// Atomic stores stay in order, for the compiler and for the CPU.
	atomic.StoreUint64(&c.tscBase, tscBase)
	atomic.StoreUint64(&c.nsPerTSC, nsPerTSC)
	atomic.StoreInt64(&c.wall, wall)
	atomic.StoreUint32(&c.seq, seq+1)
}
