package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// class is one line "class name kind text" of order.txt.
type class struct {
	name    string
	kind    string // sleep, spin or monitor
	ordered bool
	text    string
	files   []string // where locks of the class are; by scan
}

// goName is the constant's name: mmap_sem becomes MmapSem.
func (c class) goName() string {
	var b strings.Builder
	for part := range strings.SplitSeq(c.name, "_") {
		b.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return b.String()
}

// order is the parsed text: the classes in their order of appearance and, for
// each, the set of those that may be taken directly or indirectly inside it.
type order struct {
	classes []class
	index   map[string]int
	inside  [][]bool
}

const maxClasses = 63 // class 0 is "none", and a set is one 64-bit word

// parse reads order.txt and closes the order. It refuses cycles.
func parse(r io.Reader) (*order, error) {
	o := &order{index: map[string]int{}}
	var lines []string
	s := bufio.NewScanner(r)
	for s.Scan() {
		line := strings.TrimSpace(s.Text())
		rest, isClass := strings.CutPrefix(line, "class ")
		switch {
		case line == "" || line[0] == '#':
		case isClass:
			if err := o.addClass(rest); err != nil {
				return nil, err
			}
		case strings.HasPrefix(line, "order "):
			lines = append(lines, line[len("order "):])
		default:
			return nil, fmt.Errorf("order.txt: cannot read %q", line)
		}
	}
	o.inside = make([][]bool, len(o.classes))
	for i := range o.inside {
		o.inside[i] = make([]bool, len(o.classes))
	}
	for _, line := range lines {
		if err := o.addOrder(line); err != nil {
			return nil, err
		}
	}
	return o, o.close()
}

func (o *order) addClass(line string) error {
	f := strings.Fields(line)
	if len(f) < 3 {
		return fmt.Errorf("order.txt: class needs a name, a kind and a text: %q", line)
	}
	kind, ordered := strings.CutSuffix(f[1], "-ordered")
	if kind != "sleep" && kind != "spin" && kind != "monitor" {
		return fmt.Errorf("order.txt: unknown kind %q", f[1])
	}
	if _, dup := o.index[f[0]]; dup || len(o.classes) == maxClasses {
		return fmt.Errorf("order.txt: %s: named twice, or too many classes", f[0])
	}
	o.index[f[0]] = len(o.classes)
	o.classes = append(o.classes, class{name: f[0], kind: kind, ordered: ordered, text: strings.Join(f[2:], " ")})
	return nil
}

// addOrder enters one chain "a, b < c < d".
func (o *order) addOrder(line string) error {
	var outer []int
	for group := range strings.SplitSeq(line, "<") {
		inner, err := o.group(group)
		if err != nil {
			return err
		}
		for _, a := range outer {
			for _, b := range inner {
				o.inside[a][b] = true
			}
		}
		outer = inner
	}
	return nil
}

// group resolves "a, b" or "@spin" to class numbers.
func (o *order) group(text string) ([]int, error) {
	var set []int
	for name := range strings.SplitSeq(text, ",") {
		name = strings.TrimSpace(name)
		if kind, all := strings.CutPrefix(name, "@"); all {
			for i, c := range o.classes {
				if c.kind == kind {
					set = append(set, i)
				}
			}
			continue
		}
		i, ok := o.index[name]
		if !ok {
			return nil, fmt.Errorf("order.txt: %q is no class", name)
		}
		set = append(set, i)
	}
	return set, nil
}

// close computes the transitive closure and refuses cycles and sleeping locks
// inside spinlocks.
func (o *order) close() error {
	for k := range o.classes {
		for i := range o.classes {
			for j := range o.classes {
				o.inside[i][j] = o.inside[i][j] || o.inside[i][k] && o.inside[k][j]
			}
		}
	}
	for i, c := range o.classes {
		if o.inside[i][i] {
			return fmt.Errorf("order.txt: %s stands inside itself", c.name)
		}
		for j, d := range o.classes {
			if o.inside[i][j] && c.kind == "spin" && d.kind != "spin" {
				return fmt.Errorf("order.txt: %s cannot be taken inside the spinlock %s", d.name, c.name)
			}
		}
	}
	return nil
}
