package virtioblk

import (
	"bytes"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"yolk/arch"
	"yolk/drivers/blk"
	"yolk/drivers/virtio"
	"yolk/locks"
)

// Feature bits (5.2.3) and fields of the configuration (5.2.4).
const (
	featureSizeMax  = 1 << 1
	featureSegMax   = 1 << 2
	featureReadOnly = 1 << 5
	featureFlush    = 1 << 9

	wanted = featureSizeMax | featureSegMax | featureReadOnly | featureFlush | virtio.FeatureIndirect

	cfgCapacity = 0
	cfgSizeMax  = 8
	cfgSegMax   = 12
)

const (
	// queueLimit bounds the requests in flight, and so the memory of the ring
	// (35 KiB of indirect tables); directLimit is for devices without indirect
	// descriptors, where a request takes several entries.
	queueLimit  = 64
	directLimit = 256

	// minSize is the shortest piece that a device must take: mm and fs
	// transfer pages.
	minSize = 4096

	// maxSectors is a capacity that no disk has; beyond it bytes overflow.
	maxSectors = 1 << 50

	vectorQueue  = 0
	vectorConfig = 1

	idTimeout = 2 * time.Second
	idPoll    = 50 * time.Microsecond
)

// start brings the device behind t up. alloc returns zeroed, page-aligned,
// contiguous memory that the device sees, or none. EIO, ENODEV: the device
// refuses or makes no sense; ENOMEM: no memory. It is left reset.
func start(name string, t *virtio.Transport, alloc func(bytes uintptr) virtio.Memory) (*Device, syscall.Errno) {
	features, err := t.Negotiate(wantedFeatures())
	if err != 0 {
		return nil, err
	}
	d := &Device{
		name:     name,
		sectors:  t.Config64(cfgCapacity),
		readOnly: features&featureReadOnly != 0,
		canFlush: features&featureFlush != 0,
		stop:     t.Reset,
	}
	d.lock.Init(locks.RequestLock)
	d.hasRoom = d.roomOrBroken
	if err := d.startQueue(t, features, alloc); err != 0 {
		t.Fail()
		t.Reset()
		return nil, err
	}
	if err := d.readSerial(); err != 0 {
		d.Break()
		return nil, err
	}
	return d, 0
}

// wantedFeatures leaves event indexes out with one CPU: both sides then decide by
// a store that must be seen before a load, and QEMU before 8.0 drops the barriers
// of a guest with one CPU, though the device runs on another thread. A request
// would be shown to a device that has stopped looking.
func wantedFeatures() uint64 {
	if arch.NumCPU() == 1 {
		return wanted
	}
	return wanted | virtio.FeatureEventIdx
}

// startQueue sizes the queue, gives it to the device, and lets the device go.
func (d *Device) startQueue(t *virtio.Transport, features uint64, alloc func(uintptr) virtio.Memory) syscall.Errno {
	tooSmall := features&featureSizeMax != 0 && t.Config32(cfgSizeMax) < minSize
	if tooSmall || d.sectors > maxSectors {
		return syscall.EIO
	}
	d.maxSegs = blk.MaxSegs
	if features&featureSegMax != 0 {
		d.maxSegs = min(d.maxSegs, int(max(1, t.Config32(cfgSegMax))))
	}
	indirect := features&virtio.FeatureIndirect != 0
	limit, table := uint16(directLimit), 0
	if indirect {
		limit = queueLimit
	}
	size := t.QueueSize(0, limit)
	if size < 4 { // header, data and status need three
		return syscall.EIO
	}
	if indirect {
		d.maxSegs = min(d.maxSegs, int(size)-2) // no chain is longer than the queue
		table = d.maxSegs + 2
	} else {
		d.maxSegs = min(d.maxSegs, max(1, int(size)/4-2)) // let several chains be in flight
	}
	ring := alloc(virtio.QueueBytes(size, table))
	mem := alloc(uintptr(size) * headerSize)
	if ring.Ptr == nil || mem.Ptr == nil {
		return syscall.ENOMEM
	}
	d.queue = virtio.NewQueue(ring, size, table, features&virtio.FeatureEventIdx != 0)
	d.headers = unsafe.Slice((*header)(mem.Ptr), size)
	d.dataPhys = mem.Phys
	d.slots = make([]slot, size)
	return d.connect(t)
}

// connect installs the interrupts and starts the device.
func (d *Device) connect(t *virtio.Transport) (err syscall.Errno) {
	if !t.Interrupt(vectorQueue, d.Drain) {
		return syscall.EIO
	}
	if d.doorbell, err = t.StartQueue(0, d.queue, vectorQueue); err != 0 {
		return err
	}
	watch := func() {
		if t.NeedsReset() {
			d.Break()
		}
	}
	if t.Interrupt(vectorConfig, watch) {
		t.WatchConfig(vectorConfig)
	}
	return t.Start()
}

// readSerial asks for the serial number. It polls, because at start-up
// nobody need run interrupt handlers yet. A device that does not know the request has
// none; EIO: it does not answer.
func (d *Device) readSerial() syscall.Errno {
	var answered atomic.Bool
	r := blk.Request{Op: opGetID}
	r.Done = func(*blk.Request) { answered.Store(true) }
	head := d.queue.NextHead()
	d.Submit(&r)
	for deadline := time.Now().Add(idTimeout); !answered.Load(); d.Drain() {
		if time.Now().After(deadline) {
			return syscall.EIO
		}
		locks.Sleep(idPoll, false)
	}
	if r.Err == 0 {
		id, _, _ := bytes.Cut(d.headers[head].id[:], []byte{0})
		d.serial = string(bytes.TrimSpace(id))
	}
	return 0
}
