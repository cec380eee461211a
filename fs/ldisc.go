package fs

import "syscall"

// Termios is the kernel's struct termios2: its first 36 bytes are struct termios.
type Termios struct {
	Iflag, Oflag, Cflag, Lflag uint32
	Line                       uint8
	CC                         [19]uint8
	Ispeed, Ospeed             uint32
}

// Places in Termios.CC, as on x86-64.
const (
	vIntr = iota
	vQuit
	vErase
	vKill
	vEOF
	vTime
	vMin
	_
	vStart
	vStop
	vSusp
	vEOL
	vReprint
	_
	vWerase
	vLnext
	vEOL2
)

// Flags that package syscall of the standard library lacks.
const (
	echoCtl = 0x200
	echoKE  = 0x800
	iutf8   = 0x4000
)

func ctrl(c byte) byte { return c & 0x1f }

// defaultTermios is a terminal as login finds it.
func defaultTermios() Termios {
	t := Termios{
		Iflag:  syscall.ICRNL | syscall.IXON,
		Oflag:  syscall.OPOST | syscall.ONLCR,
		Cflag:  syscall.B38400 | syscall.CS8 | syscall.CREAD | syscall.HUPCL,
		Lflag:  syscall.ISIG | syscall.ICANON | syscall.ECHO | syscall.ECHOE | syscall.ECHOK | echoCtl | echoKE | syscall.IEXTEN,
		Ispeed: 38400, Ospeed: 38400,
	}
	for k, c := range map[int]byte{
		vIntr: ctrl('C'), vQuit: 0x1c, vErase: 0x7f, vKill: ctrl('U'), vEOF: ctrl('D'), vMin: 1,
		vStart: ctrl('Q'), vStop: ctrl('S'), vSusp: ctrl('Z'), vReprint: ctrl('R'), vWerase: ctrl('W'), vLnext: ctrl('V'),
	} {
		t.CC[k] = c
	}
	return t
}

const (
	ldiscSize  = 4096 // bytes that can wait, as Linux's MAX_CANON
	ldiscLines = 256  // lines that can wait
)

// ldisc is a terminal's line discipline: what becomes of each byte typed. It is
// pure state without a lock; its owner serialises the calls and carries out the
// effects they leave in echo and signal.
type ldisc struct {
	termios Termios

	// queue holds input in order of arrival. Its first done bytes are complete
	// lines, or in raw mode all there is; the rest is being edited.
	queue [ldiscSize]byte
	used  int
	done  int
	// lines are the lengths of the complete lines. A line that end-of-file ended
	// has no newline; of length 0 it reads as the end of the file.
	lines  [ldiscLines]uint16
	nlines int

	literal bool // the next byte stands for itself (Ctrl-V)
	stopped bool // output is held by Ctrl-S

	echo   []byte         // to be written to the terminal
	signal syscall.Signal // to be sent to the foreground process group, or 0
}

func (l *ldisc) has(flag uint32) bool { return l.termios.Lflag&flag != 0 }

// cc reports whether c is the special character k, which 0 disables.
func (l *ldisc) cc(k int, c byte) bool { return c == l.termios.CC[k] && c != 0 }

// input takes one byte typed.
func (l *ldisc) input(c byte) {
	if l.literal {
		l.literal = false
		l.store(c)
		return
	}
	switch {
	case c == '\r' && l.termios.Iflag&syscall.IGNCR != 0:
		return
	case c == '\r' && l.termios.Iflag&syscall.ICRNL != 0:
		c = '\n'
	case c == '\n' && l.termios.Iflag&syscall.INLCR != 0:
		c = '\r'
	}
	switch {
	case l.has(syscall.ISIG) && l.signalChar(c), l.flow(c):
	case l.has(syscall.ICANON):
		l.edit(c)
	default:
		l.store(c)
		l.done = l.used
	}
}

// signalChar handles Ctrl-C and its kin.
func (l *ldisc) signalChar(c byte) bool {
	sig := syscall.Signal(0)
	switch {
	case l.cc(vIntr, c):
		sig = syscall.SIGINT
	case l.cc(vQuit, c):
		sig = syscall.SIGQUIT
	case l.cc(vSusp, c):
		sig = syscall.SIGTSTP
	default:
		return false
	}
	l.signal = sig
	l.stopped = false
	if !l.has(syscall.NOFLSH) {
		l.flush()
	}
	l.echoChar(c)
	return true
}

// flow handles Ctrl-S and Ctrl-Q.
func (l *ldisc) flow(c byte) bool {
	if l.termios.Iflag&syscall.IXON == 0 {
		return false
	}
	switch {
	case l.cc(vStop, c):
		l.stopped = true
	case l.cc(vStart, c):
		l.stopped = false
	default:
		return false
	}
	return true
}

// edit handles a byte of canonical input.
func (l *ldisc) edit(c byte) {
	switch {
	case l.cc(vErase, c) || c == '\b' && l.termios.CC[vErase] == 0x7f:
		l.erase()
	case l.cc(vKill, c):
		for l.used > l.done {
			l.erase()
		}
	case l.cc(vWerase, c) && l.has(syscall.IEXTEN):
		l.eraseWord()
	case l.cc(vLnext, c) && l.has(syscall.IEXTEN):
		l.literal = true
		if l.has(syscall.ECHO) && l.has(echoCtl) {
			l.echo = append(l.echo, "^\b"...)
		}
	case l.cc(vReprint, c) && l.has(syscall.IEXTEN):
		l.reprint()
	case l.cc(vEOF, c):
		l.endLine()
	case c == '\n' || l.cc(vEOL, c) || l.cc(vEOL2, c):
		if l.used == len(l.queue) { // a full line still ends
			l.used--
		}
		if c == '\n' && l.has(syscall.ECHO|syscall.ECHONL) {
			l.echo = append(l.echo, '\n')
		}
		l.queue[l.used] = c
		l.used++
		l.endLine()
	default:
		l.store(c)
	}
}

// store appends a byte and echoes it; one byte of the queue is kept for the
// newline. Without room the byte is lost, and the bell rings.
func (l *ldisc) store(c byte) {
	if l.used >= len(l.queue)-1 {
		l.echo = append(l.echo, '\a')
		return
	}
	l.queue[l.used] = c
	l.used++
	l.echoChar(c)
}

// endLine makes what is being edited readable.
func (l *ldisc) endLine() {
	if l.nlines == len(l.lines) {
		return
	}
	l.lines[l.nlines] = uint16(l.used - l.done)
	l.nlines++
	l.done = l.used
}

// echoChar writes c as ECHO and ECHOCTL say.
func (l *ldisc) echoChar(c byte) {
	if !l.has(syscall.ECHO) {
		return
	}
	if l.has(echoCtl) && (c < ' ' && c != '\t' && c != '\n' || c == 0x7f) {
		l.echo = append(l.echo, '^', c^0x40)
		return
	}
	l.echo = append(l.echo, c)
}

// width is the number of columns that the echo of c took.
func (l *ldisc) width(c byte) int {
	switch {
	case c == '\t':
		return 1 // where the next stop was is not known; erasing takes one column
	case c < ' ' || c == 0x7f:
		if l.has(echoCtl) {
			return 2
		}
		return 0
	}
	return 1
}

// erase takes back the character typed last.
func (l *ldisc) erase() {
	if l.used == l.done {
		return
	}
	l.used--
	if l.termios.Iflag&iutf8 != 0 {
		for l.used > l.done && l.queue[l.used]&0xc0 == 0x80 {
			l.used--
		}
	}
	if !l.has(syscall.ECHO) || !l.has(syscall.ECHOE) {
		return
	}
	for range l.width(l.queue[l.used]) {
		l.echo = append(l.echo, "\b \b"...)
	}
}

// eraseWord takes back blanks and the word before them.
func (l *ldisc) eraseWord() {
	blank := func() bool { return l.queue[l.used-1] == ' ' || l.queue[l.used-1] == '\t' }
	for l.used > l.done && blank() {
		l.erase()
	}
	for l.used > l.done && !blank() {
		l.erase()
	}
}

// reprint shows the line being edited again.
func (l *ldisc) reprint() {
	if !l.has(syscall.ECHO) {
		return
	}
	l.echo = append(l.echo, "^R\n"...)
	for _, c := range l.queue[l.done:l.used] {
		l.echoChar(c)
	}
}

// flush forgets all input.
func (l *ldisc) flush() { l.used, l.done, l.nlines = 0, 0, 0 }

// canRead reports whether a read would return now.
func (l *ldisc) canRead() bool {
	if l.has(syscall.ICANON) {
		return l.nlines > 0
	}
	return l.done >= max(int(l.termios.CC[vMin]), 1)
}

// read takes what one read(2) gets: at most a line in canonical mode.
func (l *ldisc) read(p []byte) int {
	n := l.done
	if l.has(syscall.ICANON) {
		if l.nlines == 0 {
			return 0
		}
		n = int(l.lines[0])
	}
	left := n
	n = copy(p, l.queue[:n])
	copy(l.queue[:], l.queue[n:l.used])
	l.used -= n
	l.done -= n
	if l.has(syscall.ICANON) {
		if left -= n; left > 0 {
			l.lines[0] = uint16(left)
		} else {
			copy(l.lines[:], l.lines[1:l.nlines])
			l.nlines--
		}
	}
	return n
}

// pending is what FIONREAD says.
func (l *ldisc) pending() int { return l.done }

// setTermios changes the settings, and the meaning of what waits with them.
func (l *ldisc) setTermios(t Termios) {
	was := l.has(syscall.ICANON)
	l.termios = t
	switch is := l.has(syscall.ICANON); {
	case was && !is:
		l.done, l.nlines = l.used, 0
	case !was && is && l.done > 0:
		l.lines[0], l.nlines = uint16(l.done), 1
	}
	if t.Iflag&syscall.IXON == 0 {
		l.stopped = false
	}
}

// output appends p to dst as OPOST and ONLCR say, as far as dst has capacity, and
// returns how much of p it took.
func (t *Termios) output(dst []byte, p []byte) ([]byte, int) {
	for k, c := range p {
		crlf := c == '\n' && t.Oflag&syscall.OPOST != 0 && t.Oflag&syscall.ONLCR != 0
		if len(dst)+2 > cap(dst) {
			return dst, k
		}
		if crlf {
			dst = append(dst, '\r')
		}
		dst = append(dst, c)
	}
	return dst, len(p)
}
