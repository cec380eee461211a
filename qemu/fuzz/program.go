package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// program is a sequence of calls, each a line of words for user/mmfuzz. The lines are
// shared between programs, and never changed.
type program []line

// line is a call's name and its arguments.
type line []string

func (l line) String() string { return strings.Join(l, " ") }

func (p program) String() string {
	var b strings.Builder
	for _, l := range p {
		b.WriteString(l.String())
		b.WriteByte('\n')
	}
	return b.String()
}

// without is p without n lines from i on.
func (p program) without(i, n int) program {
	return append(slices.Clone(p[:i]), p[i+n:]...)
}

// with is p with another line i.
func (p program) with(i int, l line) program {
	q := slices.Clone(p)
	q[i] = l
	return q
}

// parsePrograms reads programs as String writes them, with an empty line between two;
// what follows a # is for people.
func parsePrograms(text []byte) (all []program) {
	var p program
	flush := func() {
		if len(p) > 0 {
			all = append(all, p)
		}
		p = nil
	}
	for raw := range bytes.Lines(text) {
		said, _, comment := strings.Cut(string(raw), "#")
		switch words := strings.Fields(said); {
		case len(words) > 0:
			p = append(p, words)
		case !comment:
			flush()
		}
	}
	flush()
	return all
}

// readPrograms reads the files named, and those of directories.
func readPrograms(names ...string) (all []program, err error) {
	for _, name := range names {
		files := []string{name}
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			files, _ = filepath.Glob(filepath.Join(name, "*.txt"))
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				return nil, err
			}
			found := parsePrograms(text)
			if len(found) == 0 {
				return nil, fmt.Errorf("%s: no program", f)
			}
			all = append(all, found...)
		}
	}
	return all, nil
}
