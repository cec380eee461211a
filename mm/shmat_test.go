package mm

import (
	"syscall"
	"testing"

	"yolk/arch"
)

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
	wantNattch(t, id, 6) // as in Linux: see fixup.join
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
