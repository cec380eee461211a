package amd64

import (
	"math/bits"
	"sync/atomic"

	"yolk/arch/vdso"
)

// Time is the TSC, scaled. The rates of the TSC and of the local APIC timer are
// measured against the 8254 (Intel 8254 data sheet; channel 2, mode 0).

var (
	tscBase    uint64 // TSC at boot: the zero of CLOCK_MONOTONIC
	tscKHz     uint64
	nsPerTSC   uint64 // << 32
	tscPerNS   uint64 // << 32
	apicPerTSC uint64 // << 32
	wallAtBoot int64  // nanoseconds since 1970 at tscBase
)

const (
	pitHz     = 1193182
	pitWindow = 5e6 // ns that one measurement takes
	pitCount  = pitHz * 5 / 1000

	calibrations = 40 // tries at most
)

// calibrate measures both rates. Under an emulator the host may take its CPU
// away at any point of a measurement: it counts only when the readings at both of
// its ends took no time to speak of, and when two that count agree.
func calibrate() {
	Out8(0x61, In8(0x61)&^2|1) // gate on, speaker off
	var dt, da uint64
	for i := 0; i < calibrations || dt == 0; i++ {
		t, a, ok := measure()
		if !ok {
			continue
		}
		agree := dt != 0 && near(t, dt) && near(a, da)
		if dt == 0 || t < dt {
			dt, da = t, a
		}
		if agree {
			break
		}
	}
	tscKHz = dt * 1e6 / pitWindow
	tscBase = rdtsc()
	nsPerTSC = div(pitWindow, dt)
	tscPerNS = div(dt, pitWindow)
	apicPerTSC = div(da, dt)
}

// near says that a and b differ by less than a hundredth.
func near(a, b uint64) bool { return max(a, b)-min(a, b) < a/100 }

// measure counts the ticks of TSC and local timer in pitWindow.
func measure() (tsc, apic uint64, ok bool) {
	begin := rdtsc()
	Out8(0x43, 0xb0) // channel 2, both bytes, mode 0
	Out8(0x42, pitCount&0xff)
	Out8(0x42, pitCount>>8)
	apicWrite(apicTimerInit, ^uint32(0))
	t0 := rdtsc()
	a0 := apicRead(apicTimerCount)
	begun := rdtsc()
	for In8(0x61)&0x20 == 0 {
	}
	t1 := rdtsc()
	a1 := apicRead(apicTimerCount)
	ended := rdtsc()
	apicWrite(apicTimerInit, 0)
	tsc, apic = t1-t0, uint64(a0-a1)
	return tsc, apic, begun-begin < tsc/50 && ended-t1 < tsc/50
}

// div returns a/b as a fixed-point number with 32 fraction bits.
func div(a, b uint64) uint64 {
	q, _ := bits.Div64(a>>32, a<<32, b)
	return q
}

func scale(v, rate uint64) uint64 {
	hi, lo := bits.Mul64(v, rate)
	return hi<<32 | lo>>32
}

func nsToTSC(ns uint64) uint64 { return scale(ns, tscPerNS) }

// monotonic returns nanoseconds since boot.
func monotonic() uint64 { return scale(rdtsc()-tscBase, nsPerTSC) }

// Monotonic returns nanoseconds since boot: CLOCK_MONOTONIC.
func Monotonic() uint64 { return monotonic() }

// SetWallClock tells the runtime, and programs, what time it is now, in seconds
// since 1970. One at a time may call it or ShareClock.
func SetWallClock(unix int64) {
	atomic.StoreInt64(&wallAtBoot, unix*1e9-int64(monotonic()))
	if sharedClock != nil {
		ShareClock(sharedClock)
	}
}

// sharedClock is what programs read the time by, nil before they can.
var sharedClock *vdso.Clock

// ShareClock makes c, which is not in the Go heap, show the time from now on.
func ShareClock(c *vdso.Clock) {
	sharedClock = c
	c.Set(tscBase, nsPerTSC, wallAtBoot)
}

// TSCFrequency returns the TSC's rate in kHz.
func TSCFrequency() uint64 { return tscKHz }
