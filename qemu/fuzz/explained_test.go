package main

import "testing"

func TestMoreAttached(t *testing.T) {
	for _, c := range []struct {
		host, guest string
		more        bool
	}{
		{"0 7000 2 1b6", "0 7000 1 1b6", true},
		{"0 7000 1 1b6", "0 7000 2 1b6", false},
		{"0 7000 2 1b6", "0 7000 2 1b6", false},
		{"0 8000 2 1b6", "0 7000 1 1b6", false},
		{"-016", "0 7000 1 1b6", false},
	} {
		if got := moreAttached(c.host, c.guest); got != c.more {
			t.Errorf("%q and %q: %v", c.host, c.guest, got)
		}
	}
}

// TestJoined: neighbours become one where only a refused call can have split them.
func TestJoined(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"maps | A0-A1000 rw-p 0 | A1000-A3000 rw-p 0 ", "maps | A0-A3000 rw-p 0 ", true},
		{"maps | A0-A1000 rw-p 0 | A2000-A3000 rw-p 0 ", "maps | A0-A3000 rw-p 0 ", false},
		{"maps | A0-A1000 rw-p 0 | A1000-A3000 r--p 0 ", "maps | A0-A3000 rw-p 0 ", false},
		{"maps | A0-A1000 rw-s 2000 /memfd:fuzz (deleted) | A1000-A3000 rw-s 3000 /memfd:fuzz (deleted) ",
			"maps | A0-A3000 rw-s 2000 /memfd:fuzz (deleted) ", true},
		{"maps | A0-A1000 rw-s 2000 /memfd:fuzz (deleted) | A1000-A3000 rw-s 2000 /memfd:fuzz (deleted) ",
			"maps | A0-A3000 rw-s 2000 /memfd:fuzz (deleted) ", false},
		{"maps | T3000-T2000 rw-s 2000 /memfd:fuzz (deleted) | T2000-T0 rw-s 3000 /memfd:fuzz (deleted) ",
			"maps | T3000-T0 rw-s 2000 /memfd:fuzz (deleted) ", true},
	} {
		if got := joined(c.a) == joined(c.b); got != c.same {
			t.Errorf("%q and %q: %v", c.a, c.b, got)
		}
	}
}
