package proc

import "testing"

// TestOOMScoreAdj: the unprivileged may raise it, and lower it as far as a
// privileged process has set it; children inherit both.
func TestOOMScoreAdj(t *testing.T) {
	var l, child Limits
	l.initDefaults()
	for _, s := range []struct {
		n          int32
		privileged bool
		ok         bool
	}{
		{300, false, true}, {0, false, true}, {-1, false, false}, {-500, true, true},
		{700, false, true}, {-500, false, true}, {-501, false, false},
	} {
		if ok := l.setOOMScoreAdj(s.n, s.privileged); ok != s.ok {
			t.Errorf("set to %d, privileged %v: %v", s.n, s.privileged, ok)
		}
	}
	child.copyFrom(&l)
	if n := child.MM.OOMScoreAdj.Load(); n != -500 || child.setOOMScoreAdj(-501, false) {
		t.Errorf("the child has %d, or may go below -500", n)
	}
}
