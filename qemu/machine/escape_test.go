package machine

import (
	"bufio"
	"bytes"
	"io"
	"testing"
)

func TestEscape(t *testing.T) {
	tests := []struct {
		name, in, wire string
	}{
		{"plain", "hello", "hello"},
		{"nothing", "", ""},
		{"escape byte", "\xff", "\xff\xff"},
		{"what looks like a code", "a\xff\x00b\xff\xff\x01", "a\xff\xff\x00b\xff\xff\xff\xff\x01"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var wire bytes.Buffer
			w := &stdinWriter{w: &wire}
			if n, err := w.Write([]byte(test.in)); n != len(test.in) || err != nil {
				t.Fatalf("Write: %d, %v", n, err)
			}
			if wire.String() != test.wire {
				t.Errorf("sent %q, want %q", wire.String(), test.wire)
			}
			if got := decodeAll(t, w, &wire); got != test.in {
				t.Errorf("came back as %q", got)
			}
		})
	}
}

// decodeAll ends the stream and reads it as the guest does.
func decodeAll(t *testing.T, w *stdinWriter, wire *bytes.Buffer) string {
	t.Helper()
	if err := w.EOF(); err != nil {
		t.Fatal(err)
	}
	d := &DecodeStdin{R: bufio.NewReader(wire)}
	var got []byte
	for {
		b, err := d.ReadByte()
		if err == io.EOF {
			return string(got)
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, b)
	}
}

func TestWindow(t *testing.T) {
	var wire bytes.Buffer
	w := &stdinWriter{w: &wire}
	if err := w.Window(Window{Rows: 0x1234, Cols: 255}); err != nil {
		t.Fatal(err)
	}
	if wire.String() != "\xff\x01\x12\x34\x00\xff" {
		t.Errorf("sent %q", wire.String())
	}
	var got Window
	d := &DecodeStdin{R: bufio.NewReader(&wire), Window: func(w Window) { got = w }}
	if _, err := d.ReadByte(); err != io.EOF || got != (Window{0x1234, 255}) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestTail(t *testing.T) {
	var l tail
	for i := range 3 * tailSize {
		_, _ = l.Write([]byte{byte(i >> 8), byte(i)})
	}
	got := l.Bytes()
	if len(got) != tailSize {
		t.Fatalf("kept %d bytes, want %d", len(got), tailSize)
	}
	for i := 0; i < len(got); i += 2 {
		n := 3*tailSize - tailSize/2 + i/2
		if got[i] != byte(n>>8) || got[i+1] != byte(n) {
			t.Fatalf("byte %d is not of write %d", i, n)
		}
	}
}
