package unixsock

import (
	"syscall"

	"yolk/fs"
	"yolk/locks"
)

// Open files travel in messages (SCM_RIGHTS): a message holds a reference to each. They
// are counted for the user who sent them, since they are in nobody's table of descriptors
// meanwhile, and sockets among them for the collector of those that nobody can receive.

// scmLock guards what is in flight. Whoever has taken files out of a queue takes it before
// they are used (settle): so no file can come out of a queue while a collection goes on.
var scmLock locks.Mutex

var flying = struct {
	users   map[uint32]int       // files in flight, by who sent them
	total   int                  // all of those
	sockets map[*Socket]struct{} // that are among them
}{map[uint32]int{}, 0, map[*Socket]struct{}{}}

func init() { scmLock.Init(locks.ScmSem) }

// Launch counts files, of which the caller has a reference each, as in flight, sent by
// uid. ETOOMANYREFS: more than limit of that user are, unless unlimited, or more than
// the kernel has room for. Takes scmLock; may sleep.
func Launch(files []*fs.File, uid uint32, limit int, unlimited bool) syscall.Errno {
	if mayLaunch(files, uid, limit, unlimited) {
		return 0
	}
	Collect() // some may be beyond reach
	if mayLaunch(files, uid, limit, unlimited) {
		return 0
	}
	return syscall.ETOOMANYREFS
}

func mayLaunch(files []*fs.File, uid uint32, limit int, unlimited bool) bool {
	scmLock.Lock()
	defer scmLock.Unlock()
	if flying.users[uid] > limit && !unlimited || int64(flying.total+len(files)) > maxInFlight() {
		return false
	}
	flying.users[uid] += len(files)
	flying.total += len(files)
	for _, f := range files {
		if s := Of(f); s != nil {
			s.inflight++
			flying.sockets[s] = struct{}{}
		}
	}
	return true
}

// land takes files out of flight. scmLock held.
func land(files []*fs.File, uid uint32) {
	scmLock.AssertHeld()
	if flying.users[uid] -= len(files); flying.users[uid] == 0 {
		delete(flying.users, uid)
	}
	flying.total -= len(files)
	for _, f := range files {
		if s := Of(f); s != nil {
			if s.inflight--; s.inflight == 0 {
				delete(flying.sockets, s)
			}
		}
	}
}

// Close ends a message of which the files may not have been sent.
func (m *Message) Close() {
	if m.Files == nil {
		return
	}
	scmLock.Lock()
	land(m.Files, m.UID)
	scmLock.Unlock()
	putAll(m.Files)
	m.Files = nil
}

// settle takes what a receiver has taken out of a queue out of flight. No
// receiver has its files before that: one that only looks waits for scmLock too.
func (s *Socket) settle(r *Receipt, landed []*fs.File, uid uint32) {
	if landed == nil && (r.Files == nil || !r.Peek) {
		return
	}
	scmLock.Lock()
	land(landed, uid)
	scmLock.Unlock()
}

// dup takes a second reference to each of files.
func dup(files []*fs.File) []*fs.File {
	if files == nil {
		return nil
	}
	d := make([]*fs.File, len(files))
	for k, f := range files {
		d[k] = f.Get()
	}
	return d
}

func putAll(files []*fs.File) {
	for _, f := range files {
		f.Put()
	}
}

// discarder is a goroutine that ends packets which nobody will receive. The files in
// them may be sockets with packets of their own, and so on: they come to this
// list, not deeper down the stack.
type discarder struct {
	who  *locks.Context
	list *Packet
	next *discarder
}

var discarders struct {
	lock  locks.SpinLock
	first *discarder
}

func init() { discarders.lock.Init(locks.FilesLock) }

// discard ends the packets of a list, with their files, and then what nobody can reach
// any more. Takes scmLock, and all that the end of a file takes; may sleep.
func discard(list *Packet) {
	if list == nil && !anyFlying() {
		return
	}
	d := &discarder{who: locks.Current()}
	if !d.enter(list) {
		return
	}
	for {
		for p := d.pop(); p != nil; p = d.pop() {
			if p.files != nil {
				scmLock.Lock()
				land(p.files, p.uid)
				scmLock.Unlock()
				files := p.files
				p.files = nil
				putAll(files)
			}
			p.Done()
		}
		more := garbage()
		if more == nil {
			d.leave()
			return
		}
		d.add(more)
	}
}

// enter begins d's work, unless its goroutine is at such work already, which then gets list.
func (d *discarder) enter(list *Packet) bool {
	discarders.lock.Lock()
	defer discarders.lock.Unlock()
	for o := discarders.first; o != nil; o = o.next {
		if o.who == d.who {
			o.addLocked(list)
			return false
		}
	}
	d.list, d.next = list, discarders.first
	discarders.first = d
	return true
}

// leave ends d's work.
func (d *discarder) leave() {
	discarders.lock.Lock()
	defer discarders.lock.Unlock()
	p := &discarders.first
	for *p != d {
		p = &(*p).next
	}
	*p = d.next
}

func (d *discarder) add(list *Packet) {
	discarders.lock.Lock()
	d.addLocked(list)
	discarders.lock.Unlock()
}

func (d *discarder) addLocked(list *Packet) {
	for list != nil {
		next := list.next
		list.next, d.list = d.list, list
		list = next
	}
}

func (d *discarder) pop() *Packet {
	discarders.lock.Lock()
	defer discarders.lock.Unlock()
	p := d.list
	if p != nil {
		d.list, p.next = p.next, nil
	}
	return p
}
