package mm

import (
	"math/rand"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"yolk/arch"
	"yolk/drivers/blk"
	"yolk/locks"
)

// The calls on segments, with MmapSem taken where it has to be.
func (m *MM) tShmAt(id int, addr uintptr, flags int, c *IPCCred) (uintptr, syscall.Errno) {
	m.MmapSem.Lock()
	defer m.MmapSem.Unlock()
	return ShmAt(m, id, addr, flags, c)
}

func (m *MM) tShmDt(addr uintptr) syscall.Errno {
	m.MmapSem.Lock()
	defer m.MmapSem.Unlock()
	return ShmDt(m, addr)
}

// root may do everything, nobody what others may.
var (
	root   = &IPCCred{PID: 1, IPCOwner: true, SysAdmin: true, MayLock: true}
	nobody = &IPCCred{UID: 65534, GID: 65534, PID: 2, LockLimit: 4 * pg}
)

func mustShmGet(t testing.TB, pages int) int {
	t.Helper()
	id, e := ShmGet(IPCPrivate, uint64(pages)*pg, 0o600, root)
	if e != 0 {
		t.Fatal("shmget:", e)
	}
	return id
}

func mustShmAt(t testing.TB, m *MM, id int) uintptr {
	t.Helper()
	addr, e := m.tShmAt(id, 0, 0, root)
	if e != 0 {
		t.Fatal("shmat:", e)
	}
	return addr
}

func mustShmRemove(t testing.TB, id int) {
	t.Helper()
	if e := ShmRemove(id, root); e != 0 {
		t.Error("shmctl(IPC_RMID):", e)
	}
}

func wantNattch(t testing.TB, id, want int) {
	t.Helper()
	st, e := ShmStatByID(id, root)
	if e != 0 || st.Nattch != want {
		t.Errorf("nattch %d (%v), want %d", st.Nattch, e, want)
	}
	shmLock.Lock()
	defer shmLock.Unlock()
	if s, e := shmByID(id); e == 0 {
		n := 0
		for v := s.attaches; v != nil; v = v.nextShare {
			n++
		}
		if n != s.Nattch {
			t.Errorf("%d on the attach list, nattch %d", n, s.Nattch)
		}
	}
}

// checkNoShm expects that no segment, object or page of one is left.
func checkNoShm(t testing.TB) {
	t.Helper()
	shmLock.Lock()
	defer shmLock.Unlock()
	if shmIDs.inUse != 0 || shmIDs.pages != 0 {
		t.Errorf("%d segments left, of %d pages", shmIDs.inUse, shmIDs.pages)
	}
	if o := &shmObjects; o.head != nil || o.n != 0 || o.rss != 0 || o.swp != 0 {
		t.Errorf("objects left: %v, %d, rss %d, swp %d", o.head, o.n, o.rss, o.swp)
	}
}

// recountShm compares the sums of shared memory with its slots.
func recountShm(t testing.TB) {
	t.Helper()
	shmLock.Lock()
	defer shmLock.Unlock()
	rss, swp := 0, 0
	for o := shmObjects.head; o != nil; o = o.next {
		r, s := 0, 0
		for i, slot := o.slots.ShmNext(0); slot != nil; i, slot = o.slots.ShmNext(i + 1) {
			switch e := loadPTE(slot); {
			case e.Present():
				r++
				if p := PageOf(e.PFN()); p.InSwapCache() || p.Count() < 1 {
					t.Errorf("page %d of an object: count %d, flags %#x", i, p.Count(), p.flags.Load())
				}
			case !e.None():
				s++
				if SwapCount(PTESwapEntry(e)) < 1 {
					t.Errorf("page %d of an object: its slot is free", i)
				}
			}
		}
		if r != o.rss || s != o.swp {
			t.Errorf("an object has rss %d and swp %d, should be %d and %d", o.rss, o.swp, r, s)
		}
		rss, swp = rss+r, swp+s
	}
	if rss != shmObjects.rss || swp != shmObjects.swp {
		t.Errorf("rss %d and swp %d, should be %d and %d", shmObjects.rss, shmObjects.swp, rss, swp)
	}
}

func TestShmGetErrors(t *testing.T) {
	testMachine(t, 1024)
	ShmLimits.Mni.Store(3)
	ShmLimits.All.Store(300)
	ShmLimits.Max.Store(200 * pg)
	old, _ := ShmGet(77, 5000, IPCCreat|0o640, root)
	for _, c := range []struct {
		name  string
		key   int32
		size  uint64
		flags int
		cred  *IPCCred
		want  syscall.Errno
	}{
		{"found", 77, 0, 0, root, 0},
		{"found, size fits", 77, 5000, IPCCreat | 0o600, root, 0},
		{"too large for it", 77, 5001, 0, root, syscall.EINVAL},
		{"exclusive", 77, 1, IPCCreat | IPCExcl, root, syscall.EEXIST},
		{"others may nothing", 77, 0, 0o004, nobody, syscall.EACCES},
		{"and ask for nothing", 77, 0, 0, nobody, 0},
		{"no such key", 78, 1, 0o600, root, syscall.ENOENT},
		{"empty", 78, 0, IPCCreat, root, syscall.EINVAL},
		{"above shmmax", 78, 200*pg + 1, IPCCreat, root, syscall.EINVAL},
		{"above shmall", 78, 200 * pg, IPCCreat, root, 0},
		{"all pages gone", 79, 100 * pg, IPCCreat, root, syscall.ENOSPC},
		{"one more", 79, pg, IPCCreat, root, 0},
		{"all segments gone", IPCPrivate, pg, 0o600, root, syscall.ENOSPC},
	} {
		if _, e := ShmGet(c.key, c.size, c.flags, c.cred); e != c.want {
			t.Errorf("%s: %v, want %v", c.name, e, c.want)
		}
	}
	ShmLimits.Mni.Store(10)
	ShmLimits.All.Store(1 << 60)
	ShmLimits.Max.Store(1 << 60)
	if _, e := ShmGet(80, 1<<59, IPCCreat, root); e != syscall.ENOMEM {
		t.Error("more than there is:", e)
	}
	mustShmRemove(t, old)
	if _, e := ShmStatByID(old, root); e != syscall.EINVAL {
		t.Error("a removed segment:", e)
	}
	for range ipcMinCycle * 2 {
		id := mustShmGet(t, 1)
		if id == old {
			t.Error("a number was used again at once")
		}
		mustShmRemove(t, id)
	}
	for i := range 3 * ipcMinCycle { // its place is another's some day
		id := mustShmGet(t, 1)
		if _, e := ShmStatByID(old, root); e == syscall.EIDRM {
			mustShmRemove(t, id)
			break
		} else if e != syscall.EINVAL || i == 3*ipcMinCycle-1 {
			t.Fatal("the number of a removed segment:", e)
		}
		mustShmRemove(t, id)
	}
	for at := range 4 * ipcMinCycle {
		if st, e := ShmStatByPlace(at, true, nobody); e == 0 {
			mustShmRemove(t, st.ID)
		}
	}
	checkNoShm(t)
}

func TestShmPermissions(t *testing.T) {
	testMachine(t, 1024)
	m := testSpace(t)
	id, _ := ShmGet(5, pg, IPCCreat|0o640, &IPCCred{UID: 10, GID: 20})
	owner := &IPCCred{UID: 10, GID: 1, LockLimit: pg}
	group := &IPCCred{UID: 11, GID: 1, Groups: []uint32{3, 20}, LockLimit: pg}
	for _, c := range []struct {
		name string
		cred *IPCCred
		do   func(c *IPCCred) syscall.Errno
		want syscall.Errno
	}{
		{"owner writes", owner, func(c *IPCCred) syscall.Errno { _, e := m.tShmAt(id, 0, 0, c); return e }, 0},
		{"group reads", group, func(c *IPCCred) syscall.Errno { _, e := m.tShmAt(id, 0, ShmRdOnly, c); return e }, 0},
		{"group writes", group, func(c *IPCCred) syscall.Errno { _, e := m.tShmAt(id, 0, 0, c); return e }, syscall.EACCES},
		{"owner executes", owner, func(c *IPCCred) syscall.Errno { _, e := m.tShmAt(id, 0, ShmExec, c); return e }, syscall.EACCES},
		{"others read", nobody, func(c *IPCCred) syscall.Errno { _, e := m.tShmAt(id, 0, ShmRdOnly, c); return e }, syscall.EACCES},
		{"others look", nobody, func(c *IPCCred) syscall.Errno { _, e := ShmStatByID(id, c); return e }, syscall.EACCES},
		{"others list", nobody, func(c *IPCCred) syscall.Errno { _, e := ShmStatByPlace(id, false, c); return e }, syscall.EACCES},
		{"others list any", nobody, func(c *IPCCred) syscall.Errno { _, e := ShmStatByPlace(id, true, c); return e }, 0},
		{"group sets", group, func(c *IPCCred) syscall.Errno { return ShmSet(id, 0, 0, 0o666, c) }, syscall.EPERM},
		{"group locks", group, func(c *IPCCred) syscall.Errno { return ShmSetLocked(id, true, c) }, syscall.EPERM},
		{"owner locks", owner, func(c *IPCCred) syscall.Errno { return ShmSetLocked(id, true, c) }, 0},
		{"group unlocks", group, func(c *IPCCred) syscall.Errno { return ShmSetLocked(id, false, c) }, syscall.EPERM},
		{"group removes", group, func(c *IPCCred) syscall.Errno { return ShmRemove(id, c) }, syscall.EPERM},
		{"root sets", root, func(c *IPCCred) syscall.Errno { return ShmSet(id, 65534, 0, 0o77600, c) }, 0},
		{"the new owner writes", nobody, func(c *IPCCred) syscall.Errno { _, e := m.tShmAt(id, 0, 0, c); return e }, 0},
		{"the creator removes", owner, func(c *IPCCred) syscall.Errno { return ShmRemove(id, c) }, 0},
	} {
		if e := c.do(c.cred); e != c.want {
			t.Errorf("%s: %v, want %v", c.name, e, c.want)
		}
	}
	wantNattch(t, id, 3)
	MMPut(m)
	checkNoShm(t)
}

func TestShmLockLimit(t *testing.T) {
	testMachine(t, 1024)
	a, _ := ShmGet(IPCPrivate, 3*pg, 0, nobody)
	b, _ := ShmGet(IPCPrivate, 2*pg, 0, nobody)
	none := &IPCCred{UID: nobody.UID}
	for _, c := range []struct {
		name string
		id   int
		lock bool
		cred *IPCCred
		want syscall.Errno
	}{
		{"no limit at all", a, true, none, syscall.EPERM},
		{"three of four", a, true, nobody, 0},
		{"again", a, true, nobody, 0},
		{"five of four", b, true, nobody, syscall.ENOMEM},
		{"the superuser", b, true, root, 0},
		{"unlock without limit", a, false, none, 0},
		{"unlock twice", a, false, none, 0},
		{"no such segment", b + 1, true, root, syscall.EINVAL},
	} {
		if e := ShmSetLocked(c.id, c.lock, c.cred); e != c.want {
			t.Errorf("%s: %v, want %v", c.name, e, c.want)
		}
	}
	mustShmRemove(t, a)
	mustShmRemove(t, b)
	checkNoShm(t)
}

// TestShmAttachCounts: nattch over fork, splits, merges, detach, and the death
// of a segment with the last of them.
func TestShmAttachCounts(t *testing.T) {
	testMachine(t, 2048)
	free := NrFreePages()
	m := MMAlloc(noLimits())
	id := mustShmGet(t, 20)
	a := mustShmAt(t, m, id)
	b := mustShmAt(t, m, id)
	fill(t, m, 0, a, 20, 1)
	verify(t, m, 0, b, 20, 1)
	wantNattch(t, id, 2)
	c, e := DupMM(m, noLimits())
	if e != 0 {
		t.Fatal(e)
	}
	wantNattch(t, id, 4)
	verify(t, c, 1, a, 20, 1)
	fill(t, c, 1, b, 5, 2)
	verify(t, m, 0, a, 5, 2)
	m.tMprotect(a+5*pg, 2*pg, syscall.PROT_READ)
	wantNattch(t, id, 6)
	m.tMprotect(a+5*pg, 2*pg, rw)
	wantNattch(t, id, 4)
	m.tMunmap(a+5*pg, 2*pg)
	wantNattch(t, id, 5)
	CheckInvariants(m)
	if e := m.tShmDt(a + 7*pg); e != syscall.EINVAL {
		t.Error("shmdt of the second half:", e)
	}
	if e := m.tShmDt(a); e != 0 {
		t.Error("shmdt:", e)
	}
	wantNattch(t, id, 3)
	if _, r := m.peek(0, a+10*pg); r != FaultMapErr {
		t.Error("a piece stayed:", r)
	}
	mustShmRemove(t, id)
	if st, _ := ShmStatByID(id, root); st.Mode&ShmDest == 0 || st.Key != IPCPrivate {
		t.Errorf("after IPC_RMID: mode %o key %d", st.Mode, st.Key)
	}
	recountShm(t)
	MMPut(m)
	wantNattch(t, id, 2)
	verify(t, c, 1, a, 5, 2)
	MMPut(c)
	checkNoShm(t)
	if n := NrFreePages(); n != free {
		t.Errorf("%d frames lost", free-n)
	}
}

// TestShmAtMerges: an attach that becomes one with the last one there is, of a
// segment that is to go with its last attach (bug 18 of the brief: the merge
// closes the neighbour, so the new attach has to be counted before).
func TestShmAtMerges(t *testing.T) {
	testMachine(t, 1024)
	m := testSpace(t)
	id := mustShmGet(t, 4)
	if _, e := m.tShmAt(id, base, 0, root); e != 0 {
		t.Fatal(e)
	}
	mustShmRemove(t, id)
	fill(t, m, 0, base, 4, 1)
	if _, e := m.tMremap(base, 4*pg, 8*pg, 0, 0); e != 0 {
		t.Fatal("mremap:", e)
	}
	if _, r := m.peek(0, base+4*pg); r != FaultBus {
		t.Error("beyond the end of the segment:", r)
	}
	m.tMunmap(base, 4*pg)
	wantNattch(t, id, 1)
	if _, e := m.tShmAt(id, base, 0, root); e != 0 {
		t.Fatal(e)
	}
	wantNattch(t, id, 1)
	verify(t, m, 0, base, 4, 1)
	CheckInvariants(m)
	MMPut(m)
	checkNoShm(t)
}

// TestShmAtFails: nothing is left of an attach that fails, not even of a segment
// that was only waiting for its last detach.
func TestShmAtFails(t *testing.T) {
	testMachine(t, 1024)
	l := noLimits()
	l.AS.Store(10 * pg)
	m := MMAlloc(l)
	id := mustShmGet(t, 20)
	used, _ := m.tMmap(base, pg, rw, private|fixed)
	for _, c := range []struct {
		name  string
		addr  uintptr
		flags int
		want  syscall.Errno
	}{
		{"limit", 0, 0, syscall.ENOMEM},
		{"in use", used, 0, syscall.EINVAL},
		{"in use by its end", used - 19*pg, 0, syscall.EINVAL},
		{"limit where something is", used, ShmRemap, syscall.ENOMEM},
		{"unaligned", used + 1, 0, syscall.EINVAL},
		{"nowhere to remap", 0, ShmRemap, syscall.EINVAL},
		{"beyond the end", arch.TaskSize - pg, 0, syscall.ENOMEM},
		{"around", ^uintptr(0) &^ (pg - 1), 0, syscall.EINVAL},
	} {
		if _, e := m.tShmAt(id, c.addr, c.flags, root); e != c.want {
			t.Errorf("%s: %v, want %v", c.name, e, c.want)
		}
		wantNattch(t, id, 0)
	}
	CheckInvariants(m)
	l.AS.Store(Infinity)
	a := mustShmAt(t, m, id)
	mustShmRemove(t, id)
	l.AS.Store(pg)
	if _, e := m.tShmAt(id, 0, 0, root); e != syscall.ENOMEM {
		t.Error("limit:", e)
	}
	wantNattch(t, id, 1)
	m.tShmDt(a)
	MMPut(m)
	checkNoShm(t)
}

func TestShmTwiceRAM(t *testing.T) {
	const frames, pages, slots = 768, 1500, 4000
	swapMachine(t, frames, slots)
	m, n := testSpace(t), testSpace(t)
	id := mustShmGet(t, pages)
	a := mustShmAt(t, m, id)
	b := mustShmAt(t, n, id)
	for round := range uint64(3) {
		fill(t, m, 0, a, pages, round)
		verify(t, n, 1, b, pages, round)
		recountShm(t)
		m, n, a, b = n, m, b, a
	}
	st, _ := ShmStatByID(id, root)
	if st.RSS+st.Swp != pages || st.Swp < pages-frames {
		t.Errorf("rss %d, swp %d", st.RSS, st.Swp)
	}
	var text strings.Builder
	WriteSysvipcShm(&text)
	// kswapd may have moved some since ShmStatByID: the sum stays.
	fields := strings.Fields(text.String())
	rss, _ := strconv.Atoi(fields[len(fields)-2])
	swp, _ := strconv.Atoi(fields[len(fields)-1])
	if rss+swp != pages*pg || swp == 0 {
		t.Errorf("/proc/sysvipc/shm: %q", text.String())
	}
	CheckInvariants(m)
	CheckInvariants(n)
	mustShmRemove(t, id)
	MMPut(m)
	MMPut(n)
	checkNoShm(t)
	checkEmptySwap(t, slots)
	recountFree(t)
}

func TestAnonSharedTwiceRAM(t *testing.T) {
	const frames, pages, slots = 768, 1500, 4000
	swapMachine(t, frames, slots)
	m := testSpace(t)
	addr, e := m.tMmap(0, pages*pg, rw, shared)
	if e != 0 {
		t.Fatal(e)
	}
	c, e := DupMM(m, noLimits())
	if e != 0 {
		t.Fatal(e)
	}
	fill(t, m, 0, addr, pages, 1)
	verify(t, c, 1, addr, pages, 1)
	fill(t, c, 1, addr, pages, 2)
	MMPut(c)
	verify(t, m, 0, addr, pages, 2)
	recountShm(t)
	MMPut(m)
	checkNoShm(t)
	checkEmptySwap(t, slots)
	recountFree(t)
}

// TestShmSwapPassesOver: what has ptes, is locked by SHM_LOCK or by an I/O, or
// lies in a zone that would not help, stays.
func TestShmSwapPassesOver(t *testing.T) {
	arch.InitSoft(1024, 1)
	Init(Config{DMAEnd: 0x100 + 256})
	if shmSwap(0, GFPKswapd) {
		t.Error("stolen without any swap")
	}
	if e := SwapOn(swapDisk("swap", 100), -1); e != 0 {
		t.Fatal(e)
	}
	t.Cleanup(stopMachine)
	if shmSwap(0, GFPKswapd) {
		t.Error("stolen without any shared memory")
	}
	m := testSpace(t)
	id := mustShmGet(t, 600)
	a := mustShmAt(t, m, id)
	m.poke(0, a+550*pg, 5)
	if shmSwap(0, GFPKswapd) {
		t.Error("a mapped page was stolen")
	}
	m.tShmDt(a)
	ShmSetLocked(id, true, root)
	if shmSwap(0, GFPKswapd) {
		t.Error("a locked segment's page was stolen")
	}
	ShmSetLocked(id, false, root)
	shmLock.Lock()
	s, _ := shmByID(id)
	p := PageOf(loadPTE(s.o.ShmSlot(550)).PFN())
	shmLock.Unlock()
	LockPage(p)
	if shmSwap(0, GFPKswapd) {
		t.Error("a locked page was stolen")
	}
	UnlockPage(p)
	if !p.PageDMA() && shmSwap(0, GFPKswapd|GFPDMA) {
		t.Error("a page of the wrong zone was stolen")
	}
	if !shmSwap(0, GFPKswapd) || NrSwapPages() != 99 {
		t.Error("not stolen, though nothing is in the way")
	}
	recountShm(t)
	RunDiskQueue()
	a = mustShmAt(t, m, id)
	if v, r := m.peek(0, a+550*pg); v != 5 || r.Failed() {
		t.Error("it came back as", v, r)
	}
	if NrSwapPages() != 100 {
		t.Error("its slot is still taken")
	}
	mustShmRemove(t, id)
}

// TestShmBounces: pages of the high zone reach the disk through a copy.
func TestShmBounces(t *testing.T) {
	const pages, slots = 1500, 3000
	arch.InitSoft(1024, 2)
	Init(Config{DMAEnd: 0x100 + 128, BigmemFrames: 512})
	if e := SwapOn(swapDisk("swap", slots), -1); e != 0 {
		t.Fatal(e)
	}
	StartKswapd()
	defer stopMachine()
	m := testSpace(t)
	id := mustShmGet(t, pages)
	a := mustShmAt(t, m, id)
	fill(t, m, 0, a, pages, 9)
	verify(t, m, 0, a, pages, 9)
	mustShmRemove(t, id)
	MMPut(m)
	checkNoShm(t)
	checkEmptySwap(t, slots)
	recountFree(t)
}

func TestShmSwapoff(t *testing.T) {
	const pages = 700
	swapMachine(t, 1024, 3000)
	m := testSpace(t)
	id := mustShmGet(t, pages)
	a := mustShmAt(t, m, id)
	fill(t, m, 0, a, pages, 1)
	other := mustMmap(t, m, 1200)
	fill(t, m, 0, other, 1200, 2)
	if st, _ := ShmStatByID(id, root); st.Swp == 0 {
		t.Error("nothing of the segment is in swap")
	}
	if e := SwapOff("swap"); e != syscall.ENOMEM {
		t.Error("swapoff of what does not fit:", e)
	}
	verify(t, m, 0, a, pages, 1)
	m.tMunmap(other, 1200*pg)
	if e := SwapOff("swap"); e != 0 {
		t.Fatal("swapoff:", e)
	}
	if st, _ := ShmStatByID(id, root); st.Swp != 0 || st.RSS != pages {
		t.Errorf("after swapoff: rss %d swp %d", st.RSS, st.Swp)
	}
	recountShm(t)
	verify(t, m, 0, a, pages, 1)
	mustShmRemove(t, id)
}

// shmWorld is what the programs of TestShmInParallel share. A page holds zero or
// what was written for its index.
type shmWorld struct {
	ids  [3]int
	stop time.Time
}

func (w *shmWorld) program(t *testing.T, cpu int) {
	rng := rand.New(rand.NewSource(int64(cpu)))
	m := MMAlloc(noLimits())
	var at [8]uintptr // of segment i%3
	for n := 0; time.Now().Before(w.stop) && !t.Failed(); n++ {
		i := rng.Intn(len(at))
		switch {
		case at[i] == 0:
			addr, e := m.tShmAt(w.ids[i%3], 0, 0, root)
			if e != 0 {
				t.Error("shmat:", e)
				return
			}
			at[i] = addr
		case rng.Intn(20) == 0:
			if e := m.tShmDt(at[i]); e != 0 {
				t.Error("shmdt:", e)
			}
			at[i] = 0
		case rng.Intn(40) == 0:
			c, e := DupMM(m, noLimits())
			if e != 0 {
				t.Error("fork:", e)
				return
			}
			if rng.Intn(2) == 0 { // the parent goes, the child stays
				m, c = c, m
			}
			CheckInvariants(c)
			MMPut(c)
		default:
			w.touch(t, m, cpu, at[i], i%3, rng)
		}
	}
	MMPut(m)
}

// shmWorldPages is the size of each segment: all together are twice the RAM.
const shmWorldPages = 350

func (w *shmWorld) touch(t *testing.T, m *MM, cpu int, addr uintptr, seg int, rng *rand.Rand) {
	from := rng.Intn(shmWorldPages)
	for page := from; page < min(shmWorldPages, from+30); page++ {
		want := uint64(seg+1)<<32 | uint64(page)
		v, r := m.peek(cpu, addr+uintptr(page)*pg)
		if r.Failed() || v != 0 && v != want {
			t.Errorf("segment %d page %d: %#x, %v", seg, page, v, r)
			return
		}
		if r := m.poke(cpu, addr+uintptr(page)*pg, want); r.Failed() {
			t.Errorf("segment %d page %d: %v", seg, page, r)
			return
		}
	}
}

func TestShmInParallel(t *testing.T) {
	const frames, slots = 512, 4000
	d := swapMachine(t, frames, slots)
	d.SetDelay(func() time.Duration { return time.Duration(rand.Intn(200)) * time.Microsecond })
	extra := swapDisk("extra", 600)
	w := shmWorld{stop: time.Now().Add(2 * time.Second)}
	if testing.Short() {
		w.stop = time.Now().Add(300 * time.Millisecond)
	}
	for i := range w.ids {
		w.ids[i] = mustShmGet(t, shmWorldPages)
	}
	var wg sync.WaitGroup
	for cpu := range 3 {
		wg.Add(1)
		locks.Go("program", func() {
			defer wg.Done()
			w.program(t, cpu)
		})
	}
	wg.Add(2)
	locks.Go("swapoff", func() {
		defer wg.Done()
		for time.Now().Before(w.stop) {
			if e := SwapOn(extra, 10); e != 0 {
				t.Error("swapon:", e)
				return
			}
			time.Sleep(3 * time.Millisecond)
			for e := SwapOff("extra"); e != 0; e = SwapOff("extra") {
				if e != syscall.ENOMEM {
					t.Error("swapoff:", e)
					return
				}
			}
		}
	})
	locks.Go("segments", func() {
		defer wg.Done()
		shortLives(t, w.stop)
	})
	wg.Wait()
	for _, id := range w.ids {
		wantNattch(t, id, 0)
	}
	recountShm(t)
	for _, id := range w.ids {
		mustShmRemove(t, id)
	}
	t.Logf("out %d of %d tries, in %d", VMStat(ShmSwapOut), VMStat(ShmSwapTry), VMStat(ShmSwapIn))
	checkNoShm(t)
	checkEmptySwap(t, slots)
	recountFree(t)
}

// shortLives makes segments under one key and removes them, attached or not.
func shortLives(t *testing.T, stop time.Time) {
	m := MMAlloc(noLimits())
	for n := 0; time.Now().Before(stop); n++ {
		id, e := ShmGet(99, 20*pg, IPCCreat|IPCExcl|0o600, root)
		if e != 0 {
			t.Error("shmget:", e)
			break
		}
		if n%3 > 0 {
			a := mustShmAt(t, m, id)
			fill(t, m, 3, a, 20, uint64(n))
			if n%3 == 1 {
				verify(t, m, 3, a, 20, uint64(n))
				m.tShmDt(a)
			}
		}
		mustShmRemove(t, id)
		if n%30 == 29 {
			MMPut(m) // with what is still attached
			m = MMAlloc(noLimits())
		}
	}
	MMPut(m)
}

// TestShmFaultsAllocateNothing: as for other faults.
func TestShmFaultsAllocateNothing(t *testing.T) {
	swapMachine(t, 512, 4000)
	m := testSpace(t)
	const pages = 1000
	id := mustShmGet(t, pages)
	a := mustShmAt(t, m, id)
	i := uintptr(0)
	if n := testing.AllocsPerRun(2*pages-1, func() { m.poke(0, a+i%pages*pg, 1); i++ }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	mustShmRemove(t, id)
}

// TestShmReadError: the reader gets SIGBUS, and the page is there when the disk
// can be read again.
func TestShmReadError(t *testing.T) {
	const pages = 1500
	d := swapMachine(t, 1024, 3000)
	m := testSpace(t)
	id := mustShmGet(t, pages)
	a := mustShmAt(t, m, id)
	fill(t, m, 0, a, pages, 4)
	settle(t)
	d.SetFault(func(op blk.Op, _ uint64) syscall.Errno {
		if op == blk.Read {
			return syscall.EIO
		}
		return 0
	})
	bus := 0
	for i := range uint64(pages) {
		switch v, r := m.peek(0, a+uintptr(i)*pg); {
		case r == FaultBus:
			bus++
		case r.Failed() || v != pattern(4, i, 0):
			t.Fatalf("page %d: %v %#x", i, r, v)
		}
	}
	if bus == 0 {
		t.Error("no read failed")
	}
	d.SetFault(nil)
	settle(t)
	verify(t, m, 0, a, pages, 4)
	mustShmRemove(t, id)
}
