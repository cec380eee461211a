package mm

import (
	"strings"
	"syscall"
	"testing"
)

// area is a swap device of a test.
type area struct {
	name  string
	prio  int // -1: below all so far
	slots int
}

// areasMachine is a machine that swaps to several devices.
func areasMachine(t *testing.T, areas ...area) {
	t.Helper()
	testMachine(t, 512)
	for _, a := range areas {
		if e := SwapOn(swapDisk(a.name, a.slots), a.prio); e != 0 {
			t.Fatalf("swapon %s: %v", a.name, e)
		}
	}
}

// take takes n slots in one request and returns the names of their areas.
func take(n int) (from string, got []SwapEntry) {
	got = make([]SwapEntry, n)
	got = got[:getSwapPages(got)]
	for _, e := range got {
		from += swapInfos[e.Type()].dev.Name()
	}
	return from, got
}

// TestAreasByPriority: slots come from the area of the highest priority that has
// any, from equals in turn, one request each.
func TestAreasByPriority(t *testing.T) {
	for _, tt := range []struct {
		name  string
		areas []area
		takes []int
		want  string
	}{
		{"one", []area{{"a", -1, 3}}, []int{1, 1, 1, 1}, "a a a "},
		{"the highest first", []area{{"a", 1, 2}, {"b", 9, 2}, {"c", 5, 2}}, []int{1, 1, 1, 1, 1, 1, 1}, "b b c c a a "},
		{"unasked: below all, in order", []area{{"a", -1, 2}, {"b", -1, 2}, {"c", 0, 1}}, []int{1, 1, 1, 1, 1, 1}, "c a a b b "},
		{"equals in turn", []area{{"a", 3, 3}, {"b", 3, 3}, {"c", 3, 3}}, []int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, "a b c a b c a b c "},
		{"equals of different size", []area{{"a", 3, 1}, {"b", 3, 4}, {"c", 3, 2}}, []int{1, 1, 1, 1, 1, 1, 1, 1}, "a b c b c b b "},
		{"equals in the middle", []area{{"z", 0, 2}, {"a", 3, 2}, {"b", 3, 2}, {"h", 4, 1}}, []int{1, 1, 1, 1, 1, 1, 1, 1}, "h a b a b z z "},
		{"a request over several", []area{{"a", 1, 2}, {"b", 2, 2}, {"c", 3, 2}}, []int{5, 5}, "ccbba a"},
		{"requests of equals", []area{{"a", 2, 6}, {"b", 2, 6}}, []int{4, 4, 4, 4}, "aaaa bbbb aabb "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			areasMachine(t, tt.areas...)
			var got []string
			for _, n := range tt.takes {
				from, _ := take(n)
				got = append(got, from)
			}
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("slots of %q, want %q", s, tt.want)
			}
			if NrSwapPages() != 0 {
				t.Error(NrSwapPages(), "slots left")
			}
		})
	}
}

// TestEqualsGiveAlike: whatever the sizes of requests, equals give about as many
// slots; but one that was full does not make up for it.
func TestEqualsGiveAlike(t *testing.T) {
	areasMachine(t, area{"a", 3, 1000}, area{"b", 3, 1000}, area{"c", 3, 10})
	var used [3]int
	var small []SwapEntry // those of c
	for i := range 40 {
		_, got := take([]int{32, 7}[i%2])
		for _, e := range got {
			if used[e.Type()]++; e.Type() == 2 {
				small = append(small, e)
			}
		}
		if i == 20 {
			for _, e := range small {
				SwapFree(e)
			}
		}
	}
	if d := used[0] - used[1]; max(d, -d) > 32 || used[2] != 20 {
		t.Errorf("slots of a, b, c: %v", used)
	}
}

// TestFreedSlotOfAHigherArea: it is the next one to go, and then the turns go on.
func TestFreedSlotOfAHigherArea(t *testing.T) {
	areasMachine(t, area{"h", 9, 2}, area{"a", 3, 4}, area{"b", 3, 4})
	_, high := take(2)
	take(1)
	SwapFree(high[0])
	for _, want := range []string{"h", "a", "b", "a"} {
		if from, _ := take(1); from != want {
			t.Errorf("a slot of %q, want %q", from, want)
		}
	}
}

// TestAreaGoesAndComes: swapoff takes an area out of the turns; with another
// priority it comes back at another place.
func TestAreaGoesAndComes(t *testing.T) {
	areasMachine(t, area{"a", 3, 8}, area{"b", 3, 8}, area{"c", 3, 8})
	seq := func() (s string) {
		for range 4 {
			from, got := take(1)
			s += from
			SwapFree(got[0])
		}
		return s
	}
	if s := seq(); s != "abca" {
		t.Errorf("three: %q", s)
	}
	if e := SwapOff("b"); e != 0 {
		t.Fatal(e)
	}
	if s := seq(); s != "acac" {
		t.Errorf("two: %q", s)
	}
	if e := SwapOn(swapDisk("b", 8), 7); e != 0 {
		t.Fatal(e)
	}
	if s := seq(); s != "bbbb" {
		t.Errorf("one above two: %q", s)
	}
	if e := SwapOff("d"); e != syscall.EINVAL {
		t.Error("an area that is not in use:", e)
	}
}

// TestWriteSwaps: /proc/swaps to the letter, as Linux has it.
func TestWriteSwaps(t *testing.T) {
	areasMachine(t, area{"vda", -1, 100}, area{"vdb", 32767, 9}, area{"a name that is longer than its column is wide", -1, 5})
	take(3)
	swapInfos[1].pages = 3000000 // a column as wide as that takes one tab less
	const want = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n" +
		"/dev/vda                                partition\t400\t\t0\t\t-1\n" +
		"/dev/vdb                                partition\t12000000\t12\t\t32767\n" +
		"/dev/a name that is longer than its column is wide partition\t20\t\t0\t\t-2\n"
	var b strings.Builder
	WriteSwaps(&b)
	if b.String() != want {
		t.Errorf("/proc/swaps is\n%s, want\n%s", b.String(), want)
	}
}
