// Command suite runs programs that nobody here wrote in guests, and judges them:
// busybox, bash, the core utilities, python and stress-ng from Debian's packages,
// and the tests of Go's standard library.
//
//	bin/yolk-suite [-run REGEXP] [-list] [-guests N] [-lockdep] [-v] [-tap FILE] [-junit FILE]
//
// What a test needs is fetched or built for it, and kept under out/. The exit status
// is 0 if nothing failed but what qemu/testdata/known.txt names, and all that
// matched did run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"yolk/qemu/harness"
)

// options is the command line.
type options struct {
	run        *regexp.Regexp
	list       bool
	guests     int
	lockdep    bool
	verbose    bool
	tap, junit string
}

func main() {
	o, err := parseOptions(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	failed, err := start(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "suite:", err)
	}
	if err != nil || failed {
		os.Exit(1)
	}
}

func parseOptions(args []string) (*options, error) {
	o := &options{run: regexp.MustCompile("")}
	fs := flag.NewFlagSet("suite", flag.ContinueOnError)
	fs.Func("run", "run the tests whose names match this `regexp`", func(s string) (err error) {
		o.run, err = regexp.Compile(s)
		return err
	})
	fs.BoolVar(&o.list, "list", false, "only list the names")
	fs.IntVar(&o.guests, "guests", 2, "how many guests run at once, with two CPUs each")
	fs.BoolVar(&o.lockdep, "lockdep", false, "run the checking build")
	fs.BoolVar(&o.verbose, "v", false, "show each case that a program reports")
	fs.StringVar(&o.tap, "tap", "", "write all results to this file, in TAP")
	fs.StringVar(&o.junit, "junit", "", "write all results to this file, in JUnit's XML")
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	if fs.NArg() > 0 || o.guests < 1 {
		fs.Usage()
		return nil, errors.New("wrong command line")
	}
	return o, nil
}

// top is the top of the tree that this command, bin/yolk-suite, was built in.
func top() (string, error) {
	self, err := os.Executable()
	if err == nil {
		self, err = filepath.EvalSymlinks(self)
	}
	return filepath.Dir(filepath.Dir(self)), err
}

func start(ctx context.Context, o *options) (failed bool, err error) {
	dir, err := top()
	if err != nil {
		return false, err
	}
	s := &suite{top: dir, out: filepath.Join(dir, "out", "_suite")} // go list ./... passes by such a name
	known, err := s.known()
	if err != nil {
		return false, err
	}
	if o.list {
		for _, p := range s.parts() {
			for _, name := range p.names {
				if o.run.MatchString(name) {
					fmt.Println(name)
				}
			}
		}
		return false, nil
	}
	h, err := s.harness(ctx, o.lockdep)
	if err != nil {
		return false, err
	}
	began := time.Now()
	defer func() { _ = os.RemoveAll(s.goRoot()) }() // it has sources, which are none of ours
	groups, err := s.groups(ctx, o.run, known)
	if err != nil {
		return false, err
	}
	fmt.Printf("ready after %.0fs\n", time.Since(began).Seconds())
	report := &harness.Report{Known: known}
	if o.tap != "" {
		f, err := os.Create(o.tap)
		if err != nil {
			return false, err
		}
		defer func() { _ = f.Close() }()
		report.TAP = f
	}
	err = h.Run(ctx, groups, o.guests, func(r harness.Result) {
		show(report.Add(r), o.verbose)
		if r.Case {
			return
		}
		for _, c := range known.NotRun(r.Name) {
			left := harness.Result{Name: r.Name + "/" + c, Case: true, Verdict: harness.Skipped, Note: "known: " + known[r.Name+"/"+c]}
			show(report.Add(left), o.verbose)
		}
	})
	for _, p := range s.parts() {
		for _, n := range p.names {
			if o.run.MatchString(n) && known.Skips(n) {
				show(report.Add(harness.Result{Name: n, Verdict: harness.Skipped, Note: "known: " + known[n]}), o.verbose)
			}
		}
	}
	report.Close()
	if o.junit != "" {
		err = errors.Join(err, writeFile(o.junit, report.WriteJUnit))
	}
	fmt.Printf("in %.0fs:\n%s\n", time.Since(began).Seconds(), report.Summary())
	return report.Failed(), err
}

func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// show prints a line for each program, and what has to be known of failures.
func show(r harness.Result, verbose bool) {
	if r.Case && !verbose && r.Verdict == harness.Passed {
		return
	}
	first, _, _ := strings.Cut(r.Note, "\n")
	switch r.Verdict {
	case harness.Passed:
		fmt.Printf("ok   %-40s %6.1fs\n", r.Name, r.Took.Seconds())
	case harness.Skipped:
		if verbose || !r.Case || strings.HasPrefix(first, "known: ") {
			fmt.Printf("skip %-40s %s\n", r.Name, first)
		}
	default:
		fmt.Printf("FAIL %-40s %6.1fs\n%s\n", r.Name, r.Took.Seconds(), strings.TrimRight(r.Note, "\n"))
	}
}
