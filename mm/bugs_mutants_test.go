package mm

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var runMutants = flag.Bool("mutants", false, "take each fix out in turn and run its test, which must fail (make mutants)")

// edit replaces a text that occurs once in a file of this package.
type edit struct{ file, old, new string }

// mutant is a kernel without one of the fixes, and the test that must notice.
type mutant struct {
	test  string
	tags  string // build tags that the test needs
	edits []edit
}

var mutants = []mutant{
	{"TestBug01MlockMiddle", "lockdep", []edit{{"mprotect.go", "	injectR2(v, f.flags)\n", "	v.setFlags(f.flags)\n"}}},
	{"TestBug02UnmapFixup", "", []edit{{"munmap.go", "	step(\"unmap_fixup: begins\")\n",
		"	if st != area.VMStart || end != area.VMEnd {\n		insertVMA(m, area)\n		step(\"unmap_fixup: begins\")\n" +
			"		vmlistModifyLock(m)\n		_, p := findVMAPrev(m, area.VMStart)\n		unlinkVMA(m, area, p)\n		vmlistModifyUnlock(m)\n	}\n"}}},
	{"TestBug03TruncateDuringMunmap", "", []edit{{"munmap.go", "	step(\"do_munmap: detached\")\n", "	removeShared(area)\n"}}},
	{"TestBug04MoveVMAUsesLocals", "", []edit{{"mremapmove.go", "	r.populateTail(m, flags, to)\n", "	r.populateTail(m, n.VMFlags, to)\n"}}},
	{"TestBug05TruncateDuringMremap", "", []edit{
		{"mremapmove.go", "	insertVMA(m, n)\n", ""},
		{"mremapmove.go", "	mergeRange(m, to, to+r.newLen) //", "	insertVMA(m, n)\n	mergeRange(m, to, to+r.newLen) //"}}},
	{"TestSwapoutInterlock", "", []edit{{"swapout1999.go", "	if swapoutOf1999 {\n		return", "	if s.v != nil {\n		return"}}},
	{"TestSwapoutInterlock", "", []edit{{"munmap.go", "	interlockSwapout()\n", ""}}},
	{"TestBug07EntryBeforeCache", "", []edit{
		{"swapout.go", "	vma     *VMA //", "	entry   SwapEntry\n	vma     *VMA //"},
		{"swapout.go", "	if !addToSwapCache(p, e) {\n		panic(\"mm: a free swap slot has a page\")\n	}\n", ""},
		{"swapout.go", "	s.later(afterwards{page: p})\n", "	s.later(afterwards{page: p, entry: e})\n"},
		{"swapout.go", "		writeSwapPage(a.page)\n", "		if addToSwapCache(a.page, a.entry) {\n			writeSwapPage(a.page)\n		}\n"}}},
	{"TestBug08SwapoutHoldsNoLock", "", []edit{
		{"swapout.go", "	vmlistAccessUnlock(m)\n	step(", "	defer vmlistAccessUnlock(m)\n	step("}}},
	{"TestBug09DirectReclaimFromItself", "", []edit{{"vmscan.go", "	injectR10(m)\n", "	m.MmapSem.Lock()\n	defer m.MmapSem.Unlock()\n"}}},
	{"TestBug10SharedLockOrder", "lockdep", []edit{{"immap.go",
		"	lockVMAMappings(v)\n	vmlistModifyLock(m)\n", "	vmlistModifyLock(m)\n	lockVMAMappings(v)\n"}}},
	{"TestBug11RSSIsExact", "lockdep", []edit{{"fault.go",
		"		setPTE(pte, e)\n		countPTE(m, e, 1)\n		page = nil\n	}\n	m.PageTableLock.Unlock()\n",
		"		setPTE(pte, e)\n		page = nil\n	}\n	m.PageTableLock.Unlock()\n	countPTE(m, e, 1)\n"}}},
	{"TestBug12StealDuringSwapoff", "", []edit{
		{"swapout.go", "		if swapArea(e).writeOK.Load() {\n", "		if e != 0 {\n"},
		{"swapfile.go", "	ok := si.writeOK.Load() && ", "	ok := "}}},
	{"TestBug13ForkAgainstStealer", "", []edit{
		{"fork.go", "	old.PageTableLock.Lock()\n", ""}, {"fork.go", "	old.PageTableLock.Unlock()\n", ""}}},
	{"TestBug14VictimsTakeTurns", "", []edit{{"vmscan.go", "			m.SwapCnt.Add(int64(-n))\n", ""}}},
	{"TestBug14VictimsTakeTurns", "", []edit{{"vmscan.go", "	m.SwapAddress = 0\n", ""}}},
	{"TestBug14VictimsTakeTurns", "", []edit{{"vmscan.go", "			MMGrab(best)\n", ""}}},
	// 12: swapoff without mmap_sem, and without another look at the pte it waited for
	{"TestExplore", "", []edit{{"swapoff.go", "	m.MmapSem.Lock()\n	defer m.MmapSem.Unlock()\n", ""}}},
	{"TestTruncatedDuringSwapoff", "", []edit{{"swapoff.go", "	if loadPTE(pte) != old {\n		m.PageTableLock.Unlock()\n		return 0, false\n	}\n", ""}}},
	{"TestTruncatedDuringSwapoff", "", []edit{{"swapoff.go", "	valid := rereadSwapPage(p)\n", "	valid := rereadSwapPage(p)\n	if !valid {\n		return errno.EIO, false\n	}\n"}}},
	{"TestUserCopy", "lockdep", []edit{{"access.go", "	m.MmapSem.Lock()\n	defer m.MmapSem.Unlock()\n	for done",
		"	FindVMA(m, addr)\n	m.MmapSem.Lock()\n	defer m.MmapSem.Unlock()\n	for done"}}},
	{"TestBug15StaleHint", "", []edit{{"vmlist.go", "	m.mmapCache.Store(nil)\n", ""}}},
	{"TestBug16DirtyBitBetween", "", []edit{{"swapout.go", "	s.cand[s.n] = candidate{pte: pte, old: getAndClearPTE(pte), page: p}\n",
		"	s.cand[s.n] = candidate{pte: pte, old: e, page: p}\n	setPTE(pte, 0)\n"}}},
	{"TestBug17FreedBeforeFlush", "", []edit{{"zap.go", "		step(\"zap_page_range: flushes\")\n",
		"		for _, p := range g.pages[:g.n] {\n			if FreePageAndSwapCache(p) {\n				freePagesOk(p, 0)\n			}\n		}\n		step(\"zap_page_range: flushes\")\n		g.n = 0\n"}}},
	{"TestExplore", "lockdep", []edit{{"filemmap.go", "	m.PageTableLock.Lock()\n	defer m.PageTableLock.Unlock()\n", ""}}},
	{"TestShmAtMerges", "", []edit{
		{"shmat.go", "	s.insertAttach(shmd)\n", ""},
		{"shmat.go", "		closeVMA(shmd)\n		return 0, e\n	}\n",
			"		closeVMA(shmd)\n		return 0, e\n	}\n	shmLock.Lock()\n	shmd.PrivateData.(*shmSegment).insertAttach(shmd)\n	shmLock.Unlock()\n"}}},
	{"TestBug19CloseOutsideTheLock", "", []edit{{"merge.go",
		"			closeVMA(v) // never the file's last reference: prev holds one\n			vmlistModifyLock(m)\n",
		"			vmlistModifyLock(m)\n			closeVMA(v)\n"}}},
	// a fault that a truncate has overtaken
	{"TestExplore", "", []edit{{"fault.go", " || page.index >= pagesOf(page.mapping.Ops.Size())\n", "\n"}}},
	{"TestExplore", "", []edit{{"fault.go", " && (r == nil || r.truncs.Load() == truncs) {\n", " {\n"}}},
	{"TestFaultOvertaken", "", []edit{{"fault.go", " && (r == nil || r.truncs.Load() == truncs) {\n", " {\n"}}},
	{"TestForkChildHasNoUser", "", []edit{{"mm.go", "		m.mmUsers.Store(0) //", "		_ = 0 //"}}},
}

// TestFixesAreTested takes the fixes out. Without -mutants it only makes sure
// that the texts to replace are still there.
func TestFixesAreTested(t *testing.T) {
	for _, m := range mutants {
		t.Run(m.test, func(t *testing.T) {
			overlay := m.write(t)
			if !*runMutants {
				return
			}
			cmd := exec.Command("go", "test", "-vet=off", "-timeout", "60s", "-overlay", overlay, "-tags", m.tags, "-run", "^"+m.test+"$", ".")
			out, err := cmd.CombinedOutput()
			switch {
			case strings.Contains(string(out), "build failed"):
				t.Errorf("the mutant cannot be built:\n%s", out)
			case err == nil:
				t.Errorf("the fix was taken out, and the test does not notice:\n%s", out)
			}
		})
	}
}

// write makes the changed files and the overlay that puts them into place.
func (m mutant) write(t *testing.T) string {
	dir := t.TempDir()
	changed := map[string]string{}
	for _, e := range m.edits {
		text, ok := changed[e.file]
		if !ok {
			b, err := os.ReadFile(e.file)
			if err != nil {
				t.Fatal(err)
			}
			text = string(b)
		}
		if n := strings.Count(text, e.old); n != 1 {
			t.Fatalf("%s: %d times %q", e.file, n, e.old)
		}
		changed[e.file] = strings.Replace(text, e.old, e.new, 1)
	}
	replace := map[string]string{}
	for file, text := range changed {
		from, err := filepath.Abs(file)
		if err != nil {
			t.Fatal(err)
		}
		replace[from] = filepath.Join(dir, file)
		if err := os.WriteFile(replace[from], []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	overlay := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return overlay
}
