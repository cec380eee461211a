package fs

import (
	"encoding/binary"
	"syscall"
)

// Requests of ioctl(2) that package fs knows.
const (
	TCGETS     = 0x5401
	TCSETS     = 0x5402
	TCSETSW    = 0x5403
	TCSETSF    = 0x5404
	TCSBRK     = 0x5409
	TCXONC     = 0x540a
	TCFLSH     = 0x540b
	TIOCSCTTY  = 0x540e
	TIOCGPGRP  = 0x540f
	TIOCSPGRP  = 0x5410
	TIOCOUTQ   = 0x5411
	TIOCGWINSZ = 0x5413
	TIOCSWINSZ = 0x5414
	FIONREAD   = 0x541b
	FIONBIO    = 0x5421
	TIOCNOTTY  = 0x5422
	TCSBRKP    = 0x5425
	TIOCGSID   = 0x5429
	TCGETS2    = 0x802c542a
	TCSETS2    = 0x402c542b
	TCSETSW2   = 0x402c542c
	TCSETSF2   = 0x402c542d
	FIONCLEX   = 0x5450
	FIOCLEX    = 0x5451
	FIOASYNC   = 0x5452
	FIOQSIZE   = 0x5460
)

const (
	termiosSize  = 36
	termios2Size = 44
)

func (t *Termios) encode(b *[termios2Size]byte) {
	for k, v := range []uint32{t.Iflag, t.Oflag, t.Cflag, t.Lflag} {
		binary.LittleEndian.PutUint32(b[4*k:], v)
	}
	b[16] = t.Line
	copy(b[17:36], t.CC[:])
	binary.LittleEndian.PutUint32(b[36:], t.Ispeed)
	binary.LittleEndian.PutUint32(b[40:], t.Ospeed)
}

func (t *Termios) decode(b []byte) {
	for k, v := range []*uint32{&t.Iflag, &t.Oflag, &t.Cflag, &t.Lflag} {
		*v = binary.LittleEndian.Uint32(b[4*k:])
	}
	t.Line = b[16]
	copy(t.CC[:], b[17:36])
	if len(b) >= termios2Size {
		t.Ispeed = binary.LittleEndian.Uint32(b[36:])
		t.Ospeed = binary.LittleEndian.Uint32(b[40:])
	}
}

func putInt32(u UserMem, addr uintptr, v int32) syscall.Errno {
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], uint32(v))
	return u.CopyOut(addr, b[:])
}

func getInt32(u UserMem, addr uintptr) (int32, syscall.Errno) {
	var b [4]byte
	e := u.CopyIn(b[:], addr)
	return int32(binary.LittleEndian.Uint32(b[:])), e
}

// Ioctl handles the terminal's requests. ENOTTY: the console is no terminal;
// EFAULT; EIO, ERESTARTSYS: see TTYHooks.Background.
func (cf *consoleFile) Ioctl(f *File, req uint32, u UserMem, arg uintptr) (uintptr, syscall.Errno) {
	c := &console
	if req == FIONREAD {
		c.lock.Lock()
		n := c.ld.pending() + c.fill
		c.lock.Unlock()
		return 0, putInt32(u, arg, int32(n))
	}
	if !c.isTTY.Load() {
		return 0, syscall.ENOTTY
	}
	switch req {
	case TCGETS, TCGETS2:
		var b [termios2Size]byte
		c.lock.Lock()
		c.ld.termios.encode(&b)
		c.lock.Unlock()
		if req == TCGETS {
			return 0, u.CopyOut(arg, b[:termiosSize])
		}
		return 0, u.CopyOut(arg, b[:])
	case TCSETS, TCSETSW, TCSETSF, TCSETS2, TCSETSW2, TCSETSF2:
		return 0, c.setTermios(req, u, arg)
	case TIOCGWINSZ, TIOCSWINSZ:
		return 0, c.winsizeIoctl(req, u, arg)
	case TCFLSH:
		c.lock.Lock()
		if arg == 0 || arg == 2 { // TCIFLUSH, TCIOFLUSH
			c.ld.flush()
		}
		c.lock.Unlock()
		return 0, 0
	case TCSBRK, TCSBRKP, TCXONC:
		return 0, 0 // output is never queued here, and there is no line to break
	case TIOCOUTQ:
		return 0, putInt32(u, arg, 0)
	}
	return c.jobIoctl(req, u, arg)
}

// setTermios is tcsetattr.
func (c *consoleState) setTermios(req uint32, u UserMem, arg uintptr) syscall.Errno {
	b := make([]byte, termios2Size)
	if req < TCSETS2 {
		b = b[:termiosSize]
	}
	if e := u.CopyIn(b, arg); e != 0 {
		return e
	}
	if e := c.background(syscall.SIGTTOU); e != 0 {
		return e
	}
	c.lock.Lock()
	t := c.ld.termios
	t.decode(b)
	if req == TCSETSF || req == TCSETSF2 {
		c.ld.flush()
	}
	c.ld.setTermios(t)
	c.lock.Unlock()
	c.rq.WakeAll()
	c.wq.WakeAll()
	return 0
}

func (c *consoleState) winsizeIoctl(req uint32, u UserMem, arg uintptr) syscall.Errno {
	var b [8]byte
	if req == TIOCGWINSZ {
		c.lock.Lock()
		w := c.winsize
		c.lock.Unlock()
		for k, v := range []uint16{w.Rows, w.Cols, w.Xpixel, w.Ypixel} {
			binary.LittleEndian.PutUint16(b[2*k:], v)
		}
		return u.CopyOut(arg, b[:])
	}
	if e := u.CopyIn(b[:], arg); e != 0 {
		return e
	}
	ConsoleSetWinsize(binary.LittleEndian.Uint16(b[:]), binary.LittleEndian.Uint16(b[2:]))
	return 0
}

// jobIoctl handles the requests of job control.
func (c *consoleState) jobIoctl(req uint32, u UserMem, arg uintptr) (uintptr, syscall.Errno) {
	pgrp, sid := 0, 0
	if c.hooks.Caller != nil {
		pgrp, sid = c.hooks.Caller()
	}
	c.lock.Lock()
	mySid, fore := c.sid, c.pgrp
	c.lock.Unlock()
	switch req {
	case TIOCGPGRP, TIOCGSID, TIOCSPGRP, TIOCNOTTY:
		if sid != mySid {
			return 0, syscall.ENOTTY
		}
	}
	switch req {
	case TIOCGPGRP:
		return 0, putInt32(u, arg, int32(fore))
	case TIOCGSID:
		return 0, putInt32(u, arg, int32(mySid))
	case TIOCSPGRP:
		want, e := getInt32(u, arg)
		if e == 0 && want < 0 {
			e = syscall.EINVAL
		}
		if e == 0 {
			e = c.background(syscall.SIGTTOU)
		}
		if e != 0 {
			return 0, e
		}
		c.lock.Lock()
		c.pgrp = int(want)
		c.lock.Unlock()
		return 0, 0
	case TIOCSCTTY:
		if mySid != 0 && mySid != sid && arg != 1 {
			return 0, syscall.EPERM
		}
		SetForeground(sid, pgrp)
		return 0, 0
	case TIOCNOTTY:
		SetForeground(0, 0)
		return 0, 0
	}
	return 0, syscall.ENOTTY
}
