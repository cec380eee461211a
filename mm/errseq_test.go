package mm

import (
	"syscall"
	"testing"
)

// TestErrSeq: each mark hears once of an error, one made later only of what nobody has heard of.
func TestErrSeq(t *testing.T) {
	var s ErrSeq
	var a, b, late, later ErrMark
	s.Sample(&a)
	s.Sample(&b)
	hears := func(who string, m *ErrMark, want syscall.Errno) {
		t.Helper()
		if e := s.Check(m); e != want {
			t.Errorf("%s hears %v, want %v", who, e, want)
		}
	}
	hears("a at first", &a, 0)
	s.Set(syscall.EIO)
	s.Sample(&late)
	hears("a", &a, syscall.EIO)
	hears("a again", &a, 0)
	hears("b", &b, syscall.EIO)
	hears("one who opened before anybody heard", &late, syscall.EIO)
	s.Sample(&later)
	hears("one who opened afterwards", &later, 0)
	s.Set(syscall.EIO)
	s.Set(syscall.ENOSPC)
	for _, m := range []*ErrMark{&a, &b, &late, &later} {
		hears("each, of the latest", m, syscall.ENOSPC)
		hears("each again", m, 0)
	}
}
