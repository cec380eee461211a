//go:build lockdep

package mm

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"yolk/locks"
)

// injectEnv names, for the child process of TestInjectedRules, the rule to break.
const injectEnv = "YOLK_INJECT"

// injections are the rules that can be broken on purpose, the locks that the
// report must name, and the function of which the stack must show that the
// broken place is a real one. The guest test boots a kernel with each.
var injections = []struct {
	rule  string
	locks []string
	where string
}{
	{"R1", []string{"mmap_sem is not held", "mmap_sem (", "page_table_lock ("}, "mm.(*fixup).apply"},
	{"R2", []string{"page_table_lock is not held", "page_table_lock (", "mmap_sem ("}, "mm.(*fixup).fixupMiddle"},
	{"R3", []string{"neither mmap_sem nor", "mmap_sem ("}, "mm.HandleFault"},
	{"R4", []string{"spinlock page_table_lock", "page_table_lock (", "mmap_sem ("}, "mm.insertVMA"},
	{"R5", []string{"taking page_table_lock of one mm", "page_table_lock (", "mmap_sem ("}, "mm.copyPTEs"},
	{"R6", []string{"page_table_lock is gone", "page_table_lock (", "kernel_lock ("}, "mm.swapOutVMA"},
	{"R6held", []string{"page_table_lock is still held", "page_table_lock (", "kernel_lock ("}, "mm.swapOutVMA"},
	{"R7", []string{"releasing page_table_lock", "page_table_lock (", "mmap_sem ("}, "mm.mergeRange"},
	{"R8", []string{"spinlock page_table_lock", "page_table_lock (", "mmap_sem ("}, "mm.doNoPage"},
	{"R9", []string{"mmap_cache astray", "page_table_lock (", "mmap_sem ("}, "mm.DoMunmap"},
	{"R10", []string{"takes mmap_sem", "kernel_lock ("}, "mm.swapOutMM"},
	{"R11", []string{"spinlock c_spinlock", "c_spinlock ("}, "mm.(*Cache[...]).Alloc"},
	{"R12", []string{"page_lock of", "mmap_sem ("}, "mm.FreePageAndSwapCache"},
}

// TestInjectedRules runs breakEverything with each rule broken, in a process of
// its own: a report under a spinlock cannot be recovered from.
func TestInjectedRules(t *testing.T) {
	if rule := os.Getenv(injectEnv); rule != "" {
		breakEverything(t, rule)
		return
	}
	for _, i := range injections {
		t.Run(i.rule, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestInjectedRules$")
			cmd.Env = append(os.Environ(), injectEnv+"="+i.rule)
			out, err := cmd.CombinedOutput()
			text, _, _ := strings.Cut(string(out), "fatal error:")
			if err == nil {
				t.Fatalf("not noticed:\n%s", text)
			}
			want := append([]string{"rule " + strings.TrimSuffix(i.rule, "held") + " broken", i.where}, i.locks...)
			for _, w := range want {
				if !strings.Contains(text, w) {
					t.Errorf("no %q in the report", w)
				}
			}
			if n := strings.Count(text, " here:\n"); n < 2 {
				t.Errorf("%d stacks in the report, want two at least", n)
			}
			if t.Failed() {
				t.Log(text)
			}
		})
	}
}

// breakEverything does a little of everything, so that some place is reached
// where the armed rule is broken.
func breakEverything(t *testing.T, rule string) {
	promptMachine(t, 2048, 2000)
	if !locks.Inject(rule) {
		t.Fatal("no such rule")
	}
	m := MMAlloc(noLimits()) // not testSpace: its check at the end would report once more
	addr := mustMmap(t, m, 16)
	m.tMprotect(addr, 16*pg, rw|4)
	m.tMlock(addr+4*pg, 4*pg, MlockOnFault)
	m.tMunlock(addr, 16*pg)
	fill(t, m, 0, addr, 16, 1)
	object, e := m.tMmap(0, pg, rw, shared)
	if e != 0 {
		t.Fatal(e)
	}
	m.poke(0, object, 1)
	c, e := DupMM(m, noLimits())
	if e != 0 {
		t.Fatal(e)
	}
	MMPut(c)
	stealFrom(m, GFPSwap) // ages
	for stealFrom(m, GFPKswapd) > 0 {
	}
	RunDiskQueue()
	verify(t, m, 0, addr, 16, 1) // reads: the pages stay in the swap cache
	m.tMunmap(addr+pg, pg)
	m.tMunmap(addr, 16*pg)
	t.Logf("rule %s: nothing happened", rule)
}
