package fs

import (
	"sync/atomic"
	"syscall"

	"yolk/locks"
)

// ConsoleBackend carries the output of the console.
type ConsoleBackend interface {
	// Write sends p to the program's standard output (stream 1) or standard error
	// (stream 2). It may sleep; calls for one stream do not overlap.
	Write(stream int, p []byte)
}

// TTYHooks is what a terminal asks of package proc. No lock is held in the calls.
type TTYHooks struct {
	// Signal sends sig to all processes of a group.
	Signal func(pgrp int, sig syscall.Signal)
	// Caller is the process group and session of the running task.
	Caller func() (pgrp, sid int)
	// Background is called when the running task, not in the foreground, reads
	// (SIGTTIN) or changes (SIGTTOU) the terminal. 0: go on, the signal is ignored
	// or blocked and may be; EIO: it cannot be stopped; ERESTARTSYS: its group was
	// sent the signal.
	Background func(sig syscall.Signal) syscall.Errno
}

// console is the one console: standard input, output and error of the programs.
var console consoleState

// consoleState starts as a plain stream of bytes and becomes a terminal with the
// first ConsoleSetWinsize.
type consoleState struct {
	backend ConsoleBackend // set at start-up
	hooks   TTYHooks

	isTTY atomic.Bool

	lock    locks.SpinLock // guards what follows
	ld      ldisc
	echoBuf [4 * ldiscSize]byte
	winsize Winsize
	pgrp    int // foreground process group, 0: none
	sid     int // session whose terminal this is, 0: none
	stream  []byte
	head    int // of stream, which is a ring while it is no terminal
	fill    int
	eof     bool

	wmu [3]consoleOut // by stream

	rq, wq locks.WaitQueue // sleepers for input; for room in the ring, or for Ctrl-Q

	readable, roomy, running func() bool // the conditions of those sleeps
}

// consoleOut serialises the writers of one output stream.
type consoleOut struct {
	mu  locks.Mutex
	buf [512]byte
}

// Winsize is struct winsize.
type Winsize struct{ Rows, Cols, Xpixel, Ypixel uint16 }

// streamSize bounds the input that waits while the console is no terminal.
const streamSize = 16 << 10

func init() {
	c := &console
	c.lock.Init(locks.PipeLock)
	for k := range c.wmu {
		c.wmu[k].mu.Init(locks.TtySem)
	}
	c.ld.termios = defaultTermios()
	c.readable = func() bool {
		c.lock.Lock()
		defer c.lock.Unlock()
		return c.canRead()
	}
	c.roomy = func() bool {
		c.lock.Lock()
		defer c.lock.Unlock()
		return c.fill < streamSize || c.isTTY.Load()
	}
	c.running = func() bool {
		c.lock.Lock()
		defer c.lock.Unlock()
		return !c.ld.stopped
	}
	for minor, open := range map[uint32]func(*File) syscall.Errno{0: openTTY, 1: openConsole} {
		registerDevice(syscall.S_IFCHR, Makedev(5, minor), open)
	}
}

// SetConsole says where output goes. Start-up only.
func SetConsole(b ConsoleBackend) { console.backend = b }

// SetTTYHooks connects the terminal with package proc. Start-up only.
func SetTTYHooks(h TTYHooks) { console.hooks = h }

// SetForeground makes the console the terminal of session sid with pgrp in the
// foreground, for the first program.
func SetForeground(sid, pgrp int) {
	console.lock.Lock()
	console.sid, console.pgrp = sid, pgrp
	console.lock.Unlock()
}

// ConsoleSession is the session whose terminal the console is and its foreground
// process group: the tty fields of /proc/PID/stat.
func ConsoleSession() (sid, pgrp int) {
	console.lock.Lock()
	defer console.lock.Unlock()
	return console.sid, console.pgrp
}

// ConsoleSetWinsize is called by the driver when the terminal's size is known or
// changes. The first call makes the console a terminal.
func ConsoleSetWinsize(rows, cols uint16) {
	c := &console
	c.lock.Lock()
	pgrp := 0
	if c.isTTY.Load() && (c.winsize.Rows != rows || c.winsize.Cols != cols) {
		pgrp = c.pgrp
	}
	c.winsize = Winsize{Rows: rows, Cols: cols}
	c.isTTY.Store(true)
	c.lock.Unlock()
	c.wq.WakeAll()
	c.kill(pgrp, syscall.SIGWINCH)
}

// ConsolePush takes bytes typed, or sent by whoever feeds standard input. One
// kernel thread calls it: while the console is no terminal it sleeps until
// there is room, so that nothing is lost. No lock is held on entry.
func ConsolePush(p []byte) {
	c := &console
	if c.stream == nil {
		ring := make([]byte, streamSize)
		c.lock.Lock()
		c.stream = ring
		c.lock.Unlock()
	}
	for len(p) > 0 {
		if c.isTTY.Load() {
			c.typed(p[0])
			p = p[1:]
			continue
		}
		c.wq.Wait(c.roomy)
		c.lock.Lock()
		for len(p) > 0 && c.fill < streamSize {
			c.stream[(c.head+c.fill)%streamSize] = p[0]
			c.fill++
			p = p[1:]
		}
		c.lock.Unlock()
		c.rq.WakeAll()
	}
}

// ConsoleEOF is the end of standard input.
func ConsoleEOF() {
	c := &console
	c.lock.Lock()
	c.eof = true
	c.lock.Unlock()
	c.rq.WakeAll()
}
