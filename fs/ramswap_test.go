package fs

import (
	"encoding/binary"
	"testing"
	"time"

	"yolk/arch"
	"yolk/drivers/memdisk"
	"yolk/mm"
)

// swapDisk is a swap device of that many slots, with the header of mkswap.
func swapDisk(t *testing.T, slots int) *memdisk.Disk {
	t.Helper()
	d := memdisk.New("swap", uint64(slots+1)*arch.PageSize/512)
	header := make([]byte, arch.PageSize)
	binary.LittleEndian.PutUint32(header[1024:], 1)
	binary.LittleEndian.PutUint32(header[1028:], uint32(slots))
	copy(header[arch.PageSize-10:], "SWAPSPACE2")
	d.WriteAt(header, 0)
	return d
}

// page is what page k of a test's file holds.
func page(k int) []byte {
	b := make([]byte, arch.PageSize)
	for i := 0; i < len(b); i += 8 {
		binary.LittleEndian.PutUint64(b[i:], uint64(k)<<32|uint64(i))
	}
	return b
}

// TestFileLargerThanRAM: a file's pages go to swap and come back for read, write,
// truncate and a mapping; what is cut off gives its swap slots back.
func TestFileLargerThanRAM(t *testing.T) {
	const pages, slots = 1500, 4000
	arch.InitSoft(768, 2)
	mm.Init(mm.Config{})
	defer func() { // the machine of the other tests
		mm.StopKswapd()
		arch.InitSoft(4096, 2)
		mm.Init(mm.Config{})
	}()
	if e := mm.SwapOn(swapDisk(t, slots), -1); e != 0 {
		t.Fatal("swapon:", e)
	}
	mm.StartKswapd()
	f, e := NewMemFD(RootCred, "large", false, false)
	if e != 0 {
		t.Fatal(e)
	}
	for k := range pages {
		if n, e := f.Write(page(k)); n != arch.PageSize || e != 0 {
			t.Fatalf("write of page %d: %d %v", k, n, e)
		}
	}
	if mm.NrSwapPages() == slots {
		t.Error("nothing was swapped")
	}
	check := func(from, to int) {
		t.Helper()
		buf := make([]byte, arch.PageSize)
		for k := from; k < to; k++ {
			if n, e := f.ReadAt(buf, int64(k)*arch.PageSize); n != len(buf) || e != 0 || string(buf) != string(page(k)) {
				t.Fatalf("read of page %d: %d %v, begins with %x", k, n, e, buf[:8])
			}
		}
	}
	check(0, pages)
	m := space(t)
	at := mapFile(t, m, f, pages, rw, shared)
	for k := range pages {
		var word [8]byte
		if e := mm.CopyFromUser(m, word[:], at+uintptr(k)*arch.PageSize+8); e != 0 || string(word[:]) != string(page(k)[8:16]) {
			t.Fatalf("page %d of the mapping: %v %x", k, e, word)
		}
	}
	if e := f.Truncate(100*arch.PageSize + 8); e != 0 {
		t.Fatal("truncate:", e)
	}
	check(0, 100)
	if e := mm.SwapOff("swap"); e != 0 {
		t.Error("swapoff of what fits:", e)
	}
	check(0, 100)
	mm.MMPut(m)
	f.Put()
	for range 1000 {
		if mm.Meminfo().Shmem == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Error("pages left:", mm.Meminfo().Shmem)
}
