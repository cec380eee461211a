package virtio

import (
	"syscall"
	"testing"

	"yolk/drivers/pci"
)

// space is the configuration space of one function at 00:00.0.
type space [64]uint32

func (s *space) Read32(a pci.Address, off uint8) uint32 {
	if a != (pci.Address{}) {
		return 0xffffffff
	}
	return s[off/4]
}

func (s *space) Write32(pci.Address, uint8, uint32) {}

// add puts a vendor capability at off; last ends the list.
func (s *space) add(off uint8, kind, bar uint8, at, n uint32, last bool) {
	next := uint32(off + 20)
	if last {
		next = 0
	}
	s[off/4] = pci.CapVendor | next<<8 | 20<<16 | uint32(kind)<<24
	s[off/4+1] = uint32(bar)
	s[off/4+2], s[off/4+3], s[off/4+4] = at, n, 4
}

func newSpace(device uint16) *space {
	s := &space{0: uint32(device)<<16 | Vendor, 1: 0x10 << 16}
	s[0x34/4] = 0x40
	return s
}

func TestFindWindows(t *testing.T) {
	s := newSpace(0x1042)
	s.add(0x40, capCommon, 4, 0, 0x1000, false)
	s.add(0x54, 3, 4, 0x1000, 0x1000, false) // interrupt status: not used
	s.add(0x68, capNotify, 4, 0x3000, 0x1000, false)
	s.add(0x7c, capNotify, 2, 0, 4, false) // second choice
	s.add(0x90, 5, 0, 0, 0, false)         // access through configuration space
	s.add(0xa4, capDevice, 4, 0x2000, 0x1000, true)
	w, err := findWindows(pci.Scan(s)[0])
	if err != 0 {
		t.Fatal(err)
	}
	want := map[int]window{
		capCommon: {bar: 4, off: 0, len: 0x1000, present: true},
		capNotify: {bar: 4, off: 0x3000, len: 0x1000, multiplier: 4, present: true},
		capDevice: {bar: 4, off: 0x2000, len: 0x1000, present: true},
	}
	for kind, v := range want {
		if w[kind] != v {
			t.Errorf("block %d: %+v, want %+v", kind, w[kind], v)
		}
	}
}

func TestFindWindowsRefuses(t *testing.T) {
	bare := newSpace(0x1042)
	bare.add(0x40, capCommon, 4, 0, 0x1000, true)
	legacy := newSpace(0x1001)
	other := newSpace(0x1042)
	other[0] = 0x10421af5
	for _, tt := range []struct {
		name string
		s    *space
		want syscall.Errno
	}{
		{"no doorbells", bare, syscall.EIO},
		{"legacy device", legacy, syscall.ENODEV},
		{"another vendor", other, syscall.ENODEV},
	} {
		if _, err := findWindows(pci.Scan(tt.s)[0]); err != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}
