package main

import (
	"bytes"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/google/pprof/profile"
)

func TestRead(t *testing.T) {
	s, err := read(strings.NewReader("[ 0.1] Yolk on 1 CPUs\nprofile: 3 10 20\r\nprofile: 2 0\nprofile: hz 1000 lost 5\n"))
	want := &samples{hz: 1000, lost: 5, stacks: []stack{{3, []uint64{0x10, 0x20}}, {2, []uint64{0}}}}
	if err != nil || !reflect.DeepEqual(s, want) {
		t.Errorf("%+v, %v; want %+v", s, err, want)
	}
	for _, bad := range []string{"", "profile: 3 10\n", "profile: x 10\nprofile: hz 1 lost 0\n", "profile: 3 zz\n", "profile: hz no lost 0\n"} {
		if _, err := read(strings.NewReader(bad)); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// TestBuild looks up an address of this very program.
func TestBuild(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	table, err := symbols(self)
	if err != nil {
		t.Fatal(err)
	}
	fn := table.LookupFunc("yolk/qemu/profile.TestBuild")
	if fn == nil {
		t.Skipf("%s has no symbol of its own tests", runtime.GOOS)
	}
	p := build(&samples{hz: 100, stacks: []stack{{4, []uint64{fn.Entry, fn.Entry + 1}}, {1, []uint64{0}}}}, table)
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	if p, err = profile.Parse(&b); err != nil {
		t.Fatal(err)
	}
	if len(p.Sample) != 2 || p.Sample[0].Value[1] != 40e6 || p.DurationNanos != 50e6 || p.Period != 10e6 {
		t.Errorf("samples %v, duration %d, period %d", p.Sample, p.DurationNanos, p.Period)
	}
	for i, want := range []string{fn.Name, "ring 3"} {
		for _, l := range p.Sample[i].Location {
			if got := l.Line[0].Function.Name; got != want {
				t.Errorf("sample %d: %s, want %s", i, got, want)
			}
		}
	}
}
