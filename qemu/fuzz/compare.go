package main

import (
	"fmt"
	"strconv"
)

// difference is the first place where the two sides differ.
type difference struct {
	p           program
	at          int // the line of p; len(p) for the program's end
	host, guest string
	before      []string // what the host said until then
	reason      *reason  // that explains it; nil: none does
}

func (d *difference) line() line {
	if d.at >= len(d.p) {
		return line{"end"}
	}
	return d.p[d.at]
}

func (d *difference) String() string {
	return fmt.Sprintf("%v\n  Linux: %s\n  Yolk:  %s", d.line(), d.host, d.guest)
}

// compare finds the first difference, or nil, and how many calls are the same
// until then.
func compare(p program, a answers) (d *difference, same int) {
	lines := attribute(p)
	for i, host := range a.host {
		guest := "nothing"
		if i < len(a.guest) {
			guest = a.guest[i]
		}
		at := len(p)
		if i < len(lines) {
			at = lines[i]
		}
		if host != guest {
			d = &difference{p: p, at: at, host: host, guest: guest, before: a.host[:i]}
			d.reason = explain(d)
			return d, i
		}
	}
	return nil, len(p)
}

// attribute says which line of p each answer is to.
func attribute(p program) (lines []int) {
	forked := false
	for i := 0; i < len(p); i++ {
		lines = append(lines, i)
		switch p[i][0] {
		case "fork":
			forked = true
		case "child":
			n, _ := strconv.ParseUint(p[i][1], 16, 16)
			last := min(i+int(n), len(p)-1)
			if forked {
				for k := i + 1; k <= last; k++ {
					lines = append(lines, k)
				}
				lines = append(lines, i)
			}
			forked = false
			i = last
		}
	}
	return lines
}

// plain is argument n of a call, if it is a plain number; else 0.
func plain(l line, n int) uint64 {
	if n >= len(l) || l[n][0] >= 'A' && l[n][0] <= 'Z' {
		return 0
	}
	v, _ := strconv.ParseUint(l[n], 16, 64)
	return v
}
