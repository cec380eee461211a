package mm

import (
	"syscall"
	"testing"

	"yolk/arch"
)

// One mapping of ten pages at base, a hole of ten, a read-only one of ten, and a
// shared one of two at base+40: the tables below say what each call says to it.
func errnoSpace(t *testing.T) *MM {
	m := testSpace(t)
	m.tMmap(base, 10*pg, rw, private|fixed)
	m.tMmap(base+20*pg, 10*pg, syscall.PROT_READ, private|fixed)
	m.tMmap(base+40*pg, 2*pg, rw, shared|fixed)
	return m
}

func TestMmapErrors(t *testing.T) {
	testMachine(t, 512)
	big := uintptr(arch.TaskSize)
	readOnly, writeOnly, odd := newTestFile(9), newTestFile(9), newTestFile(9)
	readOnly.readOnly, writeOnly.writeOnly, odd.refuse = true, true, syscall.ENODEV
	file := newTestFile(9)
	for _, c := range []struct {
		name         string
		file         *testFile
		addr, length uintptr
		prot, flags  int
		off          uint64
		limit        func(*Limits)
		want         syscall.Errno
	}{
		{name: "empty", want: syscall.EINVAL, flags: private},
		{name: "no type", length: pg, flags: syscall.MAP_ANON, want: syscall.EINVAL},
		{name: "both types", length: pg, flags: shared | private, want: syscall.EINVAL},
		{name: "unaligned fixed", addr: base + 1, length: pg, flags: private | fixed, want: syscall.EINVAL},
		{name: "unaligned hint", addr: base + 1, length: pg, flags: private},
		{name: "too long", length: big + 1, flags: private, want: syscall.ENOMEM},
		{name: "length wraps", length: ^uintptr(0), flags: private, want: syscall.ENOMEM},
		{name: "fixed past the end", addr: big - pg, length: 2 * pg, flags: private | fixed, want: syscall.ENOMEM},
		{name: "fixed in the kernel", addr: 1 << 63, length: pg, flags: private | fixed, want: syscall.ENOMEM},
		{name: "last page", addr: big - pg, length: pg, flags: private | fixed},
		{name: "no replace, taken", addr: base + 9*pg, length: 2 * pg, flags: private | MapFixedNoReplace, want: syscall.EEXIST},
		{name: "no replace, free", addr: base + 10*pg, length: pg, flags: private | MapFixedNoReplace},
		{name: "offset overflows", file: file, length: 2 * pg, flags: syscall.MAP_PRIVATE, off: ^uint64(0), want: syscall.EOVERFLOW},
		{name: "address space", length: pg, flags: private, limit: func(l *Limits) { l.AS.Store(22 * pg) }, want: syscall.ENOMEM},
		{name: "data", length: pg, prot: rw, flags: private, limit: func(l *Limits) { l.Data.Store(10 * pg) }, want: syscall.ENOMEM},
		{name: "data, not counted", length: pg, prot: syscall.PROT_READ, flags: private, limit: func(l *Limits) { l.Data.Store(10 * pg) }},
		{name: "more than there is", length: 1 << 30, prot: rw, flags: private, want: syscall.ENOMEM},
		{name: "more, no reserve", length: 1 << 30, prot: rw, flags: private | syscall.MAP_NORESERVE},
		{name: "more, no access", length: 1 << 30, flags: private},
		{name: "locked, no right", length: pg, flags: private | syscall.MAP_LOCKED, limit: func(l *Limits) { l.Memlock.Store(0) }, want: syscall.EPERM},
		{name: "locked, too much", length: 2 * pg, flags: private | syscall.MAP_LOCKED, limit: func(l *Limits) { l.Memlock.Store(pg) }, want: syscall.EAGAIN},
		{name: "locked", length: pg, flags: private | syscall.MAP_LOCKED, limit: func(l *Limits) { l.Memlock.Store(pg) }},
		{name: "file not open for reading", file: writeOnly, length: pg, flags: syscall.MAP_PRIVATE, want: syscall.EACCES},
		{name: "shared write, file read only", file: readOnly, length: pg, prot: rw, flags: syscall.MAP_SHARED, want: syscall.EACCES},
		{name: "private write, file read only", file: readOnly, length: pg, prot: rw, flags: syscall.MAP_PRIVATE},
		{name: "file that cannot be mapped", file: odd, length: pg, flags: syscall.MAP_PRIVATE, want: syscall.ENODEV},
		{name: "file that grows down", file: file, length: pg, flags: syscall.MAP_PRIVATE | syscall.MAP_GROWSDOWN, want: syscall.EINVAL},
		{name: "validated, unknown flag", file: file, length: pg, flags: MapSharedValidate | 1<<31, want: syscall.EOPNOTSUPP},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := errnoSpace(t)
			if c.limit != nil {
				c.limit(m.Limits)
			}
			var f File
			if c.file != nil {
				f = c.file
			}
			m.MmapSem.Lock()
			_, e := DoMmap(m, f, c.addr, c.length, c.prot, c.flags, c.off)
			m.MmapSem.Unlock()
			if e != c.want {
				t.Errorf("%v, not %v", e, c.want)
			}
		})
	}
	for _, f := range []*testFile{readOnly, writeOnly, odd, file} {
		if f.refs != 1 {
			t.Error("a file has references left:", f.refs)
		}
	}
}

func TestRangeErrors(t *testing.T) {
	testMachine(t, 512)
	const (
		einval, enomem, eacces = syscall.EINVAL, syscall.ENOMEM, syscall.EACCES
		high                   = uintptr(arch.TaskSize)
	)
	protect := func(prot int) func(*MM, uintptr, uintptr) syscall.Errno {
		return func(m *MM, a, n uintptr) syscall.Errno { return DoMprotect(m, a, n, prot) }
	}
	advise := func(advice int) func(*MM, uintptr, uintptr) syscall.Errno {
		return func(m *MM, a, n uintptr) syscall.Errno { return DoMadvise(m, a, n, advice) }
	}
	sync := func(flags int) func(*MM, uintptr, uintptr) syscall.Errno {
		return func(m *MM, a, n uintptr) syscall.Errno { return DoMsync(m, a, n, flags) }
	}
	lock := func(m *MM, a, n uintptr) syscall.Errno { return DoMlock(m, a, n, 0) }
	for _, c := range []struct {
		name         string
		call         func(*MM, uintptr, uintptr) syscall.Errno
		addr, length uintptr
		want         syscall.Errno
	}{
		{"munmap", DoMunmap, base, 10 * pg, 0},
		{"munmap nothing there", DoMunmap, base + 12*pg, pg, 0},
		{"munmap over holes", DoMunmap, base - pg, 100 * pg, 0},
		{"munmap unaligned", DoMunmap, base + 1, pg, einval},
		{"munmap odd length", DoMunmap, base, 1, 0},
		{"munmap empty", DoMunmap, base, 0, einval},
		{"munmap past the end", DoMunmap, high - pg, 2 * pg, einval},
		{"munmap in the kernel", DoMunmap, 1 << 63, pg, einval},
		{"munmap wraps", DoMunmap, base, ^uintptr(0), einval},
		{"mprotect", protect(rw), base, 10 * pg, 0},
		{"mprotect empty", protect(rw), base + 15*pg, 0, 0},
		{"mprotect unaligned", protect(rw), base + 1, pg, einval},
		{"mprotect unknown bits", protect(0x80), base, pg, einval},
		{"mprotect both directions", protect(syscall.PROT_GROWSDOWN | syscall.PROT_GROWSUP), base, pg, einval},
		{"mprotect grows down, no stack", protect(syscall.PROT_GROWSDOWN), base, pg, einval},
		{"mprotect wraps", protect(rw), base, ^uintptr(0) - pg, enomem},
		{"mprotect in a hole", protect(rw), base + 12*pg, pg, enomem},
		{"mprotect into a hole", protect(rw), base + 9*pg, 2 * pg, enomem},
		{"mprotect over a hole", protect(rw), base, 30 * pg, enomem},
		{"mlock", lock, base + 1, 9 * pg, 0},
		{"mlock empty", lock, base + 12*pg, 0, 0},
		{"mlock a hole", lock, base + 12*pg, pg, enomem},
		{"mlock into a hole", lock, base + 9*pg, 2 * pg, enomem},
		{"mlock wraps to nothing", lock, base, ^uintptr(0), 0},
		{"mlock wraps by rounding", lock, ^uintptr(0), 1, einval},
		{"munlock", DoMunlock, base, 10 * pg, 0},
		{"munlock a hole", DoMunlock, base + 9*pg, 2 * pg, enomem},
		{"madvise", advise(syscall.MADV_DONTNEED), base, 10 * pg, 0},
		{"madvise empty", advise(syscall.MADV_DONTNEED), base + 12*pg, 0, 0},
		{"madvise unaligned", advise(syscall.MADV_DONTNEED), base + 1, pg, einval},
		{"madvise unknown", advise(99), base, pg, einval},
		{"madvise a hole", advise(syscall.MADV_NORMAL), base, 30 * pg, enomem},
		{"madvise beyond all", advise(syscall.MADV_NORMAL), base + 100*pg, pg, enomem},
		{"madvise free, shared", advise(madvFree), base + 40*pg, pg, einval},
		{"madvise wraps", advise(syscall.MADV_NORMAL), base, ^uintptr(0), einval},
		{"msync", sync(syscall.MS_SYNC), base, 10 * pg, 0},
		{"msync empty", sync(syscall.MS_SYNC), base + 12*pg, 0, 0},
		{"msync unaligned", sync(syscall.MS_SYNC), base + 1, pg, einval},
		{"msync unknown", sync(64), base, pg, einval},
		{"msync both", sync(syscall.MS_SYNC | syscall.MS_ASYNC), base, pg, einval},
		{"msync a hole", sync(syscall.MS_SYNC), base, 30 * pg, enomem},
		{"msync wraps", sync(syscall.MS_SYNC), base, ^uintptr(0) - pg, enomem},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := errnoSpace(t)
			m.MmapSem.Lock()
			e := c.call(m, c.addr, c.length)
			m.MmapSem.Unlock()
			if e != c.want {
				t.Errorf("%v, not %v", e, c.want)
			}
		})
	}
	m := testSpace(t)
	m.MmapSem.Lock()
	f := newTestFile(9)
	f.readOnly = true
	DoMmap(m, f, base, pg, syscall.PROT_READ, syscall.MAP_SHARED|fixed, 0)
	if e := DoMprotect(m, base, pg, rw); e != eacces {
		t.Error("mprotect of a shared mapping of a read-only file:", e)
	}
	m.MmapSem.Unlock()
}

func TestMremapErrors(t *testing.T) {
	testMachine(t, 512)
	const may, fix = MremapMayMove, MremapMayMove | MremapFixed
	for _, c := range []struct {
		name           string
		addr, old, new uintptr
		flags          int
		to             uintptr
		limit          func(*Limits)
		want           syscall.Errno
		list           string
	}{
		{name: "unknown flag", addr: base, old: pg, new: pg, flags: 8, want: syscall.EINVAL},
		{name: "fixed alone", addr: base, old: pg, new: pg, flags: MremapFixed, want: syscall.EINVAL},
		{name: "unaligned", addr: base + 1, old: pg, new: pg, want: syscall.EINVAL},
		{name: "new length 0", addr: base, old: pg, new: 0, want: syscall.EINVAL},
		{name: "old length 0, private", addr: base, new: pg, flags: may, want: syscall.EINVAL},
		{name: "to unaligned", addr: base, old: pg, new: pg, flags: fix, to: base + 50*pg + 1, want: syscall.EINVAL},
		{name: "to the kernel", addr: base, old: pg, new: pg, flags: fix, to: 1 << 63, want: syscall.EINVAL},
		{name: "to itself", addr: base, old: 2 * pg, new: 2 * pg, flags: fix, to: base + pg, want: syscall.EINVAL},
		{name: "a hole", addr: base + 12*pg, old: pg, new: 2 * pg, flags: may, want: syscall.EFAULT},
		{name: "across mappings", addr: base + 9*pg, old: 2 * pg, new: 3 * pg, flags: may, want: syscall.EFAULT},
		{name: "not at the end", addr: base, old: pg, new: 2 * pg, want: syscall.ENOMEM},
		{name: "no room", addr: base, old: 10 * pg, new: 21 * pg, want: syscall.ENOMEM},
		{name: "address space", addr: base, old: 10 * pg, new: 11 * pg, limit: func(l *Limits) { l.AS.Store(22 * pg) }, want: syscall.ENOMEM},
		{name: "shrink", addr: base, old: 10 * pg, new: 4 * pg, list: "0-4 rw, 20-30 r, 40-42 rw @0"},
		{name: "grow", addr: base, old: 10 * pg, new: 20 * pg, list: "0-20 rw, 20-30 r, 40-42 rw @0"},
		{name: "move", addr: base + 2*pg, old: 2 * pg, new: 4 * pg, flags: fix, to: base + 50*pg, list: "0-2 rw, 4-10 rw, 20-30 r, 40-42 rw @0, 50-54 rw"},
		{name: "move and shrink", addr: base, old: 10 * pg, new: 4 * pg, flags: fix, to: base + 50*pg, list: "20-30 r, 40-42 rw @0, 50-54 rw"},
		{name: "move over another", addr: base, old: 10 * pg, new: 10 * pg, flags: fix, to: base + 25*pg, list: "20-25 r, 25-35 rw, 40-42 rw @0"},
		{name: "second place of a shared", addr: base + 40*pg, new: 2 * pg, flags: fix, to: base + 50*pg, list: "0-10 rw, 20-30 r, 40-42 rw @0, 50-52 rw @0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := errnoSpace(t)
			if c.limit != nil {
				c.limit(m.Limits)
			}
			for i := range uintptr(10) {
				m.poke(0, base+i*pg, uint64(i)+1)
			}
			m.poke(0, base+40*pg, 7)
			got, e := m.tMremap(c.addr, c.old, c.new, c.flags, c.to)
			if e != c.want {
				t.Fatalf("%v, not %v", e, c.want)
			}
			CheckInvariants(m)
			if e != 0 {
				return
			}
			if s := show(m); s != c.list {
				t.Errorf("list %s, not %s", s, c.list)
			}
			want := uint64(c.addr-base)/pg + 1
			if c.addr == base+40*pg {
				want = 7
			}
			if v, _ := m.peek(1, got); v != want {
				t.Errorf("first page holds %d, not %d", v, want)
			}
		})
	}
}

func TestMlockall(t *testing.T) {
	testMachine(t, 512)
	for _, c := range []struct {
		name   string
		flags  int
		limit  uint64
		want   syscall.Errno
		locked int64 // then, after one more page was mapped
	}{
		{"none", 0, Infinity, syscall.EINVAL, 0},
		{"unknown", 8, Infinity, syscall.EINVAL, 0},
		{"on fault alone", MclOnFault, Infinity, syscall.EINVAL, 0},
		{"no right", MclCurrent, 0, syscall.EPERM, 0},
		{"too much", MclCurrent, 21 * pg, syscall.ENOMEM, 0},
		{"current", MclCurrent, Infinity, 0, 22},
		{"future", MclFuture, Infinity, 0, 1},
		{"both", MclCurrent | MclFuture, Infinity, 0, 23},
		{"both on fault", MclCurrent | MclFuture | MclOnFault, Infinity, 0, 23},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := errnoSpace(t)
			m.Limits.Memlock.Store(c.limit)
			m.MmapSem.Lock()
			e := DoMlockall(m, c.flags)
			DoMmap(m, nil, base+60*pg, pg, rw, private|fixed, 0)
			m.MmapSem.Unlock()
			if e != c.want || m.lockedVM != c.locked {
				t.Errorf("%v and %d locked, not %v and %d", e, m.lockedVM, c.want, c.locked)
			}
			want := c.locked
			if c.flags&MclOnFault != 0 {
				want = 0
			}
			if want >= 22 {
				want -= 10 // ten of them are ZERO_PAGE: read-only, never written
			}
			if n := m.RSS.Load(); n != want {
				t.Errorf("%d pages present, not %d", n, want)
			}
			CheckInvariants(m)
			m.MmapSem.Lock()
			DoMunlockall(m)
			m.MmapSem.Unlock()
			if m.lockedVM != 0 || m.defFlags != 0 {
				t.Error("still locked after munlockall:", m.lockedVM)
			}
		})
	}
}
