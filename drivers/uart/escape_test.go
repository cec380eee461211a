package uart

import (
	"bytes"
	"testing"
)

func TestDecoder(t *testing.T) {
	tests := []struct {
		name       string
		wire       []byte
		want       []byte
		eof        int
		rows, cols uint16
	}{
		{"plain", []byte("hello\x00\xfe"), []byte("hello\x00\xfe"), 0, 0, 0},
		{"escaped escape", []byte{1, 0xff, 0xff, 2}, []byte{1, 0xff, 2}, 0, 0, 0},
		{"end of file", []byte{'a', 0xff, 0}, []byte{'a'}, 1, 0, 0},
		{"size", []byte{'a', 0xff, 1, 0, 24, 0x01, 0x02, 'b'}, []byte("ab"), 0, 24, 0x102},
		{"escapes within a size are numbers", []byte{0xff, 1, 0xff, 0xff, 0xff, 0, 'x'}, []byte("x"), 0, 0xffff, 0xff00},
		{"reserved", []byte{0xff, 2, 'a', 0xff, 0x7f, 'b'}, []byte("ab"), 0, 0, 0},
		{"cut short", []byte{'a', 0xff}, []byte("a"), 0, 0, 0},
		{"size cut short", []byte{0xff, 1, 0, 24}, nil, 0, 0, 0},
	}
	for _, tt := range tests {
		var d Decoder
		var got []byte
		eof, sizes := 0, 0
		for _, b := range tt.wire {
			switch d.Feed(b) {
			case TokenByte:
				got = append(got, d.Byte)
			case TokenEOF:
				eof++
			case TokenSize:
				sizes++
			}
		}
		if !bytes.Equal(got, tt.want) || eof != tt.eof || d.Rows != tt.rows || d.Cols != tt.cols || (sizes > 0) != (tt.rows > 0) {
			t.Errorf("%s: %q, %d ends, %d sizes, %dx%d", tt.name, got, eof, sizes, d.Rows, d.Cols)
		}
	}
}

func TestInput(t *testing.T) {
	var in input
	feed := func(wire ...byte) {
		for _, b := range wire {
			in.feed(b)
		}
	}
	expect := func(step string, size int, want string, ev Event) {
		t.Helper()
		p := make([]byte, size)
		if n, got := in.take(p); string(p[:n]) != want || got != ev {
			t.Errorf("%s: %q, event %d; want %q, event %d", step, p[:n], got, want, ev)
		}
	}
	if in.ready() {
		t.Error("an empty queue is ready")
	}
	feed([]byte("abc\xff\x01\x00\x18\x00\x50de\xff\x00late")...)
	if !in.tty || in.rows != 24 || in.cols != 80 {
		t.Errorf("terminal %v, %dx%d", in.tty, in.rows, in.cols)
	}
	expect("size first", 9, "", EventResized)
	expect("a part", 2, "ab", EventNone)
	expect("the rest", 9, "cde", EventNone)
	expect("the end", 9, "", EventEOF)
	expect("the end stays", 9, "", EventEOF)
}

// TestInputWrap pushes more than the queue holds through it, and more than its
// counters count.
func TestInputWrap(t *testing.T) {
	var in input
	in.head, in.tail = 1<<32-100, 1<<32-100
	next, want := byte(0), byte(0)
	p := make([]byte, 1000)
	for range 30 {
		for i := 0; i < 700 && !in.full(); i++ {
			if next != Escape {
				in.feed(next)
			}
			next++
		}
		n, _ := in.take(p[:650])
		for _, b := range p[:n] {
			if want == Escape {
				want++
			}
			if b != want {
				t.Fatalf("took %d, want %d", b, want)
			}
			want++
		}
	}
}

func TestInputFull(t *testing.T) {
	var in input
	for !in.full() {
		in.feed('x')
	}
	p := make([]byte, inputSize+1)
	if n, _ := in.take(p); n != inputSize {
		t.Errorf("a full queue holds %d, want %d", n, inputSize)
	}
}
