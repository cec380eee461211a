// Command profile makes of a kernel's log a profile for go tool pprof. The kernel writes
// samples to its log at the end of a run with the parameter profile=HZ:
//
//	bin/yolk -icount -append profile=10000 -log out/kernel.log PROGRAM
//	bin/yolk-profile out/kernel.log >out/yolk.pb.gz
//	go tool pprof -top out/yolk.pb.gz
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

func main() {
	image := flag.String("kernel", "", "the kernel's linked `file` (default: out/kernel.linked beside bin)")
	flag.Parse()
	if err := convert(*image, flag.Arg(0), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "profile:", err)
		os.Exit(1)
	}
}

// convert reads a log, stdin if it has no name, and writes the profile.
func convert(image, log string, to io.Writer) error {
	if image == "" {
		self, err := os.Executable()
		if err != nil {
			return err
		}
		image = filepath.Join(filepath.Dir(filepath.Dir(self)), "out", "kernel.linked")
	}
	in := io.Reader(os.Stdin)
	if log != "" {
		f, err := os.Open(log)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	s, err := read(in)
	if err != nil {
		return err
	}
	table, err := symbols(image)
	if err != nil {
		return err
	}
	p := build(s, table)
	if err := p.CheckValid(); err != nil {
		return err
	}
	return p.Write(to)
}

// samples are what the kernel said.
type samples struct {
	hz     int64
	lost   int64
	stacks []stack
}

type stack struct {
	count int64
	pcs   []uint64 // the innermost first; 0 is ring 3
}

// read takes the profile's lines out of a log.
func read(r io.Reader) (*samples, error) {
	s := &samples{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) < 3 || f[0] != "profile:" {
			continue
		}
		if f[1] == "hz" {
			if _, err := fmt.Sscanf(lines.Text(), "profile: hz %d lost %d", &s.hz, &s.lost); err != nil {
				return nil, fmt.Errorf("%q: %w", lines.Text(), err)
			}
			continue
		}
		var st stack
		var err error
		if st.count, err = strconv.ParseInt(f[1], 10, 64); err != nil {
			return nil, fmt.Errorf("%q: %w", lines.Text(), err)
		}
		for _, w := range f[2:] {
			pc, err := strconv.ParseUint(w, 16, 64)
			if err != nil {
				return nil, fmt.Errorf("%q: %w", lines.Text(), err)
			}
			st.pcs = append(st.pcs, pc)
		}
		s.stacks = append(s.stacks, st)
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if s.hz == 0 {
		return nil, fmt.Errorf("the log has no profile: say -append profile=HZ and let the run come to its end")
	}
	return s, nil
}
