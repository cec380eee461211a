package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTranscript(t *testing.T) {
	const text = "[    0.1] noise\r\nboot 1500 tsc\r\nnull_call 10 ns\r\n[ 1.2] more noise ns\r\nfork 20 ns\r\ndone\r\n"
	wall, icount := modes[0], modes[1]
	tr := &transcript{began: time.Now().Add(-time.Second)}
	if _, err := tr.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	rows, err := tr.rows(icount)
	if err != nil || len(rows) != 3 || rows[0] != (row{"boot", 1500}) || rows[2] != (row{"fork", 20}) {
		t.Errorf("rows %v, error %v", rows, err)
	}
	rows, err = tr.rows(wall)
	if err != nil || len(rows) != 3 || rows[0].value < 1e9 || rows[0].value > 1e10 {
		t.Errorf("in wall mode, boot must be the host's time: rows %v, error %v", rows, err)
	}
	for _, bad := range []string{"", "boot 1 tsc\nnull_call 10 ns\n", "boot 1 tsc\nFAILED: fork at x.c:1\ndone\n"} {
		tr := &transcript{}
		_, _ = tr.Write([]byte(bad))
		if rows, err := tr.rows(icount); err == nil {
			t.Errorf("%q: rows %v, want an error", bad, rows)
		}
	}
}

func TestTable(t *testing.T) {
	r := newResults(modes[0])
	for _, v := range []float64{30, 10, 20} {
		r.add("yolk", []row{{"fork", v}, {"vmas_10", 10}, {"vmas_10000", 15}})
		r.add("linux", []row{{"fork", 40}, {"vmas_10", 10}, {"vmas_10000", 10}})
	}
	r.add("yolk", []row{{"ours", 7}})
	if m, ok := r.median("yolk", "fork"); !ok || m != 20 {
		t.Errorf("median %v, %v", m, ok)
	}
	if x, ok := r.ratio("fork"); !ok || x != 0.5 {
		t.Errorf("ratio %v, %v", x, ok)
	}
	if _, ok := r.ratio("ours"); ok {
		t.Error("a row that Linux lacks has a ratio")
	}
	var out bytes.Buffer
	r.print(&out)
	for _, want := range []string{"0.50", "rows above 1.0: 1 of 3", "yolk: a fault among 10,000 vmas costs 1.50 times"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, &out)
		}
	}
	file := filepath.Join(t.TempDir(), "history.tsv")
	for range 2 {
		if err := r.appendTo(file, "abc"); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file)
	if n := strings.Count(string(text), "\tabc\twall\tfork\t20\t40\n"); err != nil || n != 2 {
		t.Errorf("%d lines of 2 in the history (%v):\n%s", n, err, text)
	}
}

func TestOptions(t *testing.T) {
	for _, bad := range []string{"-mode fast", "-rounds 0", "-nonsense"} {
		if _, err := parseOptions(strings.Fields(bad)); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
	o, err := parseOptions(strings.Fields("-mode icount -quick fork exec"))
	if err != nil || strings.Join(o.arguments(o.modes[0]), " ") != "quick noswap fork exec" {
		t.Errorf("%v, %v", o, err)
	}
}
