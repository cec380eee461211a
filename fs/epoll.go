package fs

import (
	"math"
	"syscall"
	"time"

	"yolk/locks"
)

// Bits of an epoll event mask beyond those of poll.
const (
	EpollExclusive = 1 << 28
	EpollWakeup    = 1 << 29
	EpollOneShot   = 1 << 30
	EpollET        = 1 << 31

	epollPrivate = EpollExclusive | EpollWakeup | EpollOneShot | EpollET

	// withExclusive is all that EpollExclusive may come with.
	withExclusive = uint32(PollIn|PollOut|PollErr|PollHup) | EpollWakeup | EpollET | EpollExclusive
)

// Operations of epoll_ctl(2).
const (
	EpollCtlAdd = 1
	EpollCtlDel = 2
	EpollCtlMod = 3
)

// EpollEvent is struct epoll_event.
type EpollEvent struct {
	Events uint32
	Data   uint64
}

// Epoll is one epoll instance: a set of open files, and a list of those that may
// be ready. A file's queues put its item on the list; epoll_wait looks at the
// files on the list only.
//
// An item holds no reference to its file: the file's last Put removes it.
type Epoll struct {
	sem   locks.Mutex // guards items, and the files in them against their last Put
	items map[epollKey]*epollItem

	lock locks.SpinLock // guards the list and the items' place on it
	head *epollItem
	tail *epollItem

	wq    locks.WaitQueue // epoll_wait, and those who poll the instance itself
	ready func() bool     // the condition of that sleep

	watches int32 // other instances among the items; guarded by nestLock
	watched int32 // instances that have this one as an item; guarded by nestLock
}

type epollKey struct {
	file *File
	fd   int
}

// epollItem is one file of interest.
type epollItem struct {
	ep    *Epoll
	key   epollKey
	table PollTable

	event EpollEvent // guarded by ep.sem

	queued     bool // on the ready list; guarded by ep.lock
	next, prev *epollItem

	gone       bool       // guarded by ep.sem
	nextOfFile *epollItem // guarded by the file's watchLock
	nextAgain  *epollItem // while collect holds ep.sem
}

// nestLock guards who watches whom among epoll instances.
var nestLock locks.SpinLock

func init() { nestLock.Init(locks.WatchLock) }

// NewEpoll is epoll_create1(2) without the descriptor.
func NewEpoll() (*File, syscall.Errno) {
	ep := &Epoll{items: make(map[epollKey]*epollItem)}
	ep.sem.Init(locks.EpollSem)
	ep.lock.Init(locks.PollLock)
	ep.ready = func() bool {
		ep.lock.Lock()
		defer ep.lock.Unlock()
		return ep.head != nil
	}
	return newAnonFile("anon_inode:[eventpoll]", syscall.O_RDWR, &epollFile{ep: ep})
}

// epollFile is the FileOps of epoll instances.
type epollFile struct {
	NoFile
	ep *Epoll
}

// Poll is ready to read while the ready list is not empty.
func (x *epollFile) Poll(_ *File, t *PollTable) PollEvents {
	t.Add(&x.ep.wq)
	if x.ep.ready() {
		return PollIn | PollRdNorm
	}
	return 0
}

// Release forgets all items.
func (x *epollFile) Release(*File) {
	x.ep.sem.Lock()
	defer x.ep.sem.Unlock()
	for _, it := range x.ep.items {
		x.ep.remove(it)
	}
}

// epollOf returns f's epoll instance, or nil.
func epollOf(f *File) *Epoll {
	if x, ok := f.ops.(*epollFile); ok {
		return x.ep
	}
	return nil
}

// EpollCtl is epoll_ctl(2) on ef for f, which has descriptor fd. EINVAL: ef is no
// epoll instance, f is ef, or EPOLLEXCLUSIVE is for an instance or with what it can't be
// with; EPERM: f cannot be waited for; EEXIST, ENOENT; ELOOP: instances nested more than
// one deep.
func EpollCtl(ef *File, op int, f *File, fd int, ev EpollEvent) syscall.Errno {
	ep := epollOf(ef)
	switch {
	case f.inode.typ == syscall.S_IFREG || f.inode.typ == syscall.S_IFDIR:
		return syscall.EPERM
	case ep == nil || f == ef:
		return syscall.EINVAL
	case op == EpollCtlAdd && ev.Events&EpollExclusive != 0 && (epollOf(f) != nil || ev.Events&^withExclusive != 0):
		return syscall.EINVAL
	}
	ep.sem.Lock()
	defer ep.sem.Unlock()
	it := ep.items[epollKey{f, fd}]
	switch {
	case op == EpollCtlAdd && it != nil:
		return syscall.EEXIST
	case op == EpollCtlAdd:
		return ep.add(f, fd, ev)
	case op != EpollCtlMod && op != EpollCtlDel:
		return syscall.EINVAL
	case it == nil:
		return syscall.ENOENT
	case op == EpollCtlDel:
		ep.remove(it)
		return 0
	case it.event.Events&EpollExclusive != 0 || ev.Events&EpollExclusive != 0:
		return syscall.EINVAL
	}
	it.event = ev
	if f.Poll(nil, PollEvents(ev.Events)) != 0 {
		ep.enqueue(it)
	}
	return 0
}

// add enters a file. sem held.
func (ep *Epoll) add(f *File, fd int, ev EpollEvent) syscall.Errno {
	if !nest(ep, epollOf(f), 1) {
		return syscall.ELOOP
	}
	it := &epollItem{ep: ep, key: epollKey{f, fd}, event: ev}
	it.table.notify = func() { ep.enqueue(it) }
	ep.items[it.key] = it
	f.watchLock.Lock()
	it.nextOfFile, f.watch = f.watch, it
	f.watchLock.Unlock()
	if f.ops.Poll(f, &it.table)&(PollEvents(ev.Events)|PollErr|PollHup) != 0 {
		ep.enqueue(it)
	}
	return 0
}

// nest counts that ep begins (d = 1) or ceases (-1) to watch inner, if that is an
// instance. False: one of them is nested already.
func nest(ep, inner *Epoll, d int32) bool {
	if inner == nil {
		return true
	}
	nestLock.Lock()
	defer nestLock.Unlock()
	if d > 0 && (ep.watched > 0 || inner.watches > 0) {
		return false
	}
	ep.watches += d
	inner.watched += d
	return true
}

// remove takes an item out everywhere. sem held.
func (ep *Epoll) remove(it *epollItem) {
	it.gone = true
	delete(ep.items, it.key)
	it.table.Leave()
	ep.lock.Lock()
	ep.dequeue(it)
	ep.lock.Unlock()
	nest(ep, epollOf(it.key.file), -1)
	f := it.key.file
	f.watchLock.Lock()
	for p := &f.watch; *p != nil; p = &(*p).nextOfFile {
		if *p == it {
			*p = it.nextOfFile
			break
		}
	}
	f.watchLock.Unlock()
}

// unwatch removes the items of a file that is being closed.
func (f *File) unwatch() {
	for {
		f.watchLock.Lock()
		it := f.watch
		f.watchLock.Unlock()
		if it == nil {
			return
		}
		it.ep.sem.Lock()
		if !it.gone {
			it.ep.remove(it)
		}
		it.ep.sem.Unlock()
	}
}

// enqueue puts an item on the ready list and wakes who waits for it. It is called
// by the queues of the file, under whatever locks their wakers hold.
func (ep *Epoll) enqueue(it *epollItem) {
	ep.lock.Lock()
	if !it.queued {
		it.queued, it.prev, it.next = true, ep.tail, nil
		if ep.tail == nil {
			ep.head = it
		} else {
			ep.tail.next = it
		}
		ep.tail = it
	}
	ep.lock.Unlock()
	ep.wq.WakeAll()
}

// dequeue takes an item off the ready list if it is there. lock held.
func (ep *Epoll) dequeue(it *epollItem) {
	if !it.queued {
		return
	}
	if it.prev == nil {
		ep.head = it.next
	} else {
		it.prev.next = it.next
	}
	if it.next == nil {
		ep.tail = it.prev
	} else {
		it.next.prev = it.prev
	}
	it.queued, it.next, it.prev = false, nil, nil
}

// EpollWait fills events with what is ready, waiting up to timeout (for ever if
// negative) until something is. EINVAL: ef is no epoll instance; EINTR.
func EpollWait(ef *File, events []EpollEvent, timeout time.Duration) (int, syscall.Errno) {
	ep := epollOf(ef)
	if ep == nil {
		return 0, syscall.EINVAL
	}
	end := time.Time{}
	if timeout > 0 {
		end = time.Now().Add(min(timeout, math.MaxInt64/2))
	}
	for {
		if n := ep.collect(events); n > 0 || timeout == 0 {
			return n, 0
		}
		if timeout > 0 {
			timeout = max(time.Until(end), 0)
		}
		switch ep.wq.WaitTimeout(ep.ready, timeout, true) {
		case locks.Interrupted:
			return 0, syscall.EINTR
		case locks.TimedOut:
			return ep.collect(events), 0
		}
	}
}

// collect reports the files of the ready list that are ready, each once: what a
// waker puts there meanwhile comes after the item that was the last to begin with.
// What is to be reported again, while it lasts, goes to the end of the list.
func (ep *Epoll) collect(events []EpollEvent) int {
	ep.sem.Lock()
	defer ep.sem.Unlock()
	n := 0
	var again *epollItem // linked through nextAgain
	end := &again
	ep.lock.Lock()
	last := ep.tail
	ep.lock.Unlock()
	for more := last != nil; more && n < len(events); {
		ep.lock.Lock()
		it := ep.head // nobody else takes items off while sem is held
		ep.dequeue(it)
		ep.lock.Unlock()
		more = it != last
		if it.event.Events&^epollPrivate == 0 { // disarmed by EPOLLONESHOT
			continue
		}
		ev := it.key.file.Poll(nil, PollEvents(it.event.Events&^epollPrivate))
		if ev == 0 {
			continue
		}
		events[n] = EpollEvent{Events: uint32(ev), Data: it.event.Data}
		n++
		switch {
		case it.event.Events&EpollOneShot != 0:
			it.event.Events &= epollPrivate
		case it.event.Events&EpollET == 0:
			it.nextAgain = nil
			*end, end = it, &it.nextAgain
		}
	}
	for ; again != nil; again = again.nextAgain {
		ep.enqueue(again)
	}
	return n
}
