package virtioblk

import (
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"yolk/drivers/blk"
	"yolk/drivers/internal/model"
	"yolk/drivers/virtio"
)

var _ blk.Device = (*Device)(nil)

// rings are the ways in which a device may want its rings.
var rings = []struct {
	name   string
	offers uint64
}{
	{"plain", offersLeast},
	{"event", offersLeast | virtio.FeatureEventIdx},
	{"indirect", offersLeast | virtio.FeatureIndirect},
	{"all", offersAll},
}

func TestStart(t *testing.T) {
	k := newDisk(t, offersAll|featureReadOnly, 256)
	k.id = "a serial of 20 bytes"
	d := k.start()
	if d.Name() != "vda" || d.Sectors() != testSectors || !d.ReadOnly() || d.Serial() != k.id {
		t.Errorf("started as %q, %d sectors, read-only %v, serial %q", d.Name(), d.Sectors(), d.ReadOnly(), d.Serial())
	}
	if d.queue.Size() != queueLimit {
		t.Errorf("queue of %d, want %d", d.queue.Size(), queueLimit)
	}
}

func TestStartRefusesBadDevices(t *testing.T) {
	tests := []struct {
		name string
		make func() *disk
		want syscall.Errno
	}{
		{"legacy", func() *disk { return newDisk(t, 0, 64) }, syscall.ENODEV},
		{"no queue", func() *disk { return newDisk(t, offersAll, 0) }, syscall.EIO},
		{"tiny queue", func() *disk { return newDisk(t, offersAll, 2) }, syscall.EIO},
		{"tiny pieces", func() *disk {
			k := newDisk(t, offersAll|featureSizeMax, 64)
			k.Config[cfgSizeMax+1] = 2
			return k
		}, syscall.EIO},
		{"absurd capacity", func() *disk {
			k := newDisk(t, offersAll, 64)
			k.Config[cfgCapacity+7] = 1
			return k
		}, syscall.EIO},
		{"short configuration", func() *disk {
			k := newDisk(t, offersAll|featureSizeMax, 64)
			k.Config = k.Config[:4]
			return k
		}, syscall.EIO},
		{"no serial is no error", func() *disk {
			k := newDisk(t, offersAll, 64)
			k.status = func(uint32, uint64) byte { return 2 }
			return k
		}, 0},
	}
	for _, tt := range tests {
		d, err := tt.make().tryStart()
		if err != tt.want || (d != nil) != (err == 0) {
			t.Errorf("%s: started %v, %v; want %v", tt.name, d != nil, err, tt.want)
		}
	}
}

// TestParallel has many goroutines write and read back regions of their own,
// through a ring much too small for them, from a device that answers in
// disorder.
func TestParallel(t *testing.T) {
	for _, r := range rings {
		for _, hold := range []int{1, 2} {
			t.Run(fmt.Sprintf("%s/hold%d", r.name, hold), func(t *testing.T) {
				k := newDisk(t, r.offers, 16)
				k.hold = hold
				testParallel(t, k, k.start())
			})
		}
	}
}

func testParallel(t *testing.T, k *disk, d *Device) {
	const workers, rounds, pieces = 24, 40, 3
	shuffled := k.hold > 1
	var left atomic.Int32
	left.Store(workers)
	var wg sync.WaitGroup
	for i := range workers {
		segs := k.buffer(pieces, 4096)
		wg.Go(func() {
			w := newWaiter()
			sector := uint64(i) * pieces * 8
			for round := range rounds {
				seed := byte(i*7 + round)
				k.fill(segs, seed)
				if err := w.do(d, blk.Write, sector, segs...); err != 0 {
					t.Errorf("write: %v", err)
				}
				k.fill(segs, 0xee)
				if err := w.do(d, blk.Read, sector, segs...); err != 0 {
					t.Errorf("read: %v", err)
				}
				if !k.same(segs, seed) {
					t.Errorf("worker %d, round %d: read back something else", i, round)
				}
			}
			if left.Add(-1) < 2 {
				k.flushHeld() // the last one alone would wait for ever
			}
		})
	}
	wg.Wait()
	if n := d.queue.InFlight(); n != 0 {
		t.Errorf("%d chains in flight at the end", n)
	}
	if n := d.Overtaken(); (n > 0) != shuffled {
		t.Errorf("%d chains were overtaken; shuffled: %v", n, shuffled)
	}
}

func TestErrors(t *testing.T) {
	k := newDisk(t, offersAll, 64)
	k.status = func(kind uint32, sector uint64) byte {
		if kind != typeGetID && sector >= 800 {
			return byte(sector - 799)
		}
		return 0
	}
	d := k.start()
	page := k.buffer(1, 4096)[0]
	sector := blk.Seg{Phys: page.Phys, Len: 512}
	tests := []struct {
		name string
		op   blk.Op
		at   uint64
		segs []blk.Seg
		want syscall.Errno
	}{
		{"good read", blk.Read, 0, []blk.Seg{page}, 0},
		{"good write", blk.Write, 8, []blk.Seg{sector, sector}, 0},
		{"last sector", blk.Read, 799, []blk.Seg{sector}, 0},
		{"disk error", blk.Write, 800, []blk.Seg{page}, syscall.EIO},
		{"unsupported", blk.Read, 801, []blk.Seg{page}, syscall.EIO},
		{"unknown status", blk.Read, 900, []blk.Seg{page}, syscall.EIO},
		{"past the end", blk.Read, testSectors - 7, []blk.Seg{page}, syscall.EINVAL},
		{"far past the end", blk.Read, 1 << 63, []blk.Seg{page}, syscall.EINVAL},
		{"no data", blk.Read, 0, nil, syscall.EINVAL},
		{"empty piece", blk.Read, 0, []blk.Seg{page, {Phys: page.Phys}}, syscall.EINVAL},
		{"part of a sector", blk.Read, 0, []blk.Seg{{Phys: page.Phys, Len: 100}}, syscall.EINVAL},
		{"unknown operation", 77, 0, []blk.Seg{page}, syscall.EINVAL},
	}
	w := newWaiter()
	for _, tt := range tests {
		if err := w.do(d, tt.op, tt.at, tt.segs...); err != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestReadOnlyDisk(t *testing.T) {
	k := newDisk(t, offersAll|featureReadOnly, 64)
	d := k.start()
	page := k.buffer(1, 4096)
	if err := newWaiter().do(d, blk.Write, 0, page...); err != syscall.EROFS {
		t.Errorf("write: %v, want EROFS", err)
	}
	if err := newWaiter().do(d, blk.Read, 0, page...); err != 0 {
		t.Errorf("read: %v", err)
	}
}

func TestFlush(t *testing.T) {
	for _, can := range []bool{true, false} {
		offers, want := uint64(offersAll), 1
		if !can {
			offers, want = offersAll&^featureFlush, 0
		}
		k := newDisk(t, offers, 64)
		d := k.start()
		if err := newWaiter().do(d, blk.Flush, 0); err != 0 {
			t.Errorf("flush: %v", err)
		}
		if k.kinds[typeFlush] != want {
			t.Errorf("with the feature %v: %d flushes, want %d", can, k.kinds[typeFlush], want)
		}
	}
}

// TestLongRequests sends requests of more pieces than the device takes at once.
func TestLongRequests(t *testing.T) {
	for _, r := range rings {
		t.Run(r.name, func(t *testing.T) {
			k := newDisk(t, r.offers|featureSegMax, 32)
			k.Config[cfgSegMax] = 5
			d := k.start()
			segs := k.buffer(blk.MaxSegs, 1024)
			k.fill(segs, 3)
			w := newWaiter()
			if err := w.do(d, blk.Write, 10, segs...); err != 0 {
				t.Fatalf("write: %v", err)
			}
			k.fill(segs, 0)
			if err := w.do(d, blk.Read, 10, segs...); err != 0 {
				t.Fatalf("read: %v", err)
			}
			if !k.same(segs, 3) {
				t.Error("read back something else")
			}
			if k.longest != 7 || k.kinds[typeIn] != 7 {
				t.Errorf("%d reads, the longest of %d descriptors; want 7 and 7", k.kinds[typeIn], k.longest)
			}
		})
	}
}

// TestList submits a list longer than the ring, and wants few notifications.
func TestList(t *testing.T) {
	k := newDisk(t, offersAll, 64)
	d := k.start()
	before := k.Doorbells.Load()
	var waiters []*waiter
	for i := range 200 {
		w := newWaiter()
		w.set(blk.Write, uint64(i), k.buffer(1, 512)...)
		if i > 0 {
			waiters[i-1].req.Next = &w.req
		}
		waiters = append(waiters, w)
	}
	d.SubmitList(&waiters[0].req)
	for i, w := range waiters {
		<-w.done
		if w.req.Err != 0 {
			t.Errorf("request %d: %v", i, w.req.Err)
		}
	}
	if n := k.Doorbells.Load() - before; n > 100 {
		t.Errorf("%d notifications for 200 requests in a list", n)
	}
}

// TestGarbage has the device misbehave in each way while requests are in flight
// and more wait for room.
func TestGarbage(t *testing.T) {
	tests := []struct {
		name string
		bad  func(k *disk)
	}{
		{"id out of range", func(k *disk) { k.Garbage(0, 70000) }},
		{"id out of the ring", func(k *disk) { k.Garbage(0, 8) }},
		{"index jumps", func(k *disk) { k.Garbage(1000) }},
		{"index goes back", func(k *disk) { k.Garbage(0xffff) }},
		{"same id twice", func(k *disk) { k.Garbage(0, uint32(k.held[0].Head), uint32(k.held[0].Head)) }},
		{"gives up", func(k *disk) { k.GiveUp() }},
		{"will not reset", func(k *disk) { k.Stubborn = true; k.GiveUp() }},
	}
	for _, tt := range tests {
		for _, r := range rings {
			t.Run(tt.name+"/"+r.name, func(t *testing.T) {
				k := newDisk(t, r.offers, 8)
				k.Config[cfgSegMax] = 5
				k.silent = true
				testGarbage(t, k, tt.bad)
			})
		}
	}
}

func testGarbage(t *testing.T, k *disk, bad func(*disk)) {
	d := k.start()
	const requests = 30 // more than any ring here takes
	var wg sync.WaitGroup
	for range requests {
		page := k.buffer(1, 4096)
		wg.Go(func() {
			if err := newWaiter().do(d, blk.Write, 0, page...); err != syscall.EIO {
				t.Errorf("request in flight: %v, want EIO", err)
			}
		})
	}
	for full := false; !full; time.Sleep(time.Millisecond) {
		k.mu.Lock()
		d.lock.Lock()
		full = !d.queue.Room(d.maxSegs+2) && len(k.held) == d.queue.InFlight()
		d.lock.Unlock()
		k.mu.Unlock()
	}
	k.mu.Lock()
	bad(k)
	k.mu.Unlock()
	wg.Wait()
	page := k.buffer(1, 4096)
	if err := newWaiter().do(d, blk.Read, 0, page...); err != syscall.EIO {
		t.Errorf("later request: %v, want EIO", err)
	}
	if k.Isolated.Load() != k.Stubborn {
		t.Errorf("cut off from memory: %v, want %v", k.Isolated.Load(), k.Stubborn)
	}
}

// TestWatch: a device that answers nothing for the limit is given up, one that goes on
// answering something is not.
func TestWatch(t *testing.T) {
	k := newDisk(t, offersAll, 64)
	k.silent = true
	d := k.start()
	var w watch
	for range 3 * watchLooks {
		if w.look(d) {
			t.Fatal("an idle device was given up")
		}
	}
	page := k.buffer(1, 4096)
	for range 3 * watchLooks {
		slow := newWaiter()
		slow.set(blk.Read, 0, page...)
		d.Submit(&slow.req)
		for range watchLooks - 2 {
			if w.look(d) {
				t.Fatal("a slow device was given up")
			}
		}
		for held := false; !held; time.Sleep(time.Millisecond) {
			k.mu.Lock()
			held = len(k.held) > 0
			k.mu.Unlock()
		}
		k.flushHeld()
		<-slow.done
	}
	stuck := newWaiter()
	stuck.set(blk.Read, 0, page...)
	d.Submit(&stuck.req)
	gaveUp := make(chan struct{})
	d.Watch(80*time.Millisecond, func() { close(gaveUp) })
	<-stuck.done
	<-gaveUp
	if stuck.req.Err != syscall.EIO {
		t.Errorf("a request that was never answered ended with %v, want EIO", stuck.req.Err)
	}
	if e := newWaiter().do(d, blk.Read, 0, page...); e != syscall.EIO {
		t.Errorf("a request after that: %v, want EIO", e)
	}
}

func TestSubmitAllocatesNothing(t *testing.T) {
	k := newDisk(t, offersAll, 64)
	d := k.start()
	d.doorbell = func() {} // the test is the device from here on
	r := &blk.Request{Op: blk.Write, NSegs: 2}
	segs := k.buffer(2, 4096)
	copy(r.Segs[:], segs)
	var done atomic.Bool
	r.Done = func(*blk.Request) { done.Store(true) }
	n := testing.AllocsPerRun(1000, func() {
		done.Store(false)
		head := d.queue.NextHead()
		d.Submit(r)
		d.headers[head].status = statusOK
		k.Complete(model.Chain{Head: head}, func() {})
		for !done.Load() {
			d.Drain()
		}
	})
	if n != 0 || r.Err != 0 {
		t.Errorf("%v allocations per request, error %v", n, r.Err)
	}
}
