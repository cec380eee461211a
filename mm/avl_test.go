package mm

import (
	"math/rand"
	"testing"
)

// treeOrder lists the tree's vmas by key.
func treeOrder(n *VMA, out []*VMA) []*VMA {
	if n == nil {
		return out
	}
	out = treeOrder(n.avlLeft, out)
	out = append(out, n)
	return treeOrder(n.avlRight, out)
}

func TestAVL(t *testing.T) {
	rng := rand.New(rand.NewSource(1))
	for _, n := range []int{1, 2, 3, 31, 32, 100, 1000} {
		vmas := make([]*VMA, n)
		var root *VMA
		for k, i := range rng.Perm(n) {
			v := &VMA{VMStart: uintptr(i) * pg, VMEnd: uintptr(i+1) * pg}
			vmas[i] = v
			prev, next := avlInsertNeighbours(v, &root)
			avlCheck(root)
			in := treeOrder(root, nil)
			if len(in) != k+1 {
				t.Fatalf("%d vmas in the tree, not %d", len(in), k+1)
			}
			for j, w := range in {
				if j > 0 && in[j-1].VMEnd >= w.VMEnd {
					t.Fatal("tree out of order")
				}
				if w == v && (j > 0 && in[j-1] != prev || j == 0 && prev != nil ||
					j+1 < len(in) && in[j+1] != next || j+1 == len(in) && next != nil) {
					t.Fatal("wrong neighbours")
				}
			}
		}
		for k, i := range rng.Perm(n) {
			avlRemove(vmas[i], &root)
			avlCheck(root)
			if len(treeOrder(root, nil)) != n-k-1 {
				t.Fatal("a removal took more or less than one")
			}
		}
	}
}

// TestFindVMA compares lookups in list and tree with a plain search.
func TestFindVMA(t *testing.T) {
	testMachine(t, 2048)
	for _, n := range []uintptr{1, 10, avlMinMapSize - 1, avlMinMapSize, 100} {
		m := testSpace(t)
		const base = uintptr(1) << 30
		for i := range n { // every other page, with alternating protection against merging
			if _, e := m.tMmap(base+2*i*pg, pg, rw, private|fixed); e != 0 {
				t.Fatal(e)
			}
		}
		if (m.mmapAVL != nil) != (n >= avlMinMapSize) {
			t.Fatalf("%d vmas, tree: %v", n, m.mmapAVL != nil)
		}
		m.MmapSem.Lock()
		for i := range 2*n + 2 {
			addr := base + (i-1)*pg
			wantStart, wantPrev := base+(i/2)*2*pg, uintptr(0)
			if i >= 2 {
				wantPrev = base + (i/2-1)*2*pg
			}
			for range 2 { // without and with the hint
				v := FindVMA(m, addr)
				if i/2 >= n {
					if v != nil {
						t.Fatalf("found something above all at %#x", addr)
					}
				} else if v == nil || v.VMStart != wantStart {
					t.Fatalf("n %d: FindVMA(base+%d pages) = %v", n, int(i)-1, v)
				}
			}
			v, prev := findVMAPrev(m, addr)
			if prev == nil && wantPrev != 0 || prev != nil && prev.VMStart != wantPrev {
				t.Fatalf("n %d: findVMAPrev(base+%d pages) has prev %v", n, int(i)-1, prev)
			}
			if v != FindVMA(m, addr) {
				t.Fatal("findVMAPrev and FindVMA disagree")
			}
		}
		m.MmapSem.Unlock()
	}
}

// TestChangesAreChecked: of a long list what has changed is checked by itself, and
// whatever is wrong there is found.
func TestChangesAreChecked(t *testing.T) {
	testMachine(t, 2048)
	m := testSpace(t)
	for i := range uintptr(200) {
		if _, e := m.tMmap(base+2*i*pg, pg, rw, private|fixed); e != 0 {
			t.Fatal(e)
		}
	}
	m.MmapSem.Lock()
	defer m.MmapSem.Unlock()
	v, prev := findVMAPrev(m, base+100*2*pg)
	finds := func(spoil, repair func()) (found bool) {
		m.changed = [2]uintptr{v.VMStart, v.VMEnd}
		spoil()
		defer func() { found = recover() != nil; repair(); m.changed = [2]uintptr{} }()
		checkChanged(m)
		return false
	}
	stray := &VMA{VMMM: m}
	for name, c := range map[string][2]func(){
		"overlap":        {func() { v.VMStart = prev.VMStart }, func() { v.VMStart = base + 200*pg }},
		"empty":          {func() { v.VMStart = v.VMEnd }, func() { v.VMStart = base + 200*pg }},
		"not marked":     {func() { v.inList = false }, func() { v.inList = true }},
		"passed over":    {func() { prev.vmNext = v.vmNext.vmNext }, func() { prev.vmNext = v }},
		"height":         {func() { m.mmapAVL.avlHeight++ }, func() { m.mmapAVL.avlHeight-- }},
		"hint elsewhere": {func() { m.mmapCache.Store(stray) }, func() { m.mmapCache.Store(nil) }},
	} {
		if !finds(c[0], c[1]) {
			t.Errorf("%s: not found", name)
		}
	}
	if finds(func() {}, func() {}) {
		t.Error("a false alarm")
	}
}
