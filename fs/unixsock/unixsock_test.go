package unixsock

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"weak"

	"yolk/arch"
	"yolk/fs"
	"yolk/locks"
	"yolk/mm"
)

func TestMain(m *testing.M) {
	arch.InitSoft(4096, 2)
	mm.Init(mm.Config{})
	if err := fs.Init(nil); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// want fails the test if e is not the expected errno.
func want(t *testing.T, what string, e, expected syscall.Errno) {
	t.Helper()
	if e != expected {
		t.Errorf("%s: errno %d (%v), want %d (%v)", what, int(e), e, int(expected), expected)
	}
}

func caller() fs.Caller { return fs.Caller{FS: fs.NewContext(), Cred: fs.RootCred} }

func newFile(t testing.TB, typ int) *fs.File {
	t.Helper()
	f, e := New(fs.RootCred, typ, 0)
	if e != 0 {
		t.Fatal(e)
	}
	return f
}

func newPair(t testing.TB, typ int, flags uint32) (a, b *fs.File) {
	t.Helper()
	a, b, e := NewPair(fs.RootCred, typ, flags, Cred{1, 2, 3})
	if e != 0 {
		t.Fatal(e)
	}
	return a, b
}

// send sends text with files, of which it takes references.
func send(f *fs.File, text string, files ...*fs.File) syscall.Errno {
	s, m := Of(f), Message{Cred: Cred{7, 8, 9}, UID: 8, Wait: locks.Forever}
	for _, x := range files {
		x.Get()
	}
	if len(files) > 0 {
		if e := Launch(files, 8, 1000, false); e != 0 {
			putAll(files)
			return e
		}
		m.Files = files
	}
	defer m.Close()
	if !s.Packets() {
		_, e := s.Give([]byte(text), &m)
		return e
	}
	p, e := s.NewPacket(len(text), &m, false)
	if e != 0 {
		return e
	}
	copy(p.Bytes(), text)
	if e = s.Send(fs.Caller{}, p, &m, "", false); e != 0 {
		p.Done()
	}
	return e
}

// recv receives what is there of up to size bytes, and says with which files.
func recv(f *fs.File, size int, peek bool) (text string, files []*fs.File, e syscall.Errno) {
	s, r := Of(f), Receipt{Peek: peek}
	if !s.Packets() {
		b := make([]byte, size)
		n, e := s.Take(b, &r, true)
		return string(b[:n]), r.Files, e
	}
	p, e := s.Receive(&r)
	if p == nil {
		return "", nil, e
	}
	text = string(p.Bytes())
	p.Done()
	return text[:min(size, len(text))], r.Files, 0
}

// empty checks that nothing is left of a test.
func empty(t *testing.T) {
	t.Helper()
	if n := sockets.Load(); n != 0 {
		t.Errorf("%d sockets are left", n)
	}
	if n := queued.Load(); n != 0 {
		t.Errorf("%d bytes are left in queues", n)
	}
	if flying.total != 0 || len(flying.users) != 0 || len(flying.sockets) != 0 {
		t.Errorf("left in flight: %+v", flying)
	}
	if all.first != nil || all.last != nil || len(names.abstract) != 0 || len(names.paths) != 0 {
		t.Errorf("left: %v %v", all, names)
	}
	if discarders.first != nil {
		t.Error("somebody is still discarding")
	}
}

func TestStream(t *testing.T) {
	a, b := newPair(t, Stream, syscall.O_NONBLOCK)
	buf := make([]byte, 100)
	if _, e := b.Read(buf); e != syscall.EAGAIN {
		t.Errorf("read of nothing: %v", e)
	}
	for _, text := range []string{"one", "two", strings.Repeat("x", 10000)} {
		if n, e := a.Write([]byte(text)); n != len(text) || e != 0 {
			t.Errorf("write: %d, %v", n, e)
		}
	}
	if n, _ := b.Read(buf[:5]); string(buf[:n]) != "onetw" {
		t.Errorf("read %q", buf[:n])
	}
	if n := Of(b).waiting(); n != 10001 {
		t.Errorf("%d bytes wait", n)
	}
	a.Put()
	total := 0
	for {
		n, e := b.Read(buf)
		if total += n; n == 0 {
			want(t, "end", e, 0)
			break
		}
	}
	if total != 10001 {
		t.Errorf("%d bytes were left", total)
	}
	_, e := b.Write(buf)
	want(t, "write to nobody", e, syscall.EPIPE)
	b.Put()
	empty(t)
}

func TestMessages(t *testing.T) {
	for _, typ := range []int{Datagram, SeqPacket} {
		a, b := newPair(t, typ, 0)
		long := strings.Repeat("long", 30000)
		for _, text := range []string{"one", "", long} {
			want(t, "send", send(a, text), 0)
		}
		for _, text := range []string{"one", "", long} {
			if peeked, _, e := recv(b, 1<<20, true); peeked != text || e != 0 {
				t.Errorf("peeked at %d bytes, %v", len(peeked), e)
			}
			if got, _, e := recv(b, 1<<20, false); got != text || e != 0 {
				t.Errorf("got %d bytes, %v", len(got), e)
			}
		}
		want(t, "too long", send(a, strings.Repeat("x", bufferDefault)), syscall.EMSGSIZE)
		a.Put()
		b.Put()
		empty(t)
	}
}

// TestSendingAllocatesNothing: nor does receiving, while the receiver keeps up.
func TestSendingAllocatesNothing(t *testing.T) {
	defer empty(t)
	for _, typ := range []int{Stream, Datagram, SeqPacket} {
		for _, size := range []int{1, smallPacket, smallPacket + 1, bigPacket} {
			a, b := newPair(t, typ, 0)
			sa, sb := Of(a), Of(b)
			out, in := make([]byte, size), make([]byte, size)
			round := func() {
				m, r := Message{Wait: locks.Forever}, Receipt{Wait: locks.Forever}
				if typ == Stream {
					sa.Give(out, &m)
					sb.Take(in, &r, true)
					return
				}
				p, _ := sa.NewPacket(size, &m, false)
				copy(p.Bytes(), out)
				sa.Send(fs.Caller{}, p, &m, "", false)
				p, _ = sb.Receive(&r)
				copy(in, p.Bytes())
				p.Done()
			}
			if n := testing.AllocsPerRun(100, round); n != 0 && !raceDetector {
				t.Errorf("type %d, %d bytes: %v allocations", typ, size, n)
			}
			a.Put()
			b.Put()
		}
	}
}

func TestNames(t *testing.T) {
	defer empty(t)
	c := caller()
	for _, name := range []Name{"/sock", "\x00abstract"} {
		f := newFile(t, Stream)
		s := Of(f)
		want(t, "listen without a name", s.Listen(1, Cred{}), syscall.EINVAL)
		want(t, "bind", s.Bind(c, name), 0)
		want(t, "bind again", s.Bind(c, name), syscall.EINVAL)
		g := newFile(t, Stream)
		want(t, "the same name", Of(g).Bind(c, name), syscall.EADDRINUSE)
		want(t, "connect", Of(g).Connect(c, name, Cred{}, 0), syscall.ECONNREFUSED)
		want(t, "listen", s.Listen(0, Cred{4, 5, 6}), 0)
		want(t, "connect", Of(g).Connect(c, name, Cred{1, 2, 3}, 0), 0)
		h := newFile(t, Stream)
		want(t, "connect to a full queue", Of(h).Connect(c, name, Cred{}, 0), syscall.EAGAIN)
		end, es, e := s.Accept(fs.RootCred, 0, 0)
		want(t, "accept", e, 0)
		if es.PeerCred() != (Cred{1, 2, 3}) || Of(g).PeerCred() != (Cred{4, 5, 6}) {
			t.Errorf("peers: %v, %v", es.PeerCred(), Of(g).PeerCred())
		}
		f.Put()
		want(t, "connect to nobody", Of(h).Connect(c, name, Cred{}, 0), syscall.ECONNREFUSED)
		if es.Name() != name {
			t.Errorf("an accepted socket has the name %q", es.Name())
		}
		for _, f := range []*fs.File{g, h, end} {
			f.Put()
		}
	}
	f := newFile(t, Datagram)
	want(t, "autobind", Of(f).Autobind(), 0)
	if text, next := writeSockets(nil, 0); next != 0 || !strings.Contains(string(text), " @"+string(Of(f).Name()[1:])+"\n") {
		t.Errorf("/proc/net/unix:\n%s", text)
	}
	f.Put()
}

// TestPieces reads /proc/net/unix in pieces.
func TestPieces(t *testing.T) {
	defer empty(t)
	var files []*fs.File
	for range 3*pieceSockets + 5 {
		files = append(files, newFile(t, Stream))
	}
	text, next := writeSockets(nil, 0)
	pieces := 1
	for ; next != 0; pieces++ {
		text, next = writeSockets(text, next)
	}
	if n := strings.Count(string(text), "\n"); n != len(files)+1 || pieces != 4 {
		t.Errorf("%d lines in %d pieces", n, pieces)
	}
	for _, f := range files {
		f.Put()
	}
}

// TestBounds takes all there is of sockets, and of room in queues.
func TestBounds(t *testing.T) {
	defer empty(t)
	var files []*fs.File
	for {
		f, e := New(fs.RootCred, Stream, 0)
		if e != 0 {
			want(t, "one socket too many", e, syscall.ENFILE)
			break
		}
		files = append(files, f)
	}
	if len(files) != int(maxSockets()) {
		t.Errorf("%d sockets, want %d", len(files), maxSockets())
	}
	for _, f := range files {
		f.Put()
	}
	files = nil
	e := syscall.Errno(0)
	for e == 0 || e == syscall.EAGAIN {
		a, b := newPair(t, Stream, syscall.O_NONBLOCK)
		files = append(files, a, b)
		for e = 0; e == 0; {
			_, e = a.Write(make([]byte, 10000))
		}
	}
	want(t, "one byte too many", e, syscall.ENOBUFS)
	if n := queued.Load(); n > maxQueued() || n < maxQueued()-2*bigPacket {
		t.Errorf("%d bytes in queues, want %d", n, maxQueued())
	}
	for _, f := range files {
		f.Put()
	}
}

// TestBoundOfFlight sends more files than a user, or anybody, may have in flight.
func TestBoundOfFlight(t *testing.T) {
	defer empty(t)
	a, b := newPair(t, Datagram, 0)
	want(t, "SO_SNDBUF", Of(a).SetOption(SoSndBuf, 1<<20, true), 0)
	x := newFile(t, Stream)
	files := func(n int) (l []*fs.File) {
		for range n {
			l = append(l, x)
		}
		return l
	}
	for n := 0; n < 1000; n += 100 {
		want(t, "send", send(a, "x", files(100)...), 0)
	}
	want(t, "as many as there may be, but not more", send(a, "x", files(1)...), 0)
	want(t, "more than one user may", send(a, "x", files(1)...), syscall.ETOOMANYREFS)
	if e := Launch(files(int(maxInFlight())), 3, 1, true); e != syscall.ETOOMANYREFS {
		t.Errorf("more than all may: %v", e)
	}
	if n := x.Refs(); n != 1002 {
		t.Errorf("%d references", n)
	}
	for _, f := range []*fs.File{a, b, x} {
		f.Put()
	}
}

func TestRights(t *testing.T) {
	defer empty(t)
	for _, typ := range []int{Stream, Datagram, SeqPacket} {
		a, b := newPair(t, typ, 0)
		x := newFile(t, Stream)
		want(t, "send", send(a, "text", x, a), 0)
		for _, peek := range []bool{true, false} {
			text, files, e := recv(b, 10, peek)
			if text != "text" || len(files) != 2 || files[0] != x || files[1] != a || e != 0 {
				t.Fatalf("got %q, %v, %v", text, files, e)
			}
			putAll(files)
		}
		if x.Refs() != 1 || a.Refs() != 1 || Of(a).inflight != 0 {
			t.Errorf("references: %d %d, in flight %d", x.Refs(), a.Refs(), Of(a).inflight)
		}
		// Of a message that cannot be sent.
		b.Put()
		if e := send(a, "x", x); e == 0 {
			t.Error("nobody is there, and it was sent")
		}
		if x.Refs() != 1 {
			t.Errorf("%d references", x.Refs())
		}
		a.Put()
		x.Put()
	}
}

// TestStreamStopsBehindFiles: a call gets the files of one message.
func TestStreamStopsBehindFiles(t *testing.T) {
	defer empty(t)
	a, b := newPair(t, Stream, 0)
	x := newFile(t, Stream)
	want(t, "send", send(a, "abc"), 0)
	want(t, "send", send(a, "def", x), 0)
	want(t, "send", send(a, "ghi", x), 0)
	for _, peek := range []bool{true, false} {
		text, files, _ := recv(b, 100, peek)
		if text != "abcdef" || len(files) != 1 {
			t.Errorf("got %q and %d files", text, len(files))
		}
		putAll(files)
	}
	// In pieces, the end comes where that of the message is.
	r, buf := Receipt{}, make([]byte, 2)
	n, e := Of(b).Take(buf, &r, true)
	if n != 2 || e != 0 || r.End || len(r.Files) != 1 {
		t.Errorf("first piece: %d, %v, %+v", n, e, r)
	}
	want(t, "send", send(a, "jkl"), 0)
	n, e = Of(b).Take(buf, &r, false)
	if n != 1 || e != 0 || !r.End {
		t.Errorf("second piece: %d, %v, %+v", n, e, r)
	}
	putAll(r.Files)
	for _, f := range []*fs.File{a, b, x} {
		f.Put()
	}
}

// TestCircles makes sockets that nobody can reach, and some that somebody can.
func TestCircles(t *testing.T) {
	defer empty(t)
	canary := newFile(t, Stream)
	// In its own queue.
	a, b := newPair(t, Stream, 0)
	want(t, "send", send(a, "x", b, canary), 0)
	a.Put()
	b.Put()
	// In a ring of many.
	var near, far []*fs.File
	for range 50 {
		a, b := newPair(t, SeqPacket, 0)
		near, far = append(near, a), append(far, b)
	}
	for k := range near {
		want(t, "send", send(near[k], "x", far[(k+1)%len(far)], canary), 0)
	}
	// What waits to be accepted by one that lies in its queue.
	l, c := newFile(t, Stream), newFile(t, Stream)
	want(t, "bind", Of(l).Bind(fs.Caller{}, "\x00l"), 0)
	want(t, "listen", Of(l).Listen(3, Cred{}), 0)
	want(t, "connect", Of(c).Connect(fs.Caller{}, "\x00l", Cred{}, 0), 0)
	want(t, "send", send(c, "x", l, canary), 0)
	l.Put()
	c.Put()
	putAll(near)
	for _, f := range far[1:] {
		f.Put()
	}
	Collect()
	if n := canary.Refs(); n != 1+50 {
		t.Errorf("%d references, want those of the ring, which can be reached", n)
	}
	// The one that is held leads to all others.
	f := far[0]
	for k := range far {
		text, files, e := recv(f, 1, false)
		if text != "x" || len(files) != 2 || e != 0 {
			t.Fatalf("link %d: %q, %v, %v", k, text, files, e)
		}
		f.Put()
		f = files[0]
		files[1].Put()
	}
	f.Put()
	if n := canary.Refs(); n != 1 {
		t.Errorf("%d references, want 1", n)
	}
	canary.Put()
}

// TestChain ends a socket in the queue of a socket, and so on: on no deep stack.
func TestChain(t *testing.T) {
	defer empty(t)
	canary := newFile(t, Stream)
	hold := canary.Get()
	for range 300 {
		a, b := newPair(t, Datagram, 0)
		want(t, "send", send(a, "x", hold), 0)
		hold.Put()
		a.Put()
		hold = b
	}
	hold.Put()
	if n := canary.Refs(); n != 1 {
		t.Errorf("%d references", n)
	}
	canary.Put()
}

// TestCollectorAgainstReceivers: what can be received is no garbage, at any moment.
func TestCollectorAgainstReceivers(t *testing.T) {
	defer empty(t)
	a, b := newPair(t, Stream, 0)
	var stop atomic.Bool
	var wg sync.WaitGroup
	wg.Add(2)
	go func() {
		defer wg.Done()
		for !stop.Load() {
			x, y := newPair(t, Datagram, 0)
			want(t, "send", send(x, "x", y), 0)
			x.Put()
			y.Put()
			Collect()
		}
	}()
	go func() {
		defer wg.Done()
		for range 500 {
			x, y := newPair(t, Datagram, 0)
			want(t, "send", send(x, "inner", x), 0)
			want(t, "send", send(a, "y", y), 0)
			x.Put()
			y.Put()
		}
	}()
	take := func(peek bool) *fs.File {
		r := Receipt{Wait: locks.Forever, Peek: peek}
		if _, e := Of(b).Take(make([]byte, 1), &r, true); e != 0 || len(r.Files) != 1 {
			t.Fatalf("message: %v, %v", r.Files, e)
		}
		return r.Files[0]
	}
	for k := range 500 {
		if k%3 == 0 {
			take(true).Put()
		}
		y := take(false)
		text, files, e := recv(y, 10, false)
		if text != "inner" || len(files) != 1 || e != 0 {
			t.Fatalf("message %d: %q, %v, %v", k, text, files, e)
		}
		putAll(files)
		y.Put()
	}
	stop.Store(true)
	wg.Wait()
	a.Put()
	b.Put()
}

// TestNoWakeUpIsLost passes streams and messages through buffers that are soon full.
func TestNoWakeUpIsLost(t *testing.T) {
	defer empty(t)
	for _, typ := range []int{Stream, Datagram, SeqPacket} {
		a, b := newPair(t, typ, 0)
		want(t, "SO_SNDBUF", Of(a).SetOption(SoSndBuf, 0, false), 0)
		const size, n = 1000, 3000
		go func() {
			for k := range n {
				if e := send(a, strings.Repeat(string(rune('a'+k%26)), size)); e != 0 {
					t.Errorf("message %d: %v", k, e)
				}
			}
			Of(a).Shutdown(syscall.SHUT_WR)
			if typ == Datagram { // whose peer is not told
				Of(b).Shutdown(syscall.SHUT_RD)
			}
		}()
		total := 0
		buf := make([]byte, size)
		for {
			k, e := b.Read(buf)
			if e != 0 {
				t.Fatal(e)
			}
			if k == 0 {
				break
			}
			if typ != Stream && (k != size || buf[0] != byte('a'+total/size%26) || buf[size-1] != buf[0]) {
				t.Fatalf("message %d is torn: %d bytes, %q", total/size, k, buf[:3])
			}
			total += k
		}
		for typ == Datagram && Of(b).waiting() > 0 {
			k, _ := b.Read(buf)
			total += k
		}
		if total != size*n {
			t.Errorf("type %d: %d bytes of %d", typ, total, size*n)
		}
		a.Put()
		b.Put()
	}
}

// TestLastBytesComeBeforeTheEnd: they were sent before it.
func TestLastBytesComeBeforeTheEnd(t *testing.T) {
	defer empty(t)
	var wg sync.WaitGroup
	for k := range 4000 {
		a, b := newPair(t, []int{Stream, SeqPacket}[k%2], 0)
		wg.Go(func() {
			send(a, "x")
			a.Put()
		})
		buf := make([]byte, 1)
		if n, e := b.Read(buf); n != 1 || e != 0 {
			t.Fatalf("round %d: %d bytes, %v", k, n, e)
		}
		if n, e := b.Read(buf); n != 0 || e != 0 {
			t.Fatalf("round %d: at the end %d bytes, %v", k, n, e)
		}
		b.Put()
	}
	wg.Wait()
}

// TestConnectAgainstAccept has many of each, and a listener that ends in the middle.
func TestConnectAgainstAccept(t *testing.T) {
	defer empty(t)
	for round := range 20 {
		l := newFile(t, Stream)
		want(t, "bind", Of(l).Bind(fs.Caller{}, "\x00l"), 0)
		want(t, "listen", Of(l).Listen(round%3, Cred{}), 0)
		var wg sync.WaitGroup
		var met, ended atomic.Int32
		for range 3 {
			wg.Add(2)
			go func() {
				defer wg.Done()
				for {
					c := newFile(t, Stream)
					e := Of(c).Connect(fs.Caller{}, "\x00l", Cred{}, locks.Forever)
					if e != 0 {
						want(t, "connect", e, syscall.ECONNREFUSED)
						c.Put()
						return
					}
					if n, e := c.Read(make([]byte, 1)); n == 1 {
						met.Add(1)
					} else if e != 0 && e != syscall.ECONNRESET {
						t.Errorf("read: %v", e)
					}
					c.Put()
				}
			}()
			go func() {
				defer wg.Done()
				defer ended.Add(1)
				for {
					f, _, e := Of(l).Accept(fs.RootCred, 0, locks.Forever)
					if e != 0 {
						want(t, "accept", e, syscall.EINVAL)
						return
					}
					f.Write([]byte("x"))
					f.Put()
				}
			}()
		}
		time.Sleep(time.Millisecond)
		Of(l).Shutdown(syscall.SHUT_RDWR)
		for ended.Load() < 3 {
			time.Sleep(100 * time.Microsecond)
		}
		l.Put()
		wg.Wait()
	}
}

func TestInterrupted(t *testing.T) {
	defer empty(t)
	a, b := newPair(t, Stream, 0)
	for _, c := range []struct {
		limit time.Duration
		want  syscall.Errno
	}{{0, fs.ERESTARTSYS}, {time.Hour, syscall.EINTR}} {
		Of(a).SetTimeout(SoRcvTimeo, c.limit)
		ctx, done := make(chan *locks.Context), make(chan syscall.Errno)
		go func() {
			ctx <- locks.Current()
			_, e := a.Read(make([]byte, 1))
			done <- e
		}()
		who := <-ctx
		for asleep := false; !asleep; asleep, _ = who.Asleep() {
			time.Sleep(100 * time.Microsecond)
		}
		who.Interrupt()
		want(t, fmt.Sprint("limit ", c.limit), <-done, c.want)
	}
	Of(a).SetTimeout(SoRcvTimeo, time.Millisecond)
	_, e := a.Read(make([]byte, 1))
	want(t, "time out", e, syscall.EAGAIN)
	a.Put()
	b.Put()
}

func TestPoll(t *testing.T) {
	defer empty(t)
	const everything = ^fs.PollEvents(fs.PollRdNorm | fs.PollWrNorm | fs.PollWrBand)
	a, b := newPair(t, Stream, syscall.O_NONBLOCK)
	check := func(what string, f *fs.File, events fs.PollEvents) {
		t.Helper()
		if got := f.Poll(nil, everything); got&everything != events {
			t.Errorf("%s: %#x, want %#x", what, got, events)
		}
	}
	check("a new pair", a, fs.PollOut)
	a.Write([]byte("x"))
	check("with a byte", b, fs.PollIn|fs.PollOut)
	for e := syscall.Errno(0); e == 0; {
		_, e = a.Write(make([]byte, 4096))
	}
	check("full", a, 0)
	Of(b).Shutdown(syscall.SHUT_WR)
	check("the other end sends no more", a, fs.PollIn|fs.PollRdHup)
	b.Put()
	check("the other end is gone, with what it had not read", a, fs.PollIn|fs.PollOut|fs.PollRdHup|fs.PollHup|fs.PollErr)
	a.Put()
	r, s := newFile(t, Datagram), newFile(t, Datagram)
	want(t, "bind", Of(r).Bind(fs.Caller{}, "\x00r"), 0)
	want(t, "connect", Of(s).Connect(fs.Caller{}, "\x00r", Cred{}, 0), 0)
	check("a connected one", s, fs.PollOut)
	for range queueLength + 1 {
		want(t, "send", send(s, "x"), 0)
	}
	check("whose peer's queue is full", s, 0)
	recv(r, 1, false)
	check("no more", s, fs.PollOut)
	r.Put()
	s.Put()
}

// TestEndedSocketsAreForgotten: who knows of a socket that has ended keeps no others. They
// did once, one the next, as each still knew its neighbours in the list of all: circles of
// sockets, thrown away one after the other, filled the memory.
func TestEndedSocketsAreForgotten(t *testing.T) {
	defer empty(t)
	var first *Socket
	var later []weak.Pointer[Socket]
	for range 100 {
		a, b := newPair(t, Stream, 0)
		if first == nil {
			first = Of(b)
		} else {
			later = append(later, weak.Make(Of(b)))
		}
		want(t, "send", send(a, "x", b), 0)
		a.Put()
		b.Put()
	}
	Collect()
	runtime.GC()
	kept := 0
	for _, w := range later {
		if w.Value() != nil {
			kept++
		}
	}
	if kept > 1 { // the last may still be named by a packet that waits to be used again
		t.Errorf("%d of %d sockets are still there", kept, len(later))
	}
	runtime.KeepAlive(first)
}
