package mm

import (
	"sync/atomic"
	"time"

	"yolk/arch"
	"yolk/locks"
)

var (
	kswapdWait   locks.WaitQueue
	kswapdWanted atomic.Bool
	kswapdQuit   atomic.Bool
	kswapdRuns   atomic.Bool
)

// kswapdPeriod is how often kswapd looks by itself: the Go heap draws on its
// reserve without telling anybody.
const kswapdPeriod = 50 * time.Millisecond

// WakeKswapd asks kswapd to restore the high watermarks. Callable anywhere.
func WakeKswapd() {
	if !kswapdWanted.Load() {
		kswapdWanted.Store(true)
		CountVM(KswapdWake)
		kswapdWait.WakeAll()
	}
}

// StartKswapd starts the page stealer's thread. Called once, after Init.
func StartKswapd() {
	kswapdQuit.Store(false)
	kswapdRuns.Store(true)
	locks.Go("kswapd", kswapd)
}

// StopKswapd ends the thread, if it runs, and waits for its end; for tests and power-off.
func StopKswapd() {
	kswapdQuit.Store(true)
	kswapdWait.WakeAll()
	kswapdWait.Wait(func() bool { return !kswapdRuns.Load() })
}

// kswapd keeps free frames between the low and high watermarks, so that others
// seldom have to steal for themselves, and the Go heap's reserve filled.
func kswapd() {
	ctx := locks.Current()
	ctx.Flags |= locks.PFMemAlloc | locks.PFKswapd
	for !kswapdQuit.Load() {
		kswapdWait.WaitTimeout(kswapdCalled, kswapdPeriod, false)
		kswapdWanted.Store(false)
		fillHeapReserve(GFPKswapd)
		drainHeapReserve()
		if belowHigh(0) && belowLow() {
			CountVM(PageOutRun)
			balance()
		}
		RunDiskQueue()
	}
	kswapdRuns.Store(false)
	kswapdWait.WakeAll()
}

func kswapdCalled() bool { return kswapdWanted.Load() || kswapdQuit.Load() }

// belowLow reports that some zone's frames have run short.
func belowLow() bool {
	for i := range zones {
		if z := &zones[i]; z.low > 0 && int(z.free.Load()) < z.low+z.min {
			return true
		}
	}
	return arch.HeapLevel() < arch.HeapTarget
}

// belowHigh reports that free frames, together with soon pages that will be
// free once the disk has them, are fewer than the high watermarks ask for.
func belowHigh(soon int) bool {
	high := 0
	for i := range zones {
		high += zones[i].high
	}
	return NrFreePages()+soon < high
}

// balance steals until the high watermarks are met or nothing can be stolen. Where there is
// little to steal it would take the same few pages over and over, each as soon as its program had it
// back: it fills the Go heap's reserve then, and whoever allocates next finds memory out.
func balance() {
	for fruitless := 0; belowHigh(0) && fruitless < 2 && !kswapdQuit.Load(); {
		fillHeapReserve(GFPKswapd)
		if littleToSteal() && arch.HeapLevel() >= arch.HeapTarget {
			return
		}
		if !belowHigh(int(nrAsyncPages.Load())) {
			// Enough is under way: wait for it, then collect it.
			waitForWrites()
			shrinkMmap(0, GFPKswapd, 2*swapClusterMax)
			continue
		}
		if doTryToFreePages(GFPKswapd) > 0 {
			fruitless = 0
		} else if !waitForWrites() {
			fruitless++
		}
	}
}
