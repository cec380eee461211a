package fs

import (
	"sync"
	"syscall"
	"testing"
	"time"

	"yolk/locks"
)

// epollSet is an epoll instance with one pipe in it.
func epollSet(t *testing.T, events uint32) (ep, r, w *File) {
	t.Helper()
	ep, e := NewEpoll()
	if e != 0 {
		t.Fatal(e)
	}
	r, w = newPipePair(t, syscall.O_NONBLOCK)
	want(t, "add", EpollCtl(ep, EpollCtlAdd, r, 3, EpollEvent{Events: events, Data: 77}), 0)
	return ep, r, w
}

// ready is how many events a wait without time finds.
func ready(t *testing.T, ep *File) int {
	t.Helper()
	var ev [4]EpollEvent
	n, e := EpollWait(ep, ev[:], 0)
	want(t, "wait", e, 0)
	for _, x := range ev[:n] {
		if x.Data != 77 {
			t.Errorf("data %d", x.Data)
		}
	}
	return n
}

func TestEpollModes(t *testing.T) {
	buf := make([]byte, 10)
	for _, tc := range []struct {
		name   string
		events uint32
		// events found: before a write, after it, again, after another write, after reading all
		found [5]int
	}{
		{"level", uint32(PollIn), [5]int{0, 1, 1, 1, 0}},
		{"edge", uint32(PollIn) | EpollET, [5]int{0, 1, 0, 1, 0}},
		{"oneshot", uint32(PollIn) | EpollOneShot, [5]int{0, 1, 0, 0, 0}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ep, r, w := epollSet(t, tc.events)
			var found [5]int
			found[0] = ready(t, ep)
			w.Write([]byte("x"))
			found[1] = ready(t, ep)
			found[2] = ready(t, ep)
			w.Write([]byte("y"))
			found[3] = ready(t, ep)
			r.Read(buf)
			found[4] = ready(t, ep)
			if found != tc.found {
				t.Errorf("found %v, want %v", found, tc.found)
			}
			w.Put()
			r.Put()
			ep.Put()
		})
	}
}

func TestEpollCtl(t *testing.T) {
	c := newRoot(t, member{name: "f", mode: fileMode})
	ep, r, w := epollSet(t, uint32(PollIn))
	file, _ := c.Open(nil, "/f", 0, 0)
	outer, _ := NewEpoll()
	third, _ := NewEpoll()
	in := EpollEvent{Events: uint32(PollIn), Data: 77}
	for _, tc := range []struct {
		what  string
		ep    *File
		op    int
		f     *File
		fd    int
		event EpollEvent
		e     syscall.Errno
	}{
		{"add again", ep, EpollCtlAdd, r, 3, in, syscall.EEXIST},
		{"add under another number", ep, EpollCtlAdd, r, 4, in, 0},
		{"delete what is not there", ep, EpollCtlDel, w, 3, in, syscall.ENOENT},
		{"modify what is not there", ep, EpollCtlMod, w, 3, in, syscall.ENOENT},
		{"itself", ep, EpollCtlAdd, ep, 5, in, syscall.EINVAL},
		{"no instance", r, EpollCtlAdd, w, 5, in, syscall.EINVAL},
		{"a regular file", ep, EpollCtlAdd, file, 5, in, syscall.EPERM},
		{"operation", ep, 9, w, 5, in, syscall.EINVAL},
		{"nested", outer, EpollCtlAdd, ep, 6, in, 0},
		{"a circle", ep, EpollCtlAdd, outer, 7, in, syscall.ELOOP},
		{"too deep", third, EpollCtlAdd, outer, 7, in, syscall.ELOOP},
		{"delete", ep, EpollCtlDel, r, 4, in, 0},
	} {
		want(t, tc.what, EpollCtl(tc.ep, tc.op, tc.f, tc.fd, tc.event), tc.e)
	}
	w.Write([]byte("x"))
	if ready(t, outer) != 1 {
		t.Error("an instance in an instance is not ready")
	}
	r.Put()
	if ready(t, ep) != 0 || len(epollOf(ep).items) != 0 {
		t.Error("a closed file is still in the set")
	}
	for _, f := range []*File{ep, w, file, outer, third} {
		f.Put()
	}
}

func TestEpollWaits(t *testing.T) {
	ep, r, w := epollSet(t, uint32(PollIn))
	var ev [1]EpollEvent
	start := time.Now()
	if n, e := EpollWait(ep, ev[:], 20*time.Millisecond); n != 0 || e != 0 || time.Since(start) < 15*time.Millisecond {
		t.Errorf("wait with nothing ready: %d, %v after %v", n, e, time.Since(start))
	}
	go func() {
		time.Sleep(5 * time.Millisecond)
		w.Write([]byte("x"))
	}()
	if n, e := EpollWait(ep, ev[:], -1); n != 1 || e != 0 {
		t.Errorf("wait: %d, %v", n, e)
	}
	for _, f := range []*File{ep, r, w} {
		f.Put()
	}
}

// pokedFile is ready for ever, and is woken in the midst of being looked at.
type pokedFile struct {
	NoFile
	wq locks.WaitQueue
}

func (x *pokedFile) Poll(_ *File, t *PollTable) PollEvents {
	t.Add(&x.wq)
	x.wq.WakeAll()
	return PollIn
}

// TestEpollWokenWhileLooking: a file that a waker puts on the ready list while
// collect looks at it is reported once, and the call returns.
func TestEpollWokenWhileLooking(t *testing.T) {
	ep, e := NewEpoll()
	want(t, "epoll", e, 0)
	f, e := newAnonFile("poked", syscall.O_RDWR, &pokedFile{})
	want(t, "file", e, 0)
	want(t, "add", EpollCtl(ep, EpollCtlAdd, f, 3, EpollEvent{Events: uint32(PollIn), Data: 77}), 0)
	for range 3 {
		if n := ready(t, ep); n != 1 {
			t.Errorf("%d events, want 1", n)
		}
	}
	f.Put()
	ep.Put()
}

// TestEpollParallel closes files while others wait for and write to them.
func TestEpollParallel(t *testing.T) {
	ep, _ := NewEpoll()
	var wg sync.WaitGroup
	for k := range 3 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for n := range 200 {
				r, w, _ := NewPipe(RootCred, syscall.O_NONBLOCK)
				EpollCtl(ep, EpollCtlAdd, r, k*1000+n, EpollEvent{Events: uint32(PollIn)})
				w.Write([]byte("x"))
				EpollCtl(ep, EpollCtlMod, r, k*1000+n, EpollEvent{Events: uint32(PollIn) | EpollET})
				w.Put()
				r.Put()
			}
		}()
	}
	stop := make(chan struct{})
	waited := make(chan struct{})
	go func() {
		defer close(waited)
		ev := make([]EpollEvent, 4)
		for {
			select {
			case <-stop:
				return
			default:
				EpollWait(ep, ev, time.Millisecond)
			}
		}
	}()
	wg.Wait()
	close(stop)
	<-waited
	ep.Put()
}

func TestEventFD(t *testing.T) {
	f, _ := NewEventFD(3, false, syscall.O_NONBLOCK)
	buf := make([]byte, 8)
	if n, e := f.Read(buf[:4]); n != 0 || e != syscall.EINVAL {
		t.Errorf("short read: %d, %v", n, e)
	}
	if n, e := f.Read(buf); n != 8 || e != 0 || buf[0] != 3 {
		t.Errorf("read: %d, %v, %v", n, e, buf)
	}
	if _, e := f.Read(buf); e != syscall.EAGAIN {
		t.Errorf("read of nothing: %v", e)
	}
	if f.Poll(nil, PollIn|PollOut) != PollOut {
		t.Error("poll of nothing")
	}
	for k := range buf {
		buf[k] = 0xff
	}
	if _, e := f.Write(buf); e != syscall.EINVAL {
		t.Errorf("write of the largest number: %v", e)
	}
	f.Put()
	s, _ := NewEventFD(2, true, syscall.O_NONBLOCK)
	for range 2 {
		if _, e := s.Read(buf); e != 0 || buf[0] != 1 {
			t.Errorf("semaphore read: %v, %v", buf, e)
		}
	}
	if _, e := s.Read(buf); e != syscall.EAGAIN {
		t.Errorf("semaphore at nothing: %v", e)
	}
	s.Put()
}

func TestPollWait(t *testing.T) {
	r, w := newPipePair(t, 0)
	scan := func(pt *PollTable) int {
		n := 0
		for range 6 { // more than a table holds in itself
			if r.Poll(pt, PollIn) != 0 {
				n++
			}
		}
		return n
	}
	if n, _ := PollWait(scan, 0); n != 0 {
		t.Errorf("%d ready", n)
	}
	go func() {
		time.Sleep(5 * time.Millisecond)
		w.Write([]byte("x"))
	}()
	if n, _ := PollWait(scan, -1); n != 6 {
		t.Errorf("%d ready, want 6", n)
	}
	if r.ops.(*pipeFile).rq.Active() {
		t.Error("the poller is still in the queue")
	}
	r.Put()
	w.Put()
}
