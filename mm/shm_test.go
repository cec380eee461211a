package mm

import (
	"syscall"
	"testing"
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
