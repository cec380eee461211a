package main

import (
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/term"

	"yolk/qemu/machine"
)

// terminal is the user's, during an interactive session. It is raw while a
// program runs: every key goes to the guest, whose terminal driver gives it a
// meaning. The escape character leaves a way out of a guest that listens no more.
type terminal struct {
	in, out *os.File
	sizes   chan machine.Window

	mu    sync.Mutex
	saved *term.State // while raw; protected by mu
	over  bool        // no raw mode any more; protected by mu
}

// openTerminal returns nil unless both files are terminals.
func openTerminal(in, out *os.File) *terminal {
	if !term.IsTerminal(int(in.Fd())) || !term.IsTerminal(int(out.Fd())) {
		return nil
	}
	t := &terminal{in: in, out: out, sizes: make(chan machine.Window, 1)}
	t.sizes <- t.size()
	changed := make(chan os.Signal, 1)
	signal.Notify(changed, syscall.SIGWINCH)
	go func() {
		for range changed {
			t.sizes <- t.size()
		}
	}()
	return t
}

// size falls back to that of a VT100.
func (t *terminal) size() machine.Window {
	cols, rows, err := term.GetSize(int(t.out.Fd()))
	if err != nil || cols <= 0 || rows <= 0 {
		cols, rows = 80, 24
	}
	return machine.Window{Rows: uint16(rows), Cols: uint16(cols)}
}

// raw takes the terminal over.
func (t *terminal) raw() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over || t.saved != nil {
		return
	}
	if s, err := term.MakeRaw(int(t.in.Fd())); err == nil {
		t.saved = s
	}
}

// restore gives the terminal back, for good.
func (t *terminal) restore() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	if t.saved != nil {
		_ = term.Restore(int(t.in.Fd()), t.saved)
		t.saved = nil
	}
}

// lines is for text that was not written for a raw terminal (the kernel's log):
// it starts every line at the left margin.
func (t *terminal) lines(w io.Writer) io.Writer { return &lineWriter{w: w} }

type lineWriter struct{ w io.Writer }

func (l *lineWriter) Write(p []byte) (int, error) {
	out := make([]byte, 0, len(p)+16)
	for _, b := range p {
		if b == '\n' {
			out = append(out, '\r')
		}
		out = append(out, b)
	}
	if _, err := l.w.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

const escapeKey = 'A' & 0x1f // Ctrl-A, as QEMU's own console uses it

// input is the keyboard, without the escapes: Ctrl-A x calls quit, Ctrl-A Ctrl-A
// is one Ctrl-A, and Ctrl-A before anything else is passed on with it.
func (t *terminal) input(quit func()) io.Reader {
	return &keyboard{r: t.in, quit: quit}
}

type keyboard struct {
	r       io.Reader
	quit    func()
	escaped bool // the last byte read was the escape
}

func (k *keyboard) Read(p []byte) (int, error) {
	if len(p) < 2 {
		return 0, io.ErrShortBuffer
	}
	// Half of the room: an escape that turns out to be none is put back.
	buf := make([]byte, len(p)/2)
	for {
		n, err := k.r.Read(buf)
		out := k.filter(p[:0], buf[:n])
		if len(out) > 0 || err != nil {
			return len(out), err
		}
	}
}

func (k *keyboard) filter(out, in []byte) []byte {
	for _, b := range in {
		switch {
		case !k.escaped && b == escapeKey:
			k.escaped = true
		case k.escaped && b == 'x':
			k.escaped = false
			k.quit()
		case k.escaped && b != escapeKey:
			k.escaped = false
			out = append(out, escapeKey, b)
		default:
			k.escaped = false
			out = append(out, b)
		}
	}
	return out
}
