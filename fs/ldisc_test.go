package fs

import (
	"syscall"
	"testing"
)

func TestLineDiscipline(t *testing.T) {
	raw := func(t *Termios) { t.Lflag &^= syscall.ICANON | syscall.ECHO | syscall.ISIG; t.Iflag &^= syscall.ICRNL }
	for _, tc := range []struct {
		name  string
		set   func(*Termios)
		in    string
		reads []string // what successive reads of 100 bytes give
		echo  string
		sig   syscall.Signal
	}{
		{"a line", nil, "ls\r", []string{"ls\n"}, "ls\n", 0},
		{"unfinished", nil, "ls", nil, "ls", 0},
		{"two lines", nil, "a\nb\nc", []string{"a\n", "b\n"}, "a\nb\nc", 0},
		{"erase", nil, "ab\x7fc\n", []string{"ac\n"}, "ab\b \bc\n", 0},
		{"erase at the start", nil, "\x7f\x7fa\n", []string{"a\n"}, "a\n", 0},
		{"erase never crosses a line", nil, "a\n\x7fb\n", []string{"a\n", "b\n"}, "a\nb\n", 0},
		{"erase a control character", nil, "\x01\x7fb\n", []string{"b\n"}, "^A\b \b\b \bb\n", 0},
		{"kill", nil, "abc\x15d\n", []string{"d\n"}, "abc\b \b\b \b\b \bd\n", 0},
		{"word erase", nil, "one two \x17x\n", []string{"one x\n"}, "one two \b \b\b \b\b \b\b \bx\n", 0},
		{"utf-8", func(t *Termios) { t.Iflag |= iutf8 }, "ä\x7fb\n", []string{"b\n"}, "ä\b \bb\n", 0},
		{"end of file", nil, "\x04", []string{""}, "", 0},
		{"end of file after text", nil, "ab\x04", []string{"ab"}, "ab", 0},
		{"end of file twice", nil, "ab\x04\x04c\n", []string{"ab", "", "c\n"}, "abc\n", 0},
		{"interrupt", nil, "abc\x03", nil, "abc^C", syscall.SIGINT},
		{"interrupt flushes", nil, "a\nb\x03c\n", []string{"c\n"}, "a\nb^Cc\n", syscall.SIGINT},
		{"quit", nil, "\x1c", nil, "^\\", syscall.SIGQUIT},
		{"suspend", nil, "\x1a", nil, "^Z", syscall.SIGTSTP},
		{"no signals", func(t *Termios) { t.Lflag &^= syscall.ISIG }, "\x03\n", []string{"\x03\n"}, "^C\n", 0},
		{"literal", nil, "\x16\x03\n", []string{"\x03\n"}, "^\b^C\n", 0},
		{"no echo", func(t *Termios) { t.Lflag &^= syscall.ECHO }, "pw\n", []string{"pw\n"}, "", 0},
		{"echo of newline only", func(t *Termios) { t.Lflag = t.Lflag&^syscall.ECHO | syscall.ECHONL }, "pw\n", []string{"pw\n"}, "\n", 0},
		{"flow", nil, "a\x13\x11b\n", []string{"ab\n"}, "ab\n", 0},
		{"raw", raw, "a\r\x03", []string{"a\r\x03"}, "", 0},
		{"reprint", nil, "ab\x12c\n", []string{"abc\n"}, "ab^R\nabc\n", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := &ldisc{termios: defaultTermios()}
			if tc.set != nil {
				tc.set(&l.termios)
			}
			for k := range len(tc.in) {
				l.input(tc.in[k])
			}
			if string(l.echo) != tc.echo {
				t.Errorf("echo %q, want %q", l.echo, tc.echo)
			}
			if l.signal != tc.sig {
				t.Errorf("signal %v, want %v", l.signal, tc.sig)
			}
			buf := make([]byte, 100)
			for _, w := range tc.reads {
				if !l.canRead() {
					t.Fatalf("nothing to read, want %q", w)
				}
				if n := l.read(buf); string(buf[:n]) != w {
					t.Errorf("read %q, want %q", buf[:n], w)
				}
			}
			if l.canRead() {
				t.Errorf("more to read: %q", buf[:l.read(buf)])
			}
		})
	}
}

func TestLongLine(t *testing.T) {
	l := &ldisc{termios: defaultTermios()}
	for range 3 * ldiscSize {
		l.input('x')
	}
	l.input('\n')
	buf := make([]byte, 2*ldiscSize)
	if n := l.read(buf); n != ldiscSize || buf[n-1] != '\n' {
		t.Errorf("a line too long reads as %d bytes", n)
	}
	for range 10 * ldiscLines {
		l.input('\n')
	}
	for l.canRead() {
		l.read(buf)
	}
	if l.used < 0 || l.done != 0 {
		t.Errorf("queue is off by %d", l.done)
	}
}

func TestPartialLine(t *testing.T) {
	l := &ldisc{termios: defaultTermios()}
	for _, c := range []byte("hello\nworld\n") {
		l.input(c)
	}
	buf := make([]byte, 3)
	for _, w := range []string{"hel", "lo\n", "wor", "ld\n"} {
		if n := l.read(buf); string(buf[:n]) != w {
			t.Errorf("read %q, want %q", buf[:n], w)
		}
	}
}

func TestModeSwitch(t *testing.T) {
	l := &ldisc{termios: defaultTermios()}
	for _, c := range []byte("one\nhalf") {
		l.input(c)
	}
	cooked := l.termios
	raw := cooked
	raw.Lflag &^= syscall.ICANON
	l.setTermios(raw)
	buf := make([]byte, 5)
	if n := l.read(buf); string(buf[:n]) != "one\nh" {
		t.Errorf("raw read %q", buf[:n])
	}
	l.setTermios(cooked)
	if n := l.read(buf); string(buf[:n]) != "alf" {
		t.Errorf("cooked read %q", buf[:n])
	}
}

func TestOutput(t *testing.T) {
	tio := defaultTermios()
	out, n := tio.output(make([]byte, 0, 8), []byte("ab\ncdefgh"))
	if string(out) != "ab\r\ncde" || n != 6 {
		t.Errorf("output %q of %d bytes", out, n)
	}
	tio.Oflag &^= syscall.OPOST
	if out, _ := tio.output(make([]byte, 0, 8), []byte("a\n")); string(out) != "a\n" {
		t.Errorf("output without OPOST %q", out)
	}
}
