package fs

import (
	"bytes"
	"sync"
	"syscall"
	"testing"
	"time"
)

// screen is a ConsoleBackend that remembers.
type screen struct {
	mu   sync.Mutex
	text [3]bytes.Buffer
}

func (s *screen) Write(stream int, p []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text[stream].Write(p)
}

func (s *screen) take(stream int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.text[stream].Reset()
	return s.text[stream].String()
}

// kernelMem lets the test's own bytes stand for a program's memory.
type kernelMem struct{ b []byte }

func (k kernelMem) CopyIn(dst []byte, addr uintptr) syscall.Errno {
	copy(dst, k.b[addr:])
	return 0
}

func (k kernelMem) CopyOut(addr uintptr, src []byte) syscall.Errno {
	copy(k.b[addr:], src)
	return 0
}

// TestConsole first uses the console as plain streams, then as a terminal.
func TestConsole(t *testing.T) {
	newRoot(t)
	s := new(screen)
	SetConsole(s)
	mem := kernelMem{make([]byte, 100)}
	buf := make([]byte, 100)

	std, e := OpenStdio(true)
	if e != 0 {
		t.Fatal(e)
	}
	std[1].Write([]byte("out\n"))
	std[2].Write([]byte("err\n"))
	if o, e := s.take(1), s.take(2); o != "out\n" || e != "err\n" {
		t.Errorf("streams carried %q and %q", o, e)
	}
	if _, e := std[0].ops.Ioctl(std[0], TCGETS, mem, 0); e != syscall.ENOTTY {
		t.Errorf("TCGETS of a stream: %v", e)
	}
	long := bytes.Repeat([]byte("0123456789"), 3*streamSize/10)
	go func() {
		ConsolePush(long)
		ConsoleEOF()
	}()
	if got := readAll(t, std[0]); got != string(long) {
		t.Errorf("%d bytes of input came through, want %d", len(got), len(long))
	}

	var hit syscall.Signal
	SetTTYHooks(TTYHooks{
		Signal:     func(pgrp int, sig syscall.Signal) { hit = sig },
		Caller:     func() (int, int) { return 10, 5 },
		Background: func(syscall.Signal) syscall.Errno { return syscall.EIO },
	})
	defer func() { // for the other tests
		SetTTYHooks(TTYHooks{})
		SetForeground(0, 0)
		console.isTTY.Store(false)
	}()
	console.eof = false
	ConsoleSetWinsize(24, 80)
	SetForeground(5, 10)
	tty, e := OpenStdio(false)
	if e != 0 {
		t.Fatal(e)
	}
	tty[1].Write([]byte("a\nb"))
	tty[2].Write([]byte("\n"))
	if o, e := s.take(1), s.take(2); o != "a\r\nb" || e != "\r\n" {
		t.Errorf("terminal carried %q and %q", o, e)
	}
	one, e := OpenStdio(true)
	if e != 0 {
		t.Fatal(e)
	}
	one[1].Write([]byte("a"))
	one[2].Write([]byte("b"))
	if o, e := s.take(1), s.take(2); o != "ab" || e != "" {
		t.Errorf("one screen carried %q and %q", o, e)
	}
	go func() {
		time.Sleep(time.Millisecond)
		ConsolePush([]byte("li\x7fne\r"))
	}()
	if n, e := tty[0].Read(buf); string(buf[:n]) != "lne\n" || e != 0 {
		t.Errorf("read %q, %v", buf[:n], e)
	}
	time.Sleep(5 * time.Millisecond)
	if echo := s.take(1); echo != "li\b \bne\r\n" {
		t.Errorf("echo %q", echo)
	}
	ConsolePush([]byte{3})
	if hit != syscall.SIGINT {
		t.Errorf("Ctrl-C sent %v", hit)
	}
	if _, e := tty[0].ops.Ioctl(tty[0], TIOCGWINSZ, mem, 0); e != 0 || mem.b[0] != 24 || mem.b[2] != 80 {
		t.Errorf("window size %v, %v", mem.b[:8], e)
	}
	mem.b[0] = 99 // TIOCSPGRP: another group comes to the foreground
	mem.b[1], mem.b[2], mem.b[3] = 0, 0, 0
	tty[0].ops.Ioctl(tty[0], TIOCSPGRP, mem, 0)
	if _, e := tty[0].Read(buf); e != syscall.EIO {
		t.Errorf("read in the background: %v", e)
	}
	if f, e := rootCaller().Open(nil, "/dev/tty", syscall.O_RDWR, 0); e != 0 {
		t.Errorf("/dev/tty: %v", e)
	} else {
		f.Put()
	}
}
