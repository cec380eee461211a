package main

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// busy is the load beside the paging: goroutines that make garbage and check
// what they keep, pass messages, and sleep on timers.
type busy struct {
	quit   chan struct{}
	group  sync.WaitGroup
	rounds atomic.Int64
}

func startBusy() *busy {
	b := &busy{quit: make(chan struct{})}
	b.group.Go(func() { b.until(makeGarbage) })
	b.group.Go(func() { b.until(passMessages) })
	b.group.Go(b.collect)
	return b
}

func (b *busy) stop() int64 {
	close(b.quit)
	b.group.Wait()
	return b.rounds.Load()
}

func (b *busy) until(round func()) {
	for {
		select {
		case <-b.quit:
			return
		default:
			round()
			b.rounds.Add(1)
			time.Sleep(2 * time.Millisecond)
		}
	}
}

// collect forces a garbage collection now and then: it stops every thread of the
// program wherever it is, in a page fault too.
func (b *busy) collect() {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-b.quit:
			return
		case <-tick.C:
			runtime.GC()
		}
	}
}

func makeGarbage() {
	kept := map[int]string{}
	for i := range 500 {
		kept[i] = fmt.Sprint("value ", i)
	}
	for i := range 500 {
		if kept[i] != fmt.Sprint("value ", i) {
			panic("the heap has lost a value")
		}
	}
}

func passMessages() {
	const n = 100
	numbers := make(chan int)
	go func() {
		for i := range n {
			numbers <- i
		}
		close(numbers)
	}()
	sum := 0
	for i := range numbers {
		sum += i
	}
	if sum != n*(n-1)/2 {
		panic("a channel has lost a message")
	}
}
