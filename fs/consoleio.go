package fs

import (
	"fmt"
	"syscall"
	"time"

	"yolk/locks"
)

// kill sends sig to a process group; 0 is none.
func (c *consoleState) kill(pgrp int, sig syscall.Signal) {
	if pgrp != 0 && c.hooks.Signal != nil {
		c.hooks.Signal(pgrp, sig)
	}
}

// typed runs one byte through the line discipline and carries out the effects.
// Only the thread in ConsolePush calls it: it owns echoBuf.
func (c *consoleState) typed(b byte) {
	c.lock.Lock()
	c.ld.echo = c.echoBuf[:0]
	c.ld.input(b)
	echo, sig, pgrp := c.ld.echo, c.ld.signal, c.pgrp
	c.ld.echo, c.ld.signal = nil, 0
	wake := c.canRead()
	c.lock.Unlock()
	if wake {
		c.rq.WakeAll()
	}
	c.wq.WakeAll()
	if sig != 0 {
		c.kill(pgrp, sig)
	}
	if len(echo) > 0 {
		c.send(1, echo)
	}
}

// canRead reports whether a read would return at once. lock held.
func (c *consoleState) canRead() bool {
	if c.isTTY.Load() && c.ld.canRead() {
		return true
	}
	return c.fill > 0 || c.eof
}

// send writes p to an output stream, as the terminal settings say.
func (c *consoleState) send(stream int, p []byte) {
	if c.backend == nil {
		return
	}
	c.lock.Lock()
	t := c.ld.termios
	c.lock.Unlock()
	o := &c.wmu[stream]
	o.mu.Lock()
	defer o.mu.Unlock()
	if !c.isTTY.Load() {
		c.backend.Write(stream, p)
		return
	}
	for len(p) > 0 {
		out, n := t.output(o.buf[:0], p)
		c.backend.Write(stream, out)
		p = p[n:]
	}
}

// consoleFile is the FileOps of open consoles; stream is where writes go.
type consoleFile struct {
	NoFile
	stream int
}

// background keeps tasks that are not in the foreground from the terminal.
func (c *consoleState) background(sig syscall.Signal) syscall.Errno {
	if !c.isTTY.Load() || c.hooks.Caller == nil {
		return 0
	}
	pgrp, sid := c.hooks.Caller()
	c.lock.Lock()
	away := sid == c.sid && c.pgrp != 0 && pgrp != c.pgrp
	c.lock.Unlock()
	if !away {
		return 0
	}
	return c.hooks.Background(sig)
}

// Read takes a line, or what the raw settings say. EIO, ERESTARTSYS: see TTYHooks.
func (cf *consoleFile) Read(f *File, p []byte, off int64) (int, syscall.Errno) {
	c := &console
	for len(p) > 0 {
		if e := c.background(syscall.SIGTTIN); e != 0 {
			return 0, e
		}
		c.lock.Lock()
		n, ok := c.take(p)
		wait := locks.Forever
		if cc := &c.ld.termios.CC; !ok && c.isTTY.Load() && !c.ld.has(syscall.ICANON) && cc[vMin] == 0 {
			wait = time.Duration(cc[vTime]) * time.Second / 10
		}
		c.lock.Unlock()
		switch {
		case ok:
			c.wq.WakeAll()
			return n, 0
		case wait == 0:
			return 0, 0
		case off == NoWait || f.nonblock():
			return 0, syscall.EAGAIN
		}
		switch c.rq.WaitTimeout(c.readable, wait, true) {
		case locks.TimedOut:
			return 0, 0
		case locks.Interrupted:
			return 0, ERESTARTSYS
		}
	}
	return 0, 0
}

// take moves input into p; ok is false when there is nothing, not even the end. lock held.
func (c *consoleState) take(p []byte) (n int, ok bool) {
	if c.isTTY.Load() && c.ld.canRead() {
		return c.ld.read(p), true
	}
	for n < len(p) && c.fill > 0 {
		k := copy(p[n:], c.stream[c.head:min(c.head+c.fill, len(c.stream))])
		c.head = (c.head + k) % len(c.stream)
		c.fill -= k
		n += k
	}
	return n, n > 0 || c.eof
}

// Write sends p. EIO, ERESTARTSYS: see TTYHooks, with TOSTOP.
func (cf *consoleFile) Write(f *File, p []byte, _ int64) (int, int64, syscall.Errno) {
	c := &console
	c.lock.Lock()
	tostop, stopped := c.ld.has(syscall.TOSTOP), c.ld.stopped
	c.lock.Unlock()
	if tostop {
		if e := c.background(syscall.SIGTTOU); e != 0 {
			return 0, 0, e
		}
	}
	if stopped {
		if f.nonblock() {
			return 0, 0, syscall.EAGAIN
		}
		if !c.wq.WaitInterruptible(c.running) {
			return 0, 0, ERESTARTSYS
		}
	}
	c.send(cf.stream, p)
	return len(p), 0, 0
}

// Poll reports input; output always has room.
func (cf *consoleFile) Poll(f *File, t *PollTable) PollEvents {
	c := &console
	t.Add(&c.rq)
	ev := PollOut | PollWrNorm
	c.lock.Lock()
	defer c.lock.Unlock()
	if c.canRead() {
		ev |= PollIn | PollRdNorm
	}
	if c.eof && c.fill == 0 && !c.isTTY.Load() {
		ev |= PollHup
	}
	return ev
}

// openConsole opens /dev/console.
func openConsole(f *File) syscall.Errno {
	f.ops = &consoleFile{stream: 1}
	return 0
}

// openTTY opens /dev/tty. ENXIO: the console is no terminal, or not the caller's.
func openTTY(f *File) syscall.Errno {
	c := &console
	if !c.isTTY.Load() {
		return syscall.ENXIO
	}
	if c.hooks.Caller != nil {
		_, sid := c.hooks.Caller()
		c.lock.Lock()
		mine := sid == c.sid
		c.lock.Unlock()
		if !mine {
			return syscall.ENXIO
		}
	}
	return openConsole(f)
}

// stdioInode stands for one standard stream: a FIFO to those who ask, while the
// console is no terminal.
type stdioInode struct {
	NoInode
	stream int
}

// Open opens the stream.
func (s stdioInode) Open(f *File) syscall.Errno {
	f.ops = &consoleFile{stream: max(s.stream, 1)}
	return 0
}

// OpenStdio opens standard input, output and error for the first program. The
// terminal has a name, by which programs find it; plain streams have none. With a
// terminal, oneScreen says that standard error goes there too: what is written to
// it and to standard output then comes in the order of the writes.
func OpenStdio(oneScreen bool) (files [3]*File, e syscall.Errno) {
	for k := range files {
		stream := k
		if oneScreen && console.isTTY.Load() {
			stream = min(k, 1)
		}
		if files[k], e = openStdio(stream); e != 0 {
			return files, e
		}
	}
	return files, 0
}

func openStdio(stream int) (*File, syscall.Errno) {
	if console.isTTY.Load() {
		f, e := rootCaller().Open(nil, "/dev/console", syscall.O_RDWR, 0)
		if e == 0 {
			f.ops = &consoleFile{stream: max(stream, 1)}
		}
		return f, e
	}
	i := pipeFS.NewInode(syscall.S_IFIFO|0o600, stdioInode{stream: stream})
	flags := uint32(syscall.O_WRONLY)
	if stream == 0 {
		flags = syscall.O_RDONLY
	}
	return openDentry(newAnon(fmt.Sprintf("pipe:[%d]", i.ino), i), flags, false)
}
