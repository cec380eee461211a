package machine

import (
	"bytes"
	"errors"
	"io"
	"sync"
)

// Bytes to the program's stdin are raw but for escByte, which starts a two-byte
// code; a window's size follows its code as four bytes, high byte first.
const (
	escByte   = 0xff
	escEOF    = 0x00
	escWindow = 0x01
)

// stdinWriter encodes what goes to the guest over COM2. The mutex keeps a window
// size from landing inside another code.
type stdinWriter struct {
	mu  sync.Mutex
	w   io.Writer
	buf []byte // encoded bytes; protected by mu
}

// Write encodes p and sends it. It blocks while the guest does not read.
func (s *stdinWriter) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buf = s.buf[:0]
	for rest := p; ; {
		i := bytes.IndexByte(rest, escByte)
		if i < 0 {
			s.buf = append(s.buf, rest...)
			break
		}
		s.buf = append(append(s.buf, rest[:i]...), escByte, escByte)
		rest = rest[i+1:]
	}
	if _, err := s.w.Write(s.buf); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (s *stdinWriter) code(b ...byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.w.Write(append([]byte{escByte}, b...))
	return err
}

// EOF tells the guest that stdin has ended.
func (s *stdinWriter) EOF() error { return s.code(escEOF) }

// Window tells the guest the size of the terminal.
func (s *stdinWriter) Window(w Window) error {
	return s.code(escWindow, byte(w.Rows>>8), byte(w.Rows), byte(w.Cols>>8), byte(w.Cols))
}

// DecodeStdin is the inverse of what this package sends to COM2: the guest's
// view, for tests and stand-ins of the guest. It calls window for every terminal
// size, and returns io.EOF after the end-of-file code.
type DecodeStdin struct {
	R      io.ByteReader
	Window func(Window)
}

// ReadByte returns the next byte of the program's stdin.
func (d *DecodeStdin) ReadByte() (byte, error) {
	for {
		b, err := d.R.ReadByte()
		if err != nil || b != escByte {
			return b, err
		}
		code, err := d.R.ReadByte()
		if err != nil {
			return 0, err
		}
		switch code {
		case escByte:
			return escByte, nil
		case escEOF:
			return 0, io.EOF
		case escWindow:
			if err := d.readWindow(); err != nil {
				return 0, err
			}
		default:
			return 0, errors.New("unknown escape code on stdin")
		}
	}
}

func (d *DecodeStdin) readWindow() error {
	var b [4]byte
	for i := range b {
		c, err := d.R.ReadByte()
		if err != nil {
			return err
		}
		b[i] = c
	}
	if d.Window != nil {
		d.Window(Window{Rows: uint16(b[0])<<8 | uint16(b[1]), Cols: uint16(b[2])<<8 | uint16(b[3])})
	}
	return nil
}
