package pci

import (
	"testing"
	"unsafe"

	"yolk/drivers/mmio"
)

// fakeSpace is configuration space as plain memory.
type fakeSpace map[Address]*fakeFunction

type fakeFunction struct {
	reg    [64]uint32
	writes int
}

func (s fakeSpace) Read32(a Address, off uint8) uint32 {
	f := s[a]
	if f == nil {
		return 0xffffffff
	}
	return f.reg[off/4]
}

func (s fakeSpace) Write32(a Address, off uint8, v uint32) {
	if f := s[a]; f != nil {
		f.reg[off/4] = v
		f.writes++
	}
}

func (f *fakeFunction) header(id uint32, class uint16, headerType uint8) *fakeFunction {
	f.reg[regID/4] = id
	f.reg[regClass/4] = uint32(class) << 16
	f.reg[regHeader/4] = uint32(headerType) << 16
	return f
}

// bar sets window i up.
func (f *fakeFunction) bar(i int, phys uint64, kind uint32) *fakeFunction {
	f.reg[4+i] = uint32(phys) | kind
	if kind&barTypeMask == barType64 {
		f.reg[5+i] = uint32(phys >> 32)
	}
	return f
}

func TestScanFollowsBridges(t *testing.T) {
	bridge := new(fakeFunction).header(0x00011b36, 0x0604, headerBridge)
	bridge.reg[regBusNumbers/4] = 0x020200
	loop := new(fakeFunction).header(0x00021b36, 0x0604, headerBridge)
	loop.reg[regBusNumbers/4] = 0x020000 // its secondary bus is bus 0
	s := fakeSpace{
		{0, 0, 0}:  new(fakeFunction).header(0x29c08086, 0x0600, 0),
		{0, 1, 0}:  bridge,
		{0, 2, 0}:  loop,
		{0, 31, 0}: new(fakeFunction).header(0x29188086, 0x0601, headerMulti),
		{0, 31, 2}: new(fakeFunction).header(0x29228086, 0x0106, 0),
		{2, 0, 0}:  new(fakeFunction).header(0x10421af4, 0x0100, 0),
		{2, 0, 1}:  new(fakeFunction).header(0x10421af4, 0x0100, 0), // not multi-function: not looked at
		{3, 0, 0}:  new(fakeFunction).header(0x10421af4, 0x0100, 0), // behind no bridge
	}
	want := []Address{{0, 0, 0}, {0, 1, 0}, {2, 0, 0}, {0, 2, 0}, {0, 31, 0}, {0, 31, 2}}
	got := Scan(s)
	if len(got) != len(want) {
		t.Fatalf("found %d functions, want %d", len(got), len(want))
	}
	for i, f := range got {
		if f.Address != want[i] {
			t.Errorf("function %d is %v, want %v", i, f.Address, want[i])
		}
	}
	if f := got[2]; f.Vendor != 0x1af4 || f.Device != 0x1042 || f.Class != 0x0100 {
		t.Errorf("virtio function read as %+v", f)
	}
}

// Reading windows changes nothing: see BAR.
func TestBAR(t *testing.T) {
	f := new(fakeFunction).header(0x10421af4, 0x0100, 0).
		bar(0, 0xc000, barIO).
		bar(1, 0xfebd5000, 0).
		bar(3, 0, 0).
		bar(4, 0x7_0000_0000, barType64|8)
	fn := Scan(fakeSpace{{0, 3, 0}: f})[0]
	for _, tt := range []struct {
		i    int
		want uint64
	}{{0, 0}, {1, 0xfebd5000}, {2, 0}, {3, 0}, {4, 0x7_0000_0000}, {5, 0}, {6, 0}, {-1, 0}} {
		got, ok := fn.BAR(tt.i)
		if ok != (tt.want != 0) || ok && got != tt.want {
			t.Errorf("BAR(%d) = %#x, %v; want %#x", tt.i, got, ok, tt.want)
		}
	}
	if f.writes != 0 {
		t.Errorf("%d registers written", f.writes)
	}
}

// A bridge has two windows; what follows them is none.
func TestBARsOfBridge(t *testing.T) {
	f := new(fakeFunction).header(0x000c1b36, 0x0604, headerBridge).bar(1, 0xfebd5000, 0)
	f.reg[regBusNumbers/4] = 0xfe000100
	fn := Scan(fakeSpace{{0, 3, 0}: f})[0]
	if _, ok := fn.BAR(1); !ok {
		t.Error("the second window is not found")
	}
	if _, ok := fn.BAR(2); ok {
		t.Error("the bus numbers taken for a window")
	}
}

func TestCapabilitiesEndWhenTheyLoop(t *testing.T) {
	f := new(fakeFunction).header(0x10421af4, 0x0100, 0)
	f.reg[regCommand/4] = statusCapList << 16
	f.reg[regCapPointer/4] = 0x40
	f.reg[0x40/4] = 0x5009
	f.reg[0x50/4] = 0x4011
	fn := Scan(fakeSpace{{0, 3, 0}: f})[0]
	caps := fn.Capabilities()
	if len(caps) != 2 || caps[0] != (Capability{CapVendor, 0x40}) || caps[1] != (Capability{CapMSIX, 0x50}) {
		t.Errorf("capabilities %+v", caps)
	}
	f.reg[regCommand/4] = 0
	if caps := fn.Capabilities(); caps != nil {
		t.Errorf("without the status bit: %+v", caps)
	}
}

func TestMSIX(t *testing.T) {
	f := new(fakeFunction).header(0x10421af4, 0x0100, 0)
	f.reg[regCommand/4] = statusCapList << 16
	f.reg[regCapPointer/4] = 0x40
	f.reg[0x40/4] = 0x0001_0011 // two entries
	f.reg[0x44/4] = 0x2000 | 1
	fn := Scan(fakeSpace{{0, 3, 0}: f})[0]

	bar, off, n, ok := fn.MSIXTable()
	if bar != 1 || off != 0x2000 || n != 2 || !ok {
		t.Fatalf("MSIXTable() = %d, %#x, %d, %v", bar, off, n, ok)
	}
	table := make([]uint32, 8)
	base := uintptr(unsafe.Pointer(&table[0]))
	if fn.NewMSIX(mmio.At(base, 16)) != nil {
		t.Error("a table too small was accepted")
	}
	m := fn.NewMSIX(mmio.At(base, 32))
	if m == nil || m.Entries() != 2 {
		t.Fatalf("NewMSIX: %+v", m)
	}
	if f.reg[0x40/4]>>30 != 2 {
		t.Errorf("message control is %#x: want enabled, not masked", f.reg[0x40/4]>>16)
	}
	if !m.Set(1, 0x1_fee0_1000, 0x41) || m.Set(2, 0, 0) {
		t.Error("Set accepts entry 1 and refuses entry 2")
	}
	want := []uint32{0, 0, 0, 1, 0xfee01000, 1, 0x41, 0}
	for i, v := range table {
		if v != want[i] {
			t.Errorf("table word %d is %#x, want %#x", i, v, want[i])
		}
	}
}
