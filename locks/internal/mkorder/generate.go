package main

import (
	"bytes"
	"fmt"
	"go/format"
	"strings"
)

// goSource renders the constants and the checker's tables.
func (o *order) goSource() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("// Code generated from order.txt by mkorder. DO NOT EDIT.\n\npackage locks\n\n")
	b.WriteString("// Class names a set of locks with one place in the lock order.\ntype Class uint8\n\n")
	b.WriteString("// The classes, outermost kinds first. The zero Class is not checked.\nconst (\n\tNoClass Class = iota\n")
	for _, c := range o.classes {
		fmt.Fprintf(&b, "\t%s // %s\n", c.goName(), c.text)
	}
	b.WriteString("\tnumClasses\n)\n\n")

	b.WriteString("// classes describes each Class; inside is the set of classes that may be taken\n// while this one is held.\n")
	b.WriteString("var classes = [numClasses]classInfo{\n\tNoClass: {name: \"(no class)\"},\n")
	for i, c := range o.classes {
		fmt.Fprintf(&b, "\t%s: {name: %q, kind: %s, ordered: %v, inside: %#x},\n",
			c.goName(), c.name, "kind"+strings.ToUpper(c.kind[:1])+c.kind[1:], c.ordered, o.mask(i))
	}
	b.WriteString("}\n")
	return format.Source(b.Bytes())
}

// mask is the closed set of class i as the checker numbers classes: from 1.
func (o *order) mask(i int) uint64 {
	var m uint64
	for j, in := range o.inside[i] {
		if in {
			m |= 1 << (j + 1)
		}
	}
	return m
}

// The generated part of docs/locking.md stands between these lines.
const (
	beginMark = "<!-- generated from locks/order.txt: begin -->\n"
	endMark   = "<!-- generated from locks/order.txt: end -->\n"
)

// splice puts the generated part into the document.
func (o *order) splice(doc []byte) ([]byte, error) {
	head, rest, ok := bytes.Cut(doc, []byte(beginMark))
	_, tail, ok2 := bytes.Cut(rest, []byte(endMark))
	if !ok || !ok2 {
		return nil, fmt.Errorf("the marks for the generated part are missing")
	}
	return bytes.Join([][]byte{head, []byte(beginMark), o.markdown(), []byte(endMark), tail}, nil), nil
}

// markdown renders the lock tree and the table of classes.
func (o *order) markdown() []byte {
	var b bytes.Buffer
	b.WriteString("```\n")
	o.tree(&b)
	b.WriteString("```\n\n| class | kind | guards | in | may be taken inside it |\n|---|---|---|---|---|\n")
	for i, c := range o.classes {
		kind := c.kind
		if c.ordered {
			kind += ", by ascending key"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", c.name, kind, c.text, strings.Join(c.files, ", "), o.insideText(i))
	}
	return b.Bytes()
}

// insideText lists what may be taken inside class i, in few words.
func (o *order) insideText(i int) string {
	if o.classes[i].kind == "monitor" {
		return "every lock"
	}
	var names []string
	spins := ""
	for j, in := range o.inside[i] {
		switch {
		case !in:
		case o.classes[i].kind == "sleep" && o.classes[j].kind == "spin":
			spins = "every spinlock"
		default:
			names = append(names, "`"+o.classes[j].name+"`")
		}
	}
	if spins != "" {
		names = append(names, spins)
	}
	if names == nil {
		return "nothing"
	}
	return strings.Join(names, ", ")
}

// tree draws each kind as an indented tree: every class stands once, under the
// deepest class that it is written after, and names its other parents.
func (o *order) tree(b *bytes.Buffer) {
	for _, kind := range []string{"monitor", "sleep", "spin"} {
		fmt.Fprintf(b, "%s\n", map[string]string{
			"monitor": "MONITOR (outside every spinlock, beside every sleeping lock)",
			"sleep":   "SLEEPING LOCKS (every spinlock may be taken inside them)",
			"spin":    "SPINLOCKS (nothing inside them sleeps)",
		}[kind])
		for i, c := range o.classes {
			if c.kind == kind && len(o.parents(i)) == 0 {
				o.branch(b, i, 1)
			}
		}
	}
}

func (o *order) branch(b *bytes.Buffer, i, depth int) {
	fmt.Fprintf(b, "%s%s", strings.Repeat("    ", depth), o.classes[i].name)
	if p := o.parents(i); len(p) > 1 {
		var also []string
		for _, k := range p[:len(p)-1] {
			also = append(also, o.classes[k].name)
		}
		fmt.Fprintf(b, "  (also inside %s)", strings.Join(also, ", "))
	}
	b.WriteString("\n")
	for j := range o.classes {
		if p := o.parents(j); len(p) > 0 && p[len(p)-1] == i {
			o.branch(b, j, depth+1)
		}
	}
}

// parents are the classes of the same kind right outside class j: those not
// already implied by another parent. The deepest comes last.
func (o *order) parents(j int) []int {
	var set []int
	for i := range o.classes {
		if o.classes[i].kind != o.classes[j].kind || !o.inside[i][j] {
			continue
		}
		implied := false
		for k := range o.classes {
			implied = implied || o.inside[i][k] && o.inside[k][j]
		}
		if !implied {
			set = append(set, i)
		}
	}
	return set
}
