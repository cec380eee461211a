package main

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func channels() error {
	const workers, n = 8, 2000
	jobs, results := make(chan int), make(chan int, 16)
	for range workers {
		go func() {
			for j := range jobs {
				results <- j * j
			}
		}()
	}
	go func() {
		for i := range n {
			jobs <- i
		}
		close(jobs)
	}()
	sum, want := 0, 0
	for i := range n {
		sum += <-results
		want += i * i
	}
	if sum != want {
		return fmt.Errorf("sum %d, want %d", sum, want)
	}
	return nil
}

func mutexes() error {
	var mu sync.Mutex
	var group sync.WaitGroup
	count := 0
	for range 16 {
		group.Go(func() {
			for range 1000 {
				mu.Lock()
				count++
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if count != 16000 {
		return fmt.Errorf("count %d", count)
	}
	return nil
}

func selectTimeout() error {
	never := make(chan int)
	began := time.Now()
	select {
	case <-never:
	case <-time.After(30 * time.Millisecond):
	}
	if d := time.Since(began); d < 30*time.Millisecond || d > 10*time.Second {
		return fmt.Errorf("a timeout of 30ms took %v", d)
	}
	return nil
}

func mapsInParallel() error {
	var group sync.WaitGroup
	var bad atomic.Int64
	for g := range 6 {
		group.Go(func() {
			m := map[string]int{}
			for i := range 3000 {
				m[fmt.Sprint(g, i)] = i
			}
			for i := range 3000 {
				if m[fmt.Sprint(g, i)] != i {
					bad.Add(1)
				}
			}
		})
	}
	group.Wait()
	if bad.Load() > 0 {
		return fmt.Errorf("%d lost", bad.Load())
	}
	return nil
}

func timersInOrder() error {
	order := make(chan int, 5)
	for _, i := range []int{3, 1, 4, 0, 2} {
		time.AfterFunc(time.Duration(50+250*i)*time.Millisecond, func() { order <- i })
	}
	for want := range 5 {
		if got := <-order; got != want {
			return fmt.Errorf("timer %d went off as number %d", got, want)
		}
	}
	return nil
}

func sleepLasts() error {
	for _, d := range []time.Duration{time.Microsecond, time.Millisecond, 25 * time.Millisecond} {
		began := time.Now()
		time.Sleep(d)
		if got := time.Since(began); got < d {
			return fmt.Errorf("sleep of %v took %v", d, got)
		}
	}
	return nil
}

func ticker() error {
	t := time.NewTicker(5 * time.Millisecond)
	defer t.Stop()
	last := time.Now()
	for range 10 {
		// Not the time that the tick carries: the runtime makes that of two readings
		// of the clock, so it is late when the thread was put aside between them.
		<-t.C
		now := time.Now()
		if now.Before(last) {
			return fmt.Errorf("time went back from %v to %v", last, now)
		}
		last = now
	}
	return nil
}

// clockAcrossCPUs hands the latest time from thread to thread: none may read an
// earlier one afterwards, on whatever CPU it runs.
func clockAcrossCPUs() error {
	var latest, back atomic.Int64
	var group sync.WaitGroup
	began := time.Now()
	for range 4 {
		group.Go(func() {
			runtime.LockOSThread()
			for range 5000 {
				seen := latest.Load()
				now := int64(time.Since(began))
				if now < seen {
					back.Store(seen - now)
				}
				for ; now > seen && !latest.CompareAndSwap(seen, now); seen = latest.Load() {
				}
			}
		})
	}
	group.Wait()
	if d := back.Load(); d > 0 {
		return fmt.Errorf("time went back by %v", time.Duration(d))
	}
	return nil
}

// clockNeedsNoCall has Yolk count the system calls while the time is read often: the
// runtime reads it by the vDSO. Linux does not count; there is nothing to see there.
func clockNeedsNoCall() error {
	calls := func() (n int) {
		data, _ := os.ReadFile("/proc/unknowncalls")
		for line := range strings.Lines(string(data)) {
			var nr, count int
			var name string
			if k, _ := fmt.Sscan(line, &nr, &name, &count); k == 3 && (name == "clock_gettime" || name == "gettimeofday") {
				n += count
			}
		}
		return n
	}
	before := calls()
	for range 10000 {
		_ = time.Now()
	}
	if n := calls() - before; n != 0 {
		return fmt.Errorf("%d system calls", n)
	}
	return nil
}

type node struct {
	left, right *node
	value       int
}

func tree(depth, value int) *node {
	if depth == 0 {
		return nil
	}
	return &node{tree(depth-1, 2*value), tree(depth-1, 2*value+1), value}
}

func (n *node) check(value int) bool {
	return n == nil || n.value == value && n.left.check(2*value) && n.right.check(2*value+1)
}

func gcKeepsLive() error {
	live := tree(12, 1)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 20 {
				if !tree(10, 1).check(1) {
					panic("a new tree is wrong")
				}
			}
		})
	}
	for range 5 {
		runtime.GC()
		if !live.check(1) {
			return fmt.Errorf("a live tree has changed")
		}
	}
	group.Wait()
	return nil
}

func finalizers() error {
	done := make(chan bool, 1)
	func() {
		x := new([64]int)
		runtime.SetFinalizer(x, func(*[64]int) { done <- true })
	}()
	for range 50 {
		runtime.GC()
		select {
		case <-done:
			return nil
		case <-time.After(10 * time.Millisecond):
		}
	}
	return fmt.Errorf("no finalizer ran")
}

func depth(n int) int {
	var pad [128]byte
	pad[n%128] = byte(n)
	if n == 0 {
		return 0
	}
	return depth(n-1) + 1 + int(pad[(n+1)%128])
}

func deepStacks() error {
	var group sync.WaitGroup
	var bad atomic.Int64
	for range 4 {
		group.Go(func() {
			if depth(5000) != 5000 {
				bad.Add(1)
			}
		})
	}
	group.Wait()
	if bad.Load() > 0 {
		return fmt.Errorf("%d stacks went wrong", bad.Load())
	}
	return nil
}

func manyGoroutines() error {
	const n = 2000
	var group sync.WaitGroup
	var count atomic.Int64
	start := make(chan struct{})
	for range n {
		group.Go(func() {
			<-start
			count.Add(1)
		})
	}
	close(start)
	group.Wait()
	if count.Load() != n {
		return fmt.Errorf("%d ran, want %d", count.Load(), n)
	}
	return nil
}

// tightLoop needs the runtime's signal to a thread that makes no calls.
func tightLoop() error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var stop atomic.Bool
	go func() { stop.Store(true) }()
	for began := time.Now(); !stop.Load(); {
		for range 1000000 {
		}
		if time.Since(began) > 30*time.Second {
			return fmt.Errorf("the other goroutine did not run")
		}
	}
	done := make(chan bool)
	go func() {
		x := 0
		for x >= 0 && !stop.Load() || x < 1<<26 {
			x++
		}
		done <- true
	}()
	runtime.GC() // stops the world in the middle of the loop
	<-done
	return nil
}

func nilDereference() (err error) {
	defer func() {
		e, ok := recover().(runtime.Error)
		if !ok || !strings.Contains(e.Error(), "nil pointer") {
			err = fmt.Errorf("recovered %v", e)
		}
	}()
	var p *node
	p.value = 1
	return fmt.Errorf("no panic")
}

func divisionByZero() (err error) {
	defer func() {
		e, ok := recover().(runtime.Error)
		if !ok || !strings.Contains(e.Error(), "divide by zero") {
			err = fmt.Errorf("recovered %v", e)
		}
	}()
	zero := 0
	return fmt.Errorf("1/0 is %d", 1/zero)
}

func lockedThreads() error {
	const n = 6
	ids := make(chan int, n)
	var ready, group sync.WaitGroup
	ready.Add(n)
	for range n {
		group.Go(func() {
			runtime.LockOSThread()
			ready.Done()
			ready.Wait()
			ids <- syscall.Gettid() // not unlocked: the thread ends with the goroutine
		})
	}
	group.Wait()
	seen := map[int]bool{}
	for range n {
		seen[<-ids] = true
	}
	if len(seen) != n {
		return fmt.Errorf("%d goroutines had %d threads", n, len(seen))
	}
	return nil
}

func floatingPoint() error {
	var group sync.WaitGroup
	var bad atomic.Int64
	for range 4 {
		group.Go(func() {
			for range 50 {
				sum := 0.0
				for i := 1; i <= 10000; i++ {
					sum += 1 / (float64(i) * float64(i))
				}
				if math.Abs(sum-1.6448340718480652) > 1e-10 {
					bad.Add(1)
				}
				runtime.Gosched()
			}
		})
	}
	group.Wait()
	if bad.Load() > 0 {
		return fmt.Errorf("%d sums are wrong", bad.Load())
	}
	return nil
}
