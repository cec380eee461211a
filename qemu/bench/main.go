package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

// options is the command line.
type options struct {
	modes   []mode
	rounds  int
	linux   bool
	quick   bool
	binary  string
	history string
	rows    []string
}

func main() {
	o, err := parseOptions(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err = measure(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parseOptions(args []string) (*options, error) {
	o := &options{}
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	name := fs.String("mode", "both", "`wall`, icount or both")
	fs.IntVar(&o.rounds, "rounds", 5, "how often each system runs, in turns; the table has the medians")
	fs.BoolVar(&o.linux, "linux", true, "measure Linux as well")
	fs.BoolVar(&o.quick, "quick", false, "a tenth of the operations")
	fs.StringVar(&o.binary, "program", "out/bench", "the benchmark")
	fs.StringVar(&o.history, "history", "", "append the medians to this `file`")
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	o.rows = fs.Args()
	var err error
	if o.modes, err = named(*name); err != nil {
		return nil, err
	}
	if o.rounds < 1 {
		return nil, fmt.Errorf("-rounds %d: must be at least 1", o.rounds)
	}
	return o, nil
}

func measure(ctx context.Context, o *options) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	out := filepath.Join(filepath.Dir(filepath.Dir(self)), "out") // bin/yolk-bench, out/yolk.elf
	systems := []*system{yolk(filepath.Join(out, "yolk.elf"))}
	if o.linux {
		l, err := linux(ctx, filepath.Join(out, "linux"))
		if err != nil {
			return err
		}
		systems = append(systems, l)
	}
	for _, m := range o.modes {
		r := newResults(m)
		// Instructions are the same in every round.
		rounds := o.rounds
		if m.icount {
			rounds = 1
		}
		for i := range rounds {
			for _, s := range systems {
				fmt.Fprintf(os.Stderr, "%s: round %d of %d, %s\n", m.name, i+1, rounds, s.name)
				rows, err := s.run(ctx, m, o.binary, o.arguments(m))
				if err != nil {
					return err
				}
				r.add(s.name, rows)
			}
		}
		r.print(os.Stdout)
		if o.history != "" {
			if err := r.appendTo(o.history, revision()); err != nil {
				return err
			}
		}
	}
	return nil
}

// arguments of the program in a mode.
func (o *options) arguments(m mode) []string {
	var args []string
	if o.quick {
		args = append(args, "quick")
	}
	if !m.swap {
		args = append(args, "noswap")
	}
	return append(args, o.rows...)
}

// revision says which source this is, as git knows it.
func revision() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}
