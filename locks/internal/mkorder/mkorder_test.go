package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestGeneratedFilesAreCurrent fails when order.txt was changed and go generate
// was not run.
func TestGeneratedFilesAreCurrent(t *testing.T) {
	if err := run(true, "../../.."); err != nil {
		t.Error(err)
	}
}

const classes = `
class big monitor it
class a_sem sleep  a
class b_sem sleep-ordered b
class c_lock spin c
class d_lock spin d
`

func TestParse(t *testing.T) {
	o, err := parse(strings.NewReader(classes + "order a_sem < b_sem < c_lock\norder @sleep < @spin\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		outer, inner string
		want         bool
	}{
		{"a_sem", "b_sem", true},
		{"a_sem", "c_lock", true},
		{"a_sem", "d_lock", true},
		{"b_sem", "a_sem", false},
		{"c_lock", "d_lock", false},
		{"big", "a_sem", false},
	} {
		if got := o.inside[o.index[tt.outer]][o.index[tt.inner]]; got != tt.want {
			t.Errorf("%s inside %s: %v", tt.inner, tt.outer, got)
		}
	}
	if o.classes[1].ordered || !o.classes[2].ordered || o.classes[2].goName() != "BSem" {
		t.Errorf("class read as %+v", o.classes[2])
	}
}

func TestParseRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"cycle":                        "order a_sem < b_sem\norder b_sem < a_sem",
		"long cycle":                   "order c_lock < d_lock < c_lock",
		"sleeping lock in a spinlock":  "order c_lock < a_sem",
		"unknown class":                "order a_sem < e_sem",
		"unknown kind":                 "class e_sem slow text",
		"class without a text":         "class e_sem spin",
		"class named twice":            "class a_sem sleep again",
		"line that is neither of both": "locks are nice",
	} {
		if _, err := parse(strings.NewReader(classes + text)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestTreeNamesEveryClassOnce(t *testing.T) {
	o, err := parse(strings.NewReader(classes + "order a_sem < b_sem\norder c_lock < d_lock\norder b_sem < d_lock"))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	o.tree(&b)
	for _, want := range []string{"    a_sem\n        b_sem\n", "    c_lock\n        d_lock\n", "    big\n"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in:\n%s", want, b.String())
		}
	}
}

// TestEveryClassHasALock: a class that no lock is of is an error.
func TestEveryClassHasALock(t *testing.T) {
	top := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(top, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a.go", "func init() { x.Init(locks.ASem); y.Init(locks.ASem); z.Init(locks.CLock) }")
	write("b.go", "\tl.sem.Init(locks.ASem)\n\tlocks.NoteAcquire(locks.DLock, l, 0)\n")
	write("b_test.go", "w.Init(locks.BSem)")
	o, _ := parse(strings.NewReader("class a_sem sleep a\nclass c_lock spin c\nclass d_lock spin d"))
	if err := o.scan(top); err != nil || strings.Join(o.classes[0].files, " ") != "a.go b.go" {
		t.Errorf("%v: %+v", err, o.classes)
	}
	o, _ = parse(strings.NewReader("class a_sem sleep a\nclass b_sem sleep b"))
	if err := o.scan(top); err == nil || !strings.Contains(err.Error(), "b_sem") {
		t.Errorf("a class without a lock: %v", err)
	}
}

func TestSpliceNeedsItsMarks(t *testing.T) {
	o, _ := parse(strings.NewReader(classes))
	if _, err := o.splice([]byte("no marks")); err == nil {
		t.Error("accepted")
	}
	out, err := o.splice([]byte("head\n" + beginMark + "old\n" + endMark + "tail\n"))
	if s := string(out); err != nil || !strings.HasPrefix(s, "head\n") || !strings.HasSuffix(s, "tail\n") || strings.Contains(s, "old") {
		t.Errorf("%v: %s", err, s)
	}
}
