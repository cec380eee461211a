package mm

import "testing"

// TestShmNextID: shm_next_id chooses the number of one segment, or the first free
// place behind it.
func TestShmNextID(t *testing.T) {
	testMachine(t, 512)
	const id = 3*ipcMni + 500
	ShmLimits.NextID.Store(id)
	first := mustShmGet(t, 1)
	if n := ShmLimits.NextID.Load(); first != id || n != -1 {
		t.Errorf("segment %d, want %d; shm_next_id is %d", first, id, n)
	}
	ShmLimits.NextID.Store(id)
	second := mustShmGet(t, 1)
	if second != id+1 {
		t.Errorf("segment %d where %d is taken", second, id)
	}
	third := mustShmGet(t, 1)
	if third == id+2 {
		t.Error("the one after that was chosen too")
	}
	for _, id := range []int{first, second, third} {
		mustShmRemove(t, id)
	}
}
