package fs

import (
	"bytes"
	"sync"
	"syscall"
	"testing"
	"time"

	"yolk/locks"
)

func newPipePair(t *testing.T, flags uint32) (r, w *File) {
	t.Helper()
	r, w, e := NewPipe(RootCred, flags)
	if e != 0 {
		t.Fatal(e)
	}
	return r, w
}

func TestPipe(t *testing.T) {
	r, w := newPipePair(t, syscall.O_NONBLOCK)
	buf := make([]byte, 100)
	if _, e := r.Read(buf); e != syscall.EAGAIN {
		t.Errorf("read of an empty pipe: %v", e)
	}
	if _, e := r.Write(buf); e != syscall.EBADF {
		t.Errorf("write to the read end: %v", e)
	}
	if n, e := w.Write([]byte("hello")); n != 5 || e != 0 {
		t.Errorf("write: %d, %v", n, e)
	}
	if n, _ := r.Read(buf[:3]); string(buf[:n]) != "hel" {
		t.Errorf("read %q", buf[:n])
	}
	if n, e := w.Write(make([]byte, 100<<10)); n != pipeSize-2 || e != 0 {
		t.Errorf("filling write: %d, %v", n, e)
	}
	if _, e := w.Write([]byte("x")); e != syscall.EAGAIN {
		t.Errorf("write to a full pipe: %v", e)
	}
	r.ReadAt(buf, 0)
	if _, e := w.Write(make([]byte, PipeBuf)); e != syscall.EAGAIN {
		t.Errorf("a write of PIPE_BUF bytes was torn: %v", e)
	}
	if _, e := r.Lseek(0, 0); e != syscall.ESPIPE {
		t.Errorf("lseek: %v", e)
	}
	w.Put()
	total := 0
	big := make([]byte, 10000)
	for {
		n, e := r.Read(big)
		if e != 0 || n == 0 {
			want(t, "end", e, 0)
			break
		}
		total += n
	}
	if total != pipeSize-100 {
		t.Errorf("%d bytes were left, want %d", total, pipeSize-100)
	}
	if ev := r.Poll(nil, PollIn); ev != PollHup {
		t.Errorf("poll at the end: %#x", ev)
	}
	r.Put()
}

func TestBrokenPipe(t *testing.T) {
	r, w := newPipePair(t, 0)
	done := make(chan syscall.Errno)
	go func() {
		_, e := w.Write(make([]byte, 2*pipeSize))
		if e != 0 {
			t.Errorf("a write that got somewhere: %v", e)
		}
		_, e = w.Write([]byte("x"))
		done <- e
	}()
	buf := make([]byte, 1000)
	r.Read(buf)
	time.Sleep(10 * time.Millisecond)
	r.Put()
	if e := <-done; e != syscall.EPIPE {
		t.Errorf("write without a reader: %v", e)
	}
	if ev := w.Poll(nil, PollOut); ev&PollErr == 0 {
		t.Errorf("poll without a reader: %#x", ev)
	}
	w.Put()
}

func TestPipeInterrupted(t *testing.T) {
	r, w := newPipePair(t, 0)
	ctx := make(chan *locks.Context)
	done := make(chan syscall.Errno)
	go func() {
		ctx <- locks.Current()
		_, e := r.Read(make([]byte, 1))
		done <- e
	}()
	c := <-ctx
	time.Sleep(5 * time.Millisecond)
	c.Interrupt()
	if e := <-done; e != ERESTARTSYS {
		t.Errorf("interrupted read: %v", e)
	}
	r.Put()
	w.Put()
}

// TestPipeAtomic sends records of PIPE_BUF and less from several writers through
// the ring, and checks that none is torn or lost.
func TestPipeAtomic(t *testing.T) {
	r, w := newPipePair(t, 0)
	const writers, records, size = 4, 200, 1000
	var wg sync.WaitGroup
	for k := range writers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range records {
				if n, e := w.Write(bytes.Repeat([]byte{byte(k)}, size)); n != size || e != 0 {
					t.Errorf("write: %d, %v", n, e)
				}
			}
		}()
	}
	go func() { wg.Wait(); w.Put() }()
	rec := make([]byte, 0, size)
	total := 0
	for buf := make([]byte, 777); ; {
		n, e := r.Read(buf)
		if e != 0 || n == 0 {
			break
		}
		for _, b := range buf[:n] {
			if rec = append(rec, b); len(rec) == size {
				if bytes.Count(rec, rec[:1]) != size {
					t.Fatal("torn record")
				}
				rec = rec[:0]
			}
		}
		total += n
	}
	if total != writers*records*size {
		t.Errorf("%d bytes came through, want %d", total, writers*records*size)
	}
	r.Put()
}

func TestFIFO(t *testing.T) {
	c := newRoot(t)
	want(t, "mkfifo", c.Mknod(nil, "/fifo", syscall.S_IFIFO|0o644, 0), 0)
	if _, e := c.Open(nil, "/fifo", syscall.O_WRONLY|syscall.O_NONBLOCK, 0); e != syscall.ENXIO {
		t.Errorf("open for writing without a reader: %v", e)
	}
	got := make(chan string)
	go func() { got <- contents(t, c, "/fifo") }()
	put(t, c, "/fifo", "through")
	if s := <-got; s != "through" {
		t.Errorf("got %q", s)
	}
}

func TestPipeAllocates(t *testing.T) {
	r, w := newPipePair(t, 0)
	buf := make([]byte, 512)
	w.Write(buf)
	r.Read(buf)
	if n := testing.AllocsPerRun(100, func() { w.Write(buf); r.Read(buf) }); n != 0 {
		t.Errorf("%v allocations for a write and a read", n)
	}
}

// TestPipeUnread: what is put back comes first again, however full the pipe is.
func TestPipeUnread(t *testing.T) {
	r, w := newPipePair(t, syscall.O_NONBLOCK)
	data := make([]byte, pipeSize)
	for k := range data {
		data[k] = byte(k ^ k>>8)
	}
	w.Write(data)
	got := make([]byte, pipeSize)
	r.Read(got[:1000])
	w.Write(data[:1000])
	want(t, "unread", r.PipeUnread(got[:1000]), 0)
	if _, e := w.PipeRoom(true); e != syscall.EAGAIN {
		t.Errorf("room in a pipe that is too full: %v", e)
	}
	want(t, "put", w.PipePut(data[:500]), 0)
	for _, part := range [][]byte{data, data[:1000], data[:500]} {
		n, e := r.Read(got[:len(part)])
		if n != len(part) || e != 0 || !bytes.Equal(got[:n], part) {
			t.Fatalf("read %d of %d, %v", n, len(part), e)
		}
	}
	if room, e := w.PipeRoom(true); room != pipeSize || e != 0 {
		t.Errorf("room in an empty pipe: %d, %v", room, e)
	}
	r.Put()
	_, e := w.PipeRoom(false)
	want(t, "room without a reader", e, syscall.EPIPE)
	want(t, "put without a reader", w.PipePut(data[:1]), syscall.EPIPE)
	w.Put()
}
