package virtioblk

import (
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"

	"yolk/drivers/blk"
	"yolk/drivers/internal/model"
	"yolk/drivers/virtio"
)

const (
	testSectors = 4096
	offersAll   = model.FeatureVersion1 | featureSegMax | featureFlush |
		virtio.FeatureIndirect | virtio.FeatureEventIdx
	offersLeast = model.FeatureVersion1
)

// disk is the part of a block device that lies behind the rings.
type disk struct {
	model.Device
	t    *testing.T
	drv  *Device
	data []byte
	id   string
	// hold keeps chains back, to be completed in disorder when so many have
	// come; 0 or 1 completes each at once.
	hold int
	// status, if set, decides how a request ends: nonzero is an error.
	status func(kind uint32, sector uint64) byte
	// silent leaves all but the request for the serial number unanswered.
	silent bool

	mu      sync.Mutex
	held    []model.Chain
	kinds   map[uint32]int // requests seen
	longest int            // descriptors of a chain
}

func newDisk(t *testing.T, offers uint64, queueMax uint16) *disk {
	k := &disk{t: t, data: make([]byte, testSectors*blk.SectorSize), id: "swap", kinds: map[uint32]int{}}
	k.Arena = model.NewArena(4 << 20)
	k.Offers = offers
	k.QueueMax = queueMax
	k.Config = make([]byte, 60)
	binary.LittleEndian.PutUint64(k.Config[cfgCapacity:], testSectors)
	binary.LittleEndian.PutUint32(k.Config[cfgSegMax:], 126)
	k.Serve = k.serve
	return k
}

// start starts the driver on the disk.
func (k *disk) start() *Device {
	k.t.Helper()
	drv, err := k.tryStart()
	if err != 0 {
		k.t.Fatalf("start: %v", err)
	}
	return drv
}

func (k *disk) tryStart() (*Device, syscall.Errno) {
	t := k.Transport()
	k.t.Cleanup(k.Close)
	drv, err := start("vda", t, k.Arena.Alloc)
	k.drv = drv
	return drv, err
}

func (k *disk) serve(c model.Chain) {
	k.mu.Lock()
	kind := binary.LittleEndian.Uint32(c.Read)
	k.kinds[kind]++
	k.longest = max(k.longest, c.Descs)
	if k.silent && kind != typeGetID {
		k.held = append(k.held, c)
		k.mu.Unlock()
		return
	}
	ready := []model.Chain{c}
	if k.hold > 1 && kind != typeGetID {
		k.held = append(k.held, c)
		ready = nil
		if len(k.held) >= k.hold {
			ready, k.held = k.held, nil
			rand.Shuffle(len(ready), func(i, j int) { ready[i], ready[j] = ready[j], ready[i] })
		}
	}
	k.mu.Unlock()
	for _, c := range ready {
		k.Complete(c, func() { k.perform(c) })
	}
}

// flushHeld completes what serve has kept back.
func (k *disk) flushHeld() {
	k.mu.Lock()
	ready := k.held
	k.held, k.hold = nil, 0
	k.mu.Unlock()
	for _, c := range ready {
		k.Complete(c, func() { k.perform(c) })
	}
}

// perform does what the chain asks for.
func (k *disk) perform(c model.Chain) {
	kind := binary.LittleEndian.Uint32(c.Read)
	sector := binary.LittleEndian.Uint64(c.Read[8:])
	status := c.Write[len(c.Write)-1]
	in := c.Write[:len(c.Write)-1]
	if k.status != nil {
		if status[0] = k.status(kind, sector); status[0] != 0 {
			return
		}
	}
	status[0] = statusOK
	at := sector * blk.SectorSize
	switch kind {
	case typeIn:
		for _, b := range in {
			at += uint64(copy(b, k.data[at:]))
		}
	case typeOut:
		copy(k.data[at:], c.Read[headerSent:])
	case typeGetID:
		copy(in[0], k.id)
	case typeFlush:
	default:
		status[0] = 2
	}
}

// waiter submits requests and waits for them.
type waiter struct {
	req  blk.Request
	done chan struct{}
}

func newWaiter() *waiter {
	w := &waiter{done: make(chan struct{}, 1)}
	w.req.Done = func(*blk.Request) { w.done <- struct{}{} }
	return w
}

func (w *waiter) do(d *Device, op blk.Op, sector uint64, segs ...blk.Seg) syscall.Errno {
	w.set(op, sector, segs...)
	d.Submit(&w.req)
	<-w.done
	return w.req.Err
}

func (w *waiter) set(op blk.Op, sector uint64, segs ...blk.Seg) {
	w.req.Op, w.req.Sector, w.req.NSegs = op, sector, len(segs)
	copy(w.req.Segs[:], segs)
}

// buffer returns memory for a transfer in n pieces of size bytes.
func (k *disk) buffer(n int, size uint32) (segs []blk.Seg) {
	m := k.Arena.Alloc(uintptr(n) * uintptr(size))
	for i := range n {
		segs = append(segs, blk.Seg{Phys: m.Phys + uint64(i)*uint64(size), Len: size})
	}
	return segs
}

func (k *disk) fill(segs []blk.Seg, seed byte) {
	for i, s := range segs {
		b := k.Arena.Bytes(s.Phys, s.Len)
		for j := range b {
			b[j] = seed + byte(i) + byte(j>>4)
		}
	}
}

func (k *disk) same(segs []blk.Seg, seed byte) bool {
	for i, s := range segs {
		for j, c := range k.Arena.Bytes(s.Phys, s.Len) {
			if c != seed+byte(i)+byte(j>>4) {
				return false
			}
		}
	}
	return true
}
