package guest

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// TestFuzzCorpus replays the programs that once told this kernel from Linux, here and
// in guests: see docs/fuzz.md.
func TestFuzzCorpus(t *testing.T) {
	for name, flags := range map[string][]string{"smp1-plain": {"-smp", "1"}, "smp2-lockdep": {"-smp", "2", "-lockdep"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(filepath.Join("bin", "yolk-fuzz"), append(flags, filepath.Join("qemu", "testdata", "fuzz"))...)
			cmd.Dir = top
			text, err := cmd.CombinedOutput()
			t.Logf("\n%s", text)
			if err != nil {
				t.Errorf("%v (make build makes bin/yolk-fuzz)", err)
			}
		})
	}
}
