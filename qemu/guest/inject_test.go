package guest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// injections are the rules that a checking kernel can break on purpose
// (-append inject=…), and the locks that the report must name.
var injections = []struct {
	rule  string
	locks []string
}{
	{"R1", []string{"mmap_sem is not held", "page_table_lock ("}},
	{"R2", []string{"page_table_lock is not held", "mmap_sem ("}},
	{"R3", []string{"neither mmap_sem nor", "mmap_sem ("}},
	{"R4", []string{"spinlock page_table_lock", "mmap_sem ("}},
	{"R5", []string{"taking page_table_lock of one mm", "page_table_lock (", "mmap_sem ("}},
	{"R6", []string{"page_table_lock is gone", "kernel_lock ("}},
	{"R6held", []string{"page_table_lock is still held", "kernel_lock ("}},
	{"R7", []string{"releasing page_table_lock", "page_table_lock (", "mmap_sem ("}},
	{"R8", []string{"spinlock page_table_lock", "mmap_sem ("}},
	{"R9", []string{"mmap_cache astray", "page_table_lock (", "mmap_sem ("}},
	{"R10", []string{"takes mmap_sem", "kernel_lock ("}},
	{"R11", []string{"spinlock c_spinlock", "c_spinlock ("}},
	{"R12", []string{"page_lock of", "mmap_sem ("}},
}

var injectProgram = source{"glibc", "inject", []string{"inject/inject.c"}}

// TestInjected boots, for each rule, a kernel that breaks it. The checker must
// end the run, and its report name the rule, the locks and two stacks.
func TestInjected(t *testing.T) {
	for _, i := range injections {
		for _, cpus := range []int{1, 2, 4} {
			m := machine{cpus, true}
			t.Run(i.rule+"/"+m.String(), func(t *testing.T) {
				t.Parallel()
				log := filepath.Join(t.TempDir(), "log")
				got := boot(t, m, []string{"-m", "32M", "-append", "inject=" + i.rule, "-log", log}, "", injectProgram.build(t))
				if got.status != 125 {
					t.Errorf("status %d, want 125", got.status)
				}
				checkReport(t, log, append(i.locks, "rule "+strings.TrimSuffix(i.rule, "held")+" broken"))
			})
		}
	}
}

// checkReport wants a report in the kernel's log that has all words and two stacks.
func checkReport(t *testing.T, log string, words []string) {
	t.Helper()
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	_, report, _ := strings.Cut(string(text), "lockdep: ")
	for _, w := range words {
		if !strings.Contains(report, w) {
			t.Errorf("no %q in the report", w)
		}
	}
	if n := strings.Count(report, " here:\n"); n < 2 {
		t.Errorf("%d stacks in the report, want two at least", n)
	}
	if t.Failed() {
		t.Log("\n" + tail(report))
	}
}

// TestNothingInjected runs the same program where no rule is broken.
func TestNothingInjected(t *testing.T) {
	for _, m := range everyMachine {
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			run{}.judge(t, boot(t, m, []string{"-m", "32M"}, "", injectProgram.build(t)))
		})
	}
}
