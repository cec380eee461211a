package mm

import "testing"

// TestReadahead reads what has been swapped in one way after the other: the pages that
// lie next are read along where they are wanted, and are not where they are not.
func TestReadahead(t *testing.T) {
	const frames, pages, swapped = 4200, 9000, 4000 // room for blocks of 16
	const step = 263                                // farther than any read-ahead goes, and no page comes twice
	elsewhere := func(i int) int { return i * step % swapped }
	for _, way := range []struct {
		name     string
		page     func(i int) int
		n        int // pages that are wanted
		faults   int // of these at most so many had to wait for the disk
		unwanted int // pages read for nothing, at most
	}{
		{"up", func(i int) int { return i }, swapped, swapped / 12, swapped / 2},
		{"down", func(i int) int { return swapped - 1 - i }, swapped, swapped / 12, swapped / 2},
		{"two scans", func(i int) int { return i/2 + i%2*swapped/2 }, swapped, swapped / 12, swapped / 2},
		{"one of four workers", func(i int) int { return i * 4 }, swapped / 4, swapped / 12, swapped},
		{"here and there", elsewhere, 400, 400, 100},
		{"a scan, and here and there", func(i int) int {
			if i%2 == 0 {
				return i / 2
			}
			return 500 + elsewhere(i)%(swapped-500)
		}, 800, 500, 200},
	} {
		t.Run(way.name, func(t *testing.T) {
			swapMachine(t, frames, 12000)
			m := testSpace(t)
			addr := mustMmap(t, m, pages)
			fill(t, m, 0, addr, pages, 1)
			in, faults := VMStat(PSwpIn), VMStat(PgMajFault)
			for i := range way.n {
				p := way.page(i)
				if v, r := m.peek(0, addr+uintptr(p)*pg); r.Failed() || v != pattern(1, uint64(p), 0) {
					t.Fatalf("page %d: %#x, %v", p, v, r)
				}
			}
			in, faults = VMStat(PSwpIn)-in, VMStat(PgMajFault)-faults
			if int(faults) > way.faults || int(in) > way.n+way.unwanted {
				t.Errorf("%d pages read in %d faults for %d pages; want no more than %d in %d", in, faults, way.n, way.n+way.unwanted, way.faults)
			}
		})
	}
}
