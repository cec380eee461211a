package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"sort"
	"syscall"
	"time"
)

type options struct {
	seed, calls uint64
	first       uint64
	smp, guests int
	lockdep     bool
	shrink      int
	keep        string
	show        bool
	files       []string
}

func main() {
	o := parseOptions()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ok, err := start(ctx, o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "fuzz:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

func parseOptions() *options {
	o := &options{}
	flag.Uint64Var(&o.seed, "seed", uint64(time.Now().UnixNano()/1e6), "what the programs are made from")
	flag.Uint64Var(&o.calls, "calls", 100000, "how many calls to compare")
	flag.Uint64Var(&o.first, "first", 0, "the number of the first program")
	flag.IntVar(&o.smp, "smp", 1, "each guest's CPUs")
	flag.IntVar(&o.guests, "guests", runtime.NumCPU(), "how many guests run at a time")
	flag.BoolVar(&o.lockdep, "lockdep", false, "run the checking build")
	flag.IntVar(&o.shrink, "shrink", 5, "how many kinds of differences to shrink")
	flag.StringVar(&o.keep, "keep", "", "write shrunk programs into this directory")
	flag.BoolVar(&o.show, "show", false, "show both answers to each call of the files' programs")
	flag.Parse()
	o.files = flag.Args()
	return o
}

func start(ctx context.Context, o *options) (ok bool, err error) {
	dir, err := os.MkdirTemp("", "yolk-fuzz")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	m := &machines{dir: dir, interpreter: filepath.Join(dir, "mmfuzz"), yolk: "bin/yolk", flags: []string{"-smp", fmt.Sprint(o.smp)}}
	if o.lockdep {
		m.flags = append(m.flags, "-lockdep")
	}
	if err := m.compile(); err != nil {
		return false, err
	}
	j := &job{m: m, o: o, found: map[string]*difference{}, explained: map[string]int{}}
	if len(o.files) > 0 {
		err = j.replay(ctx)
	} else {
		err = j.generate(ctx)
	}
	if err != nil {
		return false, err
	}
	return j.report(ctx)
}

// job is one run of this command.
type job struct {
	m *machines
	o *options

	programs, same int
	explained      map[string]int // by reason
	found          map[string]*difference
	times          map[string]int
	died           bool
}

// replay runs the programs of files.
func (j *job) replay(ctx context.Context) error {
	all, err := readPrograms(j.o.files...)
	if err != nil {
		return err
	}
	return j.take(begin(ctx, j.m, all))
}

// generate runs new programs until enough calls were compared, a batch in each guest.
// What is found does not depend on how many there are.
func (j *job) generate(ctx context.Context) error {
	const size = 2000
	fmt.Printf("seed %d\n", j.o.seed)
	n := j.o.first
	var running []*batch
	ctx, stop := context.WithCancel(ctx)
	defer func() {
		stop()
		for _, b := range running {
			<-b.done
		}
	}()
	for uint64(j.same) < j.o.calls && !j.died {
		for len(running) < max(j.o.guests, 1) {
			all := make([]program, size)
			for i := range all {
				all[i] = generate(j.o.seed, n)
				n++
			}
			running = append(running, begin(ctx, j.m, all))
		}
		if err := j.take(running[0]); err != nil {
			return err
		}
		running = running[1:]
		fmt.Fprintf(os.Stderr, "programs %d calls %d kinds of differences %d\n", j.programs, j.same, len(j.found))
	}
	return nil
}

// batch is programs on their way through one guest.
type batch struct {
	all  []program
	done chan struct{} // closed when the rest is there
	both []answers
	died string
	err  error
}

func begin(ctx context.Context, m *machines, all []program) *batch {
	b := &batch{all: all, done: make(chan struct{})}
	go func() {
		defer close(b.done)
		b.both, b.died, b.err = m.run(ctx, all)
	}()
	return b
}

// take waits for a batch and takes note of what differs.
func (j *job) take(b *batch) error {
	if <-b.done; b.err != nil {
		return b.err
	}
	for i, a := range b.both {
		if j.o.show {
			show(b.all[i], a)
		}
		if b.died != "" && a.guest == nil {
			fmt.Printf("the guest died: %s\nin the program\n%v\n", b.died, b.all[i])
			j.died = true
			break
		}
		d, same := compare(b.all[i], a)
		j.programs++
		j.same += same
		switch {
		case d == nil:
		case d.reason != nil:
			j.explained[d.reason.name]++
		default:
			j.note(d)
		}
	}
	return nil
}

// note keeps a difference, one of each kind.
func (j *job) note(d *difference) {
	kind := d.line()[0]
	if len(d.host) < 12 && len(d.guest) < 12 {
		kind += " " + word(d.host) + " " + word(d.guest)
	}
	if old := j.found[kind]; old == nil || len(d.p) < len(old.p) {
		j.found[kind] = d
	}
	if j.times == nil {
		j.times = map[string]int{}
	}
	j.times[kind]++
}

// word is what kind of answer this is.
func word(s string) string {
	if s != "" && s[0] >= 'A' && s[0] <= 'T' && s[0] != 'S' {
		return "address"
	}
	return s
}

func show(p program, a answers) {
	lines := attribute(p)
	for i := range max(len(a.host), len(a.guest)) {
		text, h, g := "end", "nothing", "nothing"
		if i < len(lines) {
			text = p[lines[i]].String()
		}
		if i < len(a.host) {
			h = a.host[i]
		}
		if i < len(a.guest) {
			g = a.guest[i]
		}
		if h == g {
			fmt.Printf("%-40s %s\n", text, h)
		} else {
			fmt.Printf("%-40s Linux %s\n%-40s Yolk  %s\n", text, h, "", g)
		}
	}
	fmt.Println()
}

// report says what was found, and shrinks some of it.
func (j *job) report(ctx context.Context) (ok bool, err error) {
	kinds := make([]string, 0, len(j.found))
	for k := range j.found {
		kinds = append(kinds, k)
	}
	sort.Slice(kinds, func(a, b int) bool { return j.times[kinds[a]] > j.times[kinds[b]] })
	for i, k := range kinds {
		d := j.found[k]
		fmt.Printf("--- %d times: %s\n", j.times[k], k)
		if i >= j.o.shrink {
			fmt.Printf("%v%v\n", d.p[:min(d.at+1, len(d.p))], d)
			continue
		}
		var e error
		if d, e = shrink(ctx, j.m, d); e != nil {
			err = errors.Join(err, e)
		}
		fmt.Printf("%v%v\n", d.p, d)
		if j.o.keep != "" {
			err = errors.Join(err, keep(j.o.keep, d))
		}
	}
	fmt.Printf("programs %d, calls the same %d, unexplained differences %d\n", j.programs, j.same, sum(j.times))
	for _, r := range reasons {
		if n := j.explained[r.name]; n > 0 {
			fmt.Printf("explained %d: %s\n", n, r.name)
		}
	}
	return len(j.found) == 0 && !j.died, err
}

func sum(times map[string]int) (n int) {
	for _, t := range times {
		n += t
	}
	return n
}

// keep writes a shrunk program for the corpus.
func keep(dir string, d *difference) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, d.line()[0]+"-*.txt")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "# %v\n%v", d.line(), d.p)
	return errors.Join(err, f.Close())
}
