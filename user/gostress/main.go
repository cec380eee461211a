// Command gostress runs what a Go program leans on a kernel for, one case after
// the other, and reports in TAP. With -panic it dies as a Go program does, by a
// panic and its traceback; with -deadlock, by the runtime's own verdict.
package main

import (
	"flag"
	"fmt"
	"os"
)

// test is one case. It returns what went wrong.
type test struct {
	name string
	run  func() error
}

var tests = []test{
	{"channels", channels},
	{"mutexes", mutexes},
	{"select_with_timeout", selectTimeout},
	{"maps_in_parallel", mapsInParallel},
	{"timers_in_order", timersInOrder},
	{"sleep_lasts", sleepLasts},
	{"ticker", ticker},
	{"clock_across_cpus", clockAcrossCPUs},
	{"clock_needs_no_call", clockNeedsNoCall},
	{"gc_keeps_what_is_live", gcKeepsLive},
	{"finalizers_run", finalizers},
	{"deep_stacks", deepStacks},
	{"many_goroutines", manyGoroutines},
	{"tight_loop_is_preempted", tightLoop},
	{"nil_dereference_is_a_panic", nilDereference},
	{"division_by_zero_is_a_panic", divisionByZero},
	{"locked_threads", lockedThreads},
	{"files", files},
	{"pipes", pipes},
	{"signals", signals},
	{"child_process", childProcess},
	{"floating_point", floatingPoint},
}

func main() {
	doPanic := flag.Bool("panic", false, "panic: exit status 2, with a traceback on stderr")
	deadlock := flag.Bool("deadlock", false, "wait for ever: exit status 2")
	child := flag.Int("child", -1, "copy stdin to stdout and exit with this status")
	flag.Parse()
	switch {
	case *doPanic:
		panic("asked for")
	case *deadlock:
		select {}
	case *child >= 0:
		beChild(*child)
	}
	os.Exit(runAll(flag.Args()))
}

func runAll(names []string) int {
	chosen := tests
	if len(names) > 0 {
		chosen = nil
		for _, t := range tests {
			for _, n := range names {
				if t.name == n {
					chosen = append(chosen, t)
				}
			}
		}
	}
	failed := 0
	fmt.Printf("TAP version 13\n1..%d\n", len(chosen))
	for i, t := range chosen {
		if err := guarded(t.run); err != nil {
			failed++
			fmt.Printf("# %v\nnot ok %d - %s\n", err, i+1, t.name)
			continue
		}
		fmt.Printf("ok %d - %s\n", i+1, t.name)
	}
	if failed > 0 {
		return 1
	}
	return 0
}

// guarded turns a panic of the case into its error.
func guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return f()
}
