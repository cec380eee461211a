package mm

import "yolk/locks"

// FreeList keeps objects of the Go heap that will be wanted again, so that calls which
// need one for a moment allocate nothing. Its methods are callable under any lock that
// comes before its class, and do not sleep.
type FreeList[T any] struct {
	lock locks.SpinLock // guards kept
	kept []*T
}

// Init makes the list hold up to keep objects, under a lock of the given class.
func (l *FreeList[T]) Init(class locks.Class, keep int) {
	l.lock.Init(class)
	l.kept = make([]*T, 0, keep)
}

// Get takes an object off the list; nil: there is none.
func (l *FreeList[T]) Get() (p *T) {
	l.lock.Lock()
	if n := len(l.kept); n > 0 {
		p = l.kept[n-1]
		l.kept[n-1] = nil
		l.kept = l.kept[:n-1]
	}
	l.lock.Unlock()
	return p
}

// Put gives p to the list, or if that is full to the garbage collector.
func (l *FreeList[T]) Put(p *T) {
	l.lock.Lock()
	if n := len(l.kept); n < cap(l.kept) {
		l.kept = append(l.kept, p)
	}
	l.lock.Unlock()
}
