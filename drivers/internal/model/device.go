package model

import (
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"

	"yolk/drivers/virtio"
)

// Chain is one chain of buffers that the driver has made available.
type Chain struct {
	Head  uint16
	Read  []byte   // what the device may read, in one piece
	Write [][]byte // what it may write
	Descs int      // descriptors, those of an indirect table for one
}

// Device is a device with one queue. The exported fields are set before use.
type Device struct {
	Arena    *Arena
	Offers   uint64 // features, VERSION_1 not among them unless set
	QueueMax uint16
	Config   []byte
	// Serve is called by the device's goroutine for each chain. It, or someone
	// later, calls Complete.
	Serve func(c Chain)
	// Stubborn makes the device ignore a reset.
	Stubborn bool

	Doorbells  atomic.Int64 // notifications received
	Interrupts atomic.Int64 // interrupts sent on the queue's vector
	Isolated   atomic.Bool

	mu       sync.Mutex // everything below, and every access to the rings
	live     bool       // DRIVER_OK, not reset since
	status   uint8
	select_  [2]uint32
	accepted uint64
	size     uint16
	enabled  bool
	vectors  [2]uint16 // configuration, queue
	addr     [3]uint64
	lastSeen uint16
	usedIdx  uint16

	bell chan struct{}
	irq  [2]chan struct{}
	quit chan struct{}
	done sync.WaitGroup
}

const (
	featureIndirect = 1 << 28
	featureEventIdx = 1 << 29
	// FeatureVersion1 is what every modern device offers.
	FeatureVersion1 = 1 << 32

	statusDriverOK   = 4
	statusNeedsReset = 64
)

// Transport returns the driver's way to the device, and starts its goroutine.
func (d *Device) Transport() *virtio.Transport {
	d.bell = make(chan struct{}, 1)
	d.quit = make(chan struct{})
	d.vectors = [2]uint16{virtio.NoVector, virtio.NoVector}
	d.done.Go(func() { loop(d.bell, d.quit, d.serveAll) })
	return &virtio.Transport{
		Common: registers{d},
		Config: config{d},
		Doorbell: func(queue, notifyOff uint16) func() {
			return func() {
				d.Doorbells.Add(1)
				poke(d.bell)
			}
		},
		Interrupt: func(i uint16, handler func()) bool {
			if int(i) >= len(d.irq) {
				return false
			}
			d.irq[i] = make(chan struct{}, 1)
			d.done.Go(func() { loop(d.irq[i], d.quit, handler) })
			return true
		},
		Isolate: func() { d.Isolated.Store(true) },
	}
}

// Close ends the device's goroutines.
func (d *Device) Close() {
	close(d.quit)
	d.done.Wait()
}

func loop(event, quit chan struct{}, f func()) {
	for {
		select {
		case <-event:
			f()
		case <-quit:
			return
		}
	}
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// serveAll serves the available chains. It asks for a notification of the next
// one before it looks for the last time.
func (d *Device) serveAll() {
	for {
		c, ok := d.fetch()
		if !ok {
			return
		}
		d.Serve(c)
	}
}

func (d *Device) fetch() (c Chain, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.live {
		return c, false
	}
	avail, used := d.addr[1], d.addr[2]
	for range 2 {
		if uint16(atomic.LoadUint32(d.Arena.word(avail))>>16) != d.lastSeen {
			slot := avail + 4 + 2*uint64(d.lastSeen%d.size)
			head := binary.LittleEndian.Uint16(d.Arena.Bytes(slot, 2))
			d.lastSeen++
			return d.walk(head), true
		}
		atomic.StoreUint32(d.Arena.word(used+4+8*uint64(d.size)), uint32(d.lastSeen))
	}
	return c, false
}

// walk follows a chain, and its indirect table.
func (d *Device) walk(head uint16) Chain {
	c := Chain{Head: head}
	table, at, entries := d.addr[0], uint64(head), uint64(d.size)
	for {
		if at >= entries || c.Descs > int(d.size) {
			panic(fmt.Sprintf("model: descriptor %d of %d, %d in the chain", at, entries, c.Descs))
		}
		b := d.Arena.Bytes(table+16*at, 16)
		addr, n := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint32(b[8:])
		flags, next := binary.LittleEndian.Uint16(b[12:]), binary.LittleEndian.Uint16(b[14:])
		if flags&4 != 0 {
			if d.accepted&featureIndirect == 0 || flags != 4 || n%16 != 0 {
				panic("model: bad indirect descriptor")
			}
			table, at, entries = addr, 0, uint64(n/16)
			continue
		}
		c.Descs++
		if flags&2 != 0 {
			c.Write = append(c.Write, d.Arena.Bytes(addr, n))
		} else {
			if c.Write != nil {
				panic("model: buffer to read after one to write")
			}
			c.Read = append(c.Read, d.Arena.Bytes(addr, n)...)
		}
		if flags&1 == 0 {
			return c
		}
		at = uint64(next)
	}
}

// Complete lets fill write to the chain's buffers and gives it back, unless the
// device has been reset meanwhile.
func (d *Device) Complete(c Chain, fill func()) {
	d.mu.Lock()
	if !d.live {
		d.mu.Unlock()
		return
	}
	fill()
	d.putUsed(uint32(c.Head))
	d.publishUsed()
	interrupt := d.wantsInterrupt()
	d.mu.Unlock()
	if interrupt {
		d.raise(1)
	}
}

// Garbage puts ids into the used ring, moves the index a further jump, and
// interrupts.
func (d *Device) Garbage(jump uint16, ids ...uint32) {
	d.mu.Lock()
	for _, id := range ids {
		d.putUsed(id)
	}
	d.usedIdx += jump
	d.publishUsed()
	d.mu.Unlock()
	d.raise(1)
}

// GiveUp makes the device ask for a reset, as one does that finds the driver's
// rings senseless.
func (d *Device) GiveUp() {
	d.mu.Lock()
	d.status |= statusNeedsReset
	d.mu.Unlock()
	d.raise(0)
}

func (d *Device) putUsed(id uint32) {
	used := d.addr[2]
	e := d.Arena.Bytes(used+4+8*uint64(d.usedIdx%d.size), 8)
	binary.LittleEndian.PutUint32(e, id)
	binary.LittleEndian.PutUint32(e[4:], 1)
	d.usedIdx++
}

func (d *Device) publishUsed() {
	atomic.StoreUint32(d.Arena.word(d.addr[2]), uint32(d.usedIdx)<<16)
}

// wantsInterrupt says whether the driver wants to hear of the last used chain.
func (d *Device) wantsInterrupt() bool {
	avail := d.addr[1]
	if d.accepted&featureEventIdx == 0 {
		return atomic.LoadUint32(d.Arena.word(avail))&1 == 0
	}
	event := uint16(atomic.LoadUint32(d.Arena.word(avail + 4 + 2*uint64(d.size))))
	return event == d.usedIdx-1
}

func (d *Device) raise(message int) {
	d.mu.Lock()
	vector := d.vectors[message]
	d.mu.Unlock()
	for i := range d.irq {
		// The transport gives message 0 to the queue, 1 to the configuration.
		if vector == uint16(i) && d.irq[i] != nil {
			if message == 1 {
				d.Interrupts.Add(1)
			}
			poke(d.irq[i])
		}
	}
}
