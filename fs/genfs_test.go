package fs

import (
	"bytes"
	"strconv"
	"syscall"
	"testing"
)

// TestReadingByPieces: whoever reads a long generated text bit by bit has every piece
// made once, in the room of the piece before.
func TestReadingByPieces(t *testing.T) {
	const pieces, lines = 20, 50
	made := 0
	g := &genFile{part: func(b []byte, at uint64) ([]byte, uint64, syscall.Errno) {
		made++
		for i := range uint64(lines) {
			b = strconv.AppendUint(b, 10000+at*lines+i, 10)
			b = append(b, '\n')
		}
		if at++; at == pieces {
			at = 0
		}
		return b, at, 0
	}}
	var want []byte
	for i := range pieces * lines {
		want = append(strconv.AppendInt(want, int64(10000+i), 10), '\n')
	}
	o := &genOpen{file: g}
	for _, step := range []int{1, 7, 100, 300, 1000, len(want), 2 * len(want)} {
		made = 0
		var got []byte
		buf := make([]byte, step)
		for {
			n, e := o.Read(nil, buf, int64(len(got)))
			if e != 0 {
				t.Fatal(e)
			}
			if got = append(got, buf[:n]...); n == 0 {
				break
			}
		}
		if !bytes.Equal(got, want) {
			t.Errorf("steps of %d bytes: the text is another", step)
		}
		if made != pieces {
			t.Errorf("steps of %d bytes: %d pieces were made, there are %d", step, made, pieces)
		}
	}
	if raceDetector {
		return
	}
	buf, off := make([]byte, 100), int64(0)
	if n := testing.AllocsPerRun(50, func() { n, _ := o.Read(nil, buf, off); off += int64(n) }); n != 0 {
		t.Errorf("%v allocations for a read", n)
	}
}

// TestReadersOfOneOpenFile: each gets the bytes at its offset, whoever has the piece.
func TestReadersOfOneOpenFile(t *testing.T) {
	g := &genFile{part: func(b []byte, at uint64) ([]byte, uint64, syscall.Errno) {
		for range 100 {
			b = append(b, byte('a'+at))
		}
		return b, (at + 1) % 26, 0
	}}
	o := &genOpen{file: g}
	done := make(chan bool)
	for r := range 4 {
		go func() {
			var b [10]byte
			for i := range 500 {
				off := int64(r*617+i*37) % 2590
				if n, e := o.Read(nil, b[:], off); e != 0 || n != len(b) || b[0] != byte('a'+off/100) {
					t.Errorf("at %d: %q, %v", off, b[:n], e)
				}
			}
			done <- true
		}()
	}
	for range 4 {
		<-done
	}
}
