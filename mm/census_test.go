package mm

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// takeCensus reads the frames' part of /proc/recount.
func takeCensus(t *testing.T) map[string]int {
	t.Helper()
	var b strings.Builder
	WriteRecount(&b)
	sums := map[string]int{}
	for line := range strings.Lines(b.String()) {
		var name string
		var n int
		if _, err := fmt.Sscanf(line, "%s %d\n", &name, &n); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		sums[name] = n
	}
	return sums
}

// nothingLost wants an owner for every frame, and for every reference to one. What
// kswapd and the disk have in hand they put down in a moment. The test looks at no
// space afterwards that it has put.
func nothingLost(t *testing.T) {
	t.Helper()
	dropKept()
	sums := takeCensus(t)
	for end := time.Now().Add(5 * time.Second); sums["unowned_frames"]+sums["stray_references"] != 0 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
		sums = takeCensus(t)
	}
	if sums["unowned_frames"]+sums["stray_references"] != 0 {
		t.Errorf("lost frames: %v", sums)
	}
}

// TestCensus: every frame has an owner, whatever a program, shared memory and the
// swap cache have; and what is lost on purpose is found.
func TestCensus(t *testing.T) {
	promptMachine(t, 1024, 100)
	before := takeCensus(t)
	m := testSpace(t)
	addr := mustMmap(t, m, 16)
	fill(t, m, 0, addr, 10, 1)
	scan(m, GFPKswapd, TSOAnon)
	seg := newShmFrames(20, "test")
	for k := range uint64(3) {
		seg.fillSlot(seg.allocSlot(k))
	}
	table, page := AllocPage(GFPKernel), PageOf(loadPTE(seg.ShmSlot(1)).PFN())
	table.Set(PGTable)
	lost := AllocPage(GFPKernel)
	GetPage(page)

	had := takeCensus(t)
	for name, want := range map[string]int{"unowned_frames": 2, "stray_references": 1, "frames_moved": 0} {
		if had[name] != want {
			t.Errorf("%s is %d, want %d", name, had[name], want)
		}
	}
	all := func(s map[string]int) int {
		return s["accounted_frames"] + s["table_frames"] + s["program_frames"]
	}
	if all(before) != all(had) {
		t.Errorf("all frames were %v, are %v", before, had)
	}
	for _, p := range []*Page{lost, page} {
		PutPage(p)
	}
	freeTable(table)
	seg.FPut()
	m.tMunmap(addr, 16*pg)
	if is := takeCensus(t); is["unowned_frames"]+is["stray_references"] != 0 || is["program_frames"] != before["program_frames"] {
		t.Errorf("at the end: %v, before: %v", is, before)
	}
}
