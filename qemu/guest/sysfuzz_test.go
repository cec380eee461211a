package guest

import "testing"

var sysfuzz = source{"glibc", "sysfuzz", []string{"sysfuzz/*.c", "c/sums.c"}}

// TestSystemCallFuzz is make sysfuzz for a short while. The seed is in the output.
func TestSystemCallFuzz(t *testing.T) {
	for _, m := range []machine{{1, false}, {2, true}} {
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			got := boot(t, m, []string{"-m", "64M", "-swap", "64M"}, "", sysfuzz.build(t), "-calls", "50000")
			run{out: []string{"seed ", "ok\n"}}.judge(t, got)
			t.Log("\n" + got.out)
		})
	}
}
