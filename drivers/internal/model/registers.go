package model

import "fmt"

// registers is the common configuration (4.1.4.3).
type registers struct{ d *Device }

func (r registers) Size() uint32 { return 56 }

func (r registers) Read8(off uint32) uint8 {
	r.d.mu.Lock()
	defer r.d.mu.Unlock()
	switch off {
	case 20:
		return r.d.status
	case 21:
		return 0
	}
	panic(fmt.Sprintf("model: 8-bit read at %d", off))
}

func (r registers) Read16(off uint32) uint16 {
	r.d.mu.Lock()
	defer r.d.mu.Unlock()
	switch off {
	case 24:
		return r.d.size
	case 26:
		return r.d.vectors[1]
	case 30:
		return 0
	}
	panic(fmt.Sprintf("model: 16-bit read at %d", off))
}

func (r registers) Read32(off uint32) uint32 {
	r.d.mu.Lock()
	defer r.d.mu.Unlock()
	if off != 4 {
		panic(fmt.Sprintf("model: 32-bit read at %d", off))
	}
	return uint32(r.d.Offers >> (32 * r.d.select_[0]))
}

func (r registers) Write8(off uint32, v uint8) {
	d := r.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if off != 20 {
		panic(fmt.Sprintf("model: 8-bit write at %d", off))
	}
	if v != 0 {
		d.status = v
		d.live = v&statusDriverOK != 0 && d.enabled
		return
	}
	if d.Stubborn && d.live {
		return
	}
	d.status, d.live, d.enabled, d.accepted = 0, false, false, 0
	d.size = d.QueueMax
}

func (r registers) Write16(off uint32, v uint16) {
	d := r.d
	d.mu.Lock()
	defer d.mu.Unlock()
	switch off {
	case 16:
		d.vectors[0] = v
	case 22: // queue select: there is one queue
		d.size = d.QueueMax
	case 24:
		d.size = v
	case 26:
		d.vectors[1] = v
	case 28:
		d.enabled = v == 1
	default:
		panic(fmt.Sprintf("model: 16-bit write at %d", off))
	}
}

func (r registers) Write32(off uint32, v uint32) {
	d := r.d
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case off == 0:
		d.select_[0] = v
	case off == 8:
		d.select_[1] = v
	case off == 12:
		shift := 32 * d.select_[1]
		d.accepted = d.accepted&^(0xffffffff<<shift) | uint64(v)<<shift
	case off >= 32 && off < 56:
		i, shift := (off-32)/8, (off-32)%8*8
		d.addr[i] = d.addr[i]&^(0xffffffff<<shift) | uint64(v)<<shift
	default:
		panic(fmt.Sprintf("model: 32-bit write at %d", off))
	}
}

// config is the device type's configuration.
type config struct{ d *Device }

func (c config) Size() uint32             { return uint32(len(c.d.Config)) }
func (c config) Read8(off uint32) uint8   { return c.d.Config[off] }
func (c config) Read16(off uint32) uint16 { return uint16(c.Read8(off)) | uint16(c.Read8(off+1))<<8 }
func (c config) Read32(off uint32) uint32 { return uint32(c.Read16(off)) | uint32(c.Read16(off+2))<<16 }
func (c config) Write8(uint32, uint8)     { panic("model: write to the configuration") }
func (c config) Write16(uint32, uint16)   { panic("model: write to the configuration") }
func (c config) Write32(uint32, uint32)   { panic("model: write to the configuration") }
