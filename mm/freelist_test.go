package mm

import (
	"sync"
	"sync/atomic"
	"testing"

	"yolk/locks"
)

// Nobody has what another has, and what does not fit is left to the collector.
func TestFreeList(t *testing.T) {
	type buffer struct{ users atomic.Int32 }
	var l FreeList[buffer]
	l.Init(locks.FilesLock, 2)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 1000 {
				b := l.Get()
				if b == nil {
					b = new(buffer)
				}
				if n := b.users.Add(1); n != 1 {
					t.Errorf("%d have the same buffer", n)
				}
				b.users.Add(-1)
				l.Put(b)
			}
		})
	}
	all.Wait()
	for range 3 {
		l.Put(new(buffer))
	}
	for i := range 3 {
		if b := l.Get(); (b == nil) != (i == 2) {
			t.Errorf("buffer %d: %v", i, b)
		}
	}
}
