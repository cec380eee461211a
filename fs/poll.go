package fs

import (
	"time"

	"yolk/locks"
)

// PollEvents are the POLL bits of poll(2); epoll's have the same values.
type PollEvents uint32

// The events.
const (
	PollIn     PollEvents = 0x1
	PollPri    PollEvents = 0x2
	PollOut    PollEvents = 0x4
	PollErr    PollEvents = 0x8
	PollHup    PollEvents = 0x10
	PollNval   PollEvents = 0x20
	PollRdNorm PollEvents = 0x40
	PollRdBand PollEvents = 0x80
	PollWrNorm PollEvents = 0x100
	PollWrBand PollEvents = 0x200
	PollRdHup  PollEvents = 0x2000
)

// PollTable collects the queues that one poller waits on. Objects add their
// queues from FileOps.Poll before they look at their state, so no change is lost.
type PollTable struct {
	notify func() // for epoll; nil wakes the goroutine that polls
	used   int
	first  [4]pollEntry
	more   *pollEntry // further ones, newest first
}

type pollEntry struct {
	queue  *locks.WaitQueue
	waiter locks.Waiter
	next   *pollEntry
}

// Add enters the poller in q. A nil table is a poller that will not wait.
func (t *PollTable) Add(q *locks.WaitQueue) {
	if t == nil {
		return
	}
	var en *pollEntry
	if t.used < len(t.first) {
		en = &t.first[t.used]
		t.used++
	} else {
		en = &pollEntry{next: t.more}
		t.more = en
	}
	en.queue = q
	en.waiter.Notify = t.notify
	q.Add(&en.waiter)
}

// Leave takes the poller out of all queues.
func (t *PollTable) Leave() {
	for k := range t.first[:t.used] {
		en := &t.first[k]
		en.queue.Remove(&en.waiter)
		*en = pollEntry{}
	}
	for en := t.more; en != nil; en = en.next {
		en.queue.Remove(&en.waiter)
	}
	t.used, t.more = 0, nil
}

// Poll says what of events is ready on f, always with PollErr and PollHup. t may be nil.
func (f *File) Poll(t *PollTable, events PollEvents) PollEvents {
	return f.ops.Poll(f, t) & (events | PollErr | PollHup | PollNval)
}

// PollWait asks scan for the number of ready files until it is not 0, timeout
// has passed (never if negative) or a signal is pending. scan gets the table on
// its first call only. Sleeps.
func PollWait(scan func(t *PollTable) int, timeout time.Duration) (int, locks.WaitResult) {
	if timeout == 0 {
		return scan(nil), locks.Woken
	}
	t := new(PollTable)
	defer t.Leave()
	n := scan(t)
	if n != 0 {
		return n, locks.Woken
	}
	r := locks.Park(func() bool {
		n = scan(nil)
		return n != 0
	}, timeout, true)
	return n, r
}
