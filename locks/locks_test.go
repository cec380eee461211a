package locks

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// eventually fails the test when cond does not come true soon.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !cond(); {
		if time.Now().After(end) {
			t.Fatalf("%s: did not happen", what)
		}
		time.Sleep(50 * time.Microsecond)
	}
}

// together runs n goroutines and waits for them.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

func TestMutualExclusion(t *testing.T) {
	var (
		spin  SpinLock
		mutex Mutex
		rw    RWSem
	)
	for _, tt := range []struct {
		name         string
		lock, unlock func()
	}{
		{"spinlock", spin.Lock, spin.Unlock},
		{"spinlock by TryLock", func() {
			for !spin.TryLock() {
				time.Sleep(time.Microsecond)
			}
		}, spin.Unlock},
		{"mutex", mutex.Lock, mutex.Unlock},
		{"rwsem", rw.Lock, rw.Unlock},
		{"kernel_lock", LockKernel, UnlockKernel},
	} {
		t.Run(tt.name, func(t *testing.T) {
			const workers, rounds = 8, 500
			count := 0
			together(workers, func(int) {
				for range rounds {
					tt.lock()
					count++
					tt.unlock()
				}
			})
			if count != workers*rounds {
				t.Errorf("count %d, want %d", count, workers*rounds)
			}
		})
	}
}

func TestReadersShareWritersDoNot(t *testing.T) {
	var l RWSem
	l.RLock()
	if !l.TryRLock() {
		t.Fatal("a second reader was refused")
	}
	if l.TryLock() {
		t.Fatal("a writer entered beside readers")
	}
	var writer atomic.Bool
	go func() {
		l.Lock()
		writer.Store(true)
		l.Unlock()
	}()
	eventually(t, "writer queues", func() bool {
		l.lock.lock()
		defer l.lock.unlock()
		return l.list.head != nil
	})
	if l.TryRLock() {
		t.Fatal("a reader overtook a waiting writer")
	}
	l.RUnlock()
	l.RUnlock()
	eventually(t, "writer enters", writer.Load)
}

func TestHeldKnowsItsHolder(t *testing.T) {
	var (
		spin  SpinLock
		mutex Mutex
		rw    RWSem
	)
	mutex.Lock()
	rw.Lock()
	LockKernel()
	spin.Lock()
	held := spin.Held() && mutex.Held() && rw.Held() && KernelLocked()
	spin.Unlock()
	if !held {
		t.Error("a holder is not known")
	}
	together(1, func(int) {
		if spin.Held() || mutex.Held() || rw.Held() || KernelLocked() {
			t.Error("another goroutine passes for the holder")
		}
	})
	UnlockKernel()
	rw.Unlock()
	mutex.Unlock()
}

// TestFIFO queues goroutines one by one on a held lock and sees them enter in
// that order.
func TestFIFO(t *testing.T) {
	var (
		mutex Mutex
		rw    RWSem
	)
	queued := func(l *rawSpin, list *waiterList) (n int) {
		l.lock()
		for w := list.head; w != nil; w = w.next {
			n++
		}
		l.unlock()
		return n
	}
	for _, tt := range []struct {
		name         string
		lock, unlock func()
		waiting      func() int
	}{
		{"mutex", mutex.Lock, mutex.Unlock, func() int { return queued(&mutex.lock, &mutex.list) }},
		{"rwsem", rw.Lock, rw.Unlock, func() int { return queued(&rw.lock, &rw.list) }},
		{"kernel_lock", LockKernel, UnlockKernel, func() int { return queued(&kernelLock.lock, &kernelLock.list) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			const n = 10
			var order []int
			var done sync.WaitGroup
			tt.lock()
			for i := range n {
				done.Go(func() {
					tt.lock()
					order = append(order, i)
					tt.unlock()
				})
				eventually(t, "waiter queues", func() bool { return tt.waiting() == i+1 })
			}
			tt.unlock()
			done.Wait()
			for i, got := range order {
				if got != i {
					t.Fatalf("order %v", order)
				}
			}
		})
	}
}

func TestMisusePanics(t *testing.T) {
	var (
		spin         SpinLock
		mutex, twice Mutex
		rw           RWSem
	)
	for name, f := range map[string]func(){
		"unlock of a free mutex":         new(Mutex).Unlock,
		"unlock of a free rwsem":         rw.Unlock,
		"runlock of a free rwsem":        rw.RUnlock,
		"unlock of a free kernel_lock":   UnlockKernel,
		"unlock of a free spinlock":      spin.Unlock,
		"mutex taken twice":              func() { twice.Lock(); twice.Lock() },
		"unlock of somebody else's lock": func() { together(1, func(int) { mutex.Lock() }); mutex.Unlock() },
	} {
		t.Run(name, func(t *testing.T) { panicsHere(t, f) })
	}
}

func panicsHere(t *testing.T, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	f()
}
