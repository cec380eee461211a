//lint:file-ignore SA2001 locks are taken here for their own sake

package locks

import (
	"testing"
	"time"
)

// TestNothingIsAllocated: the fault and system-call paths allocate nothing, so
// neither do the locks and sleeps in them.
func TestNothingIsAllocated(t *testing.T) {
	var (
		spin  SpinLock
		mutex Mutex
		rw    RWSem
		q     WaitQueue
	)
	spin.Init(PageTableLock)
	mutex.Init(MmapSem)
	rw.Init(ISem)
	const idle, ask, stop = 0, 1, 2
	var (
		state int // guarded by mutex
		turns WaitQueue
		gone  = make(chan bool)
	)
	set := func(v int) {
		mutex.Lock()
		state = v
		turns.WakeAll()
		mutex.Unlock()
	}
	is := func(v int) bool { mutex.Lock(); defer mutex.Unlock(); return state == v }
	go func() { // answers until told to stop
		defer close(gone)
		for {
			turns.Wait(func() bool { return !is(idle) })
			if is(stop) {
				return
			}
			set(idle)
		}
	}()
	for _, tt := range []struct {
		name string
		f    func()
	}{
		{"Current", func() { Current() }},
		{"spinlock", func() { spin.Lock(); spin.Unlock() }},
		{"spinlock try", func() { spin.TryLock(); spin.Unlock() }},
		{"mutex", func() { mutex.Lock(); mutex.Unlock() }},
		{"rwsem", func() { rw.RLock(); rw.RUnlock(); rw.Lock(); rw.Unlock() }},
		{"kernel_lock", func() { LockKernel(); LockKernel(); UnlockKernel(); UnlockKernel() }},
		{"nested", func() {
			mutex.Lock()
			LockKernel()
			spin.Lock()
			spin.Unlock()
			UnlockKernel()
			mutex.Unlock()
		}},
		{"wake nobody", func() { q.WakeAll(); q.WakeOne() }},
		{"sleep for a time", func() { Sleep(time.Microsecond, true) }},
		{"wait, time out", func() { q.WaitTimeout(never, time.Microsecond, true) }},
		{"wait for another goroutine", func() {
			set(ask)
			turns.Wait(func() bool { return is(idle) })
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if n := testing.AllocsPerRun(500, tt.f); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
	set(stop)
	<-gone
}

func BenchmarkCurrent(b *testing.B) {
	for b.Loop() {
		Current()
	}
}

func BenchmarkSpinLock(b *testing.B) {
	var l SpinLock
	for b.Loop() {
		l.Lock()
		l.Unlock()
	}
}

func BenchmarkSpinLockContended(b *testing.B) {
	var l SpinLock
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			l.Lock()
			l.Unlock()
		}
	})
}

func BenchmarkMutex(b *testing.B) {
	var l Mutex
	for b.Loop() {
		l.Lock()
		l.Unlock()
	}
}

func BenchmarkKernelLock(b *testing.B) {
	for b.Loop() {
		LockKernel()
		UnlockKernel()
	}
}

// BenchmarkPingPong is two sleeps and two wake-ups.
func BenchmarkPingPong(b *testing.B) {
	var (
		l    SpinLock
		q    [2]WaitQueue
		turn int
	)
	pass := func(i, last int) {
		for n := i; n < last; n += 2 {
			q[i].Wait(func() bool { l.Lock(); defer l.Unlock(); return turn == n })
			l.Lock()
			turn++
			q[1-i].WakeOne()
			l.Unlock()
		}
	}
	b.ReportAllocs()
	last := 2 * b.N
	done := make(chan bool)
	go func() { pass(1, last); close(done) }()
	pass(0, last)
	<-done
}
