package amd64

import "math/bits"

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
	pitHz      = 1193182
	pitSamples = pitHz / 100 // 10 ms
)

// calibrate measures both rates. The local timer must be running down.
func calibrate() {
	Out8(0x61, In8(0x61)&^2|1) // gate on, speaker off
	Out8(0x43, 0xb0)           // channel 2, both bytes, mode 0
	Out8(0x42, pitSamples&0xff)
	Out8(0x42, pitSamples>>8)
	apicWrite(apicTimerInit, ^uint32(0))
	t0, a0 := rdtsc(), apicRead(apicTimerCount)
	for In8(0x61)&0x20 == 0 {
	}
	t1, a1 := rdtsc(), apicRead(apicTimerCount)
	apicWrite(apicTimerInit, 0)
	dt, da := t1-t0, uint64(a0-a1)
	tscKHz = dt / 10
	tscBase = t0
	nsPerTSC = div(10e6, dt)
	tscPerNS = div(dt, 10e6)
	apicPerTSC = div(da, dt)
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

// SetWallClock tells the runtime what time it is now, in seconds since 1970.
func SetWallClock(unix int64) { wallAtBoot = unix*1e9 - int64(monotonic()) }

// TSCFrequency returns the TSC's rate in kHz.
func TSCFrequency() uint64 { return tscKHz }
