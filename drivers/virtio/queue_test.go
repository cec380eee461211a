package virtio_test

import (
	"math/rand/v2"
	"sync"
	"testing"

	"yolk/drivers/internal/model"
	"yolk/drivers/virtio"
)

const queueSize = 32

// newQueue starts a queue on a model device, which answers with serve.
func newQueue(t *testing.T, table int, features uint64, interrupt func(), serve func(*model.Device, model.Chain)) (*model.Device, *virtio.Queue, func()) {
	t.Helper()
	d := &model.Device{Arena: model.NewArena(1 << 20), Offers: model.FeatureVersion1 | features, QueueMax: 256}
	d.Serve = func(c model.Chain) { serve(d, c) }
	tr := d.Transport()
	t.Cleanup(d.Close)
	got, err := tr.Negotiate(features)
	if err != 0 || got != model.FeatureVersion1|features {
		t.Fatalf("agreed on %#x, %v", got, err)
	}
	if n := tr.QueueSize(0, queueSize); n != queueSize {
		t.Fatalf("queue size %d", n)
	}
	q := virtio.NewQueue(d.Arena.Alloc(virtio.QueueBytes(queueSize, table)), queueSize, table, features&virtio.FeatureEventIdx != 0)
	tr.Interrupt(0, interrupt)
	doorbell, err := tr.StartQueue(0, q, 0)
	if err != 0 {
		t.Fatal(err)
	}
	if err := tr.Start(); err != 0 {
		t.Fatal(err)
	}
	return d, q, doorbell
}

// TestIndicesWrap sends more chains through a queue than its 16-bit indices
// count, of all lengths, and loses none, whether or not the two sides
// suppress notifications.
func TestIndicesWrap(t *testing.T) {
	for _, tt := range []struct {
		name     string
		table    int
		features uint64
	}{
		{"plain", 0, 0},
		{"event", 0, virtio.FeatureEventIdx},
		{"indirect", 6, virtio.FeatureIndirect | virtio.FeatureEventIdx},
	} {
		t.Run(tt.name, func(t *testing.T) {
			irq := make(chan struct{}, 1)
			d, q, doorbell := newQueue(t, tt.table, tt.features, func() {
				select {
				case irq <- struct{}{}:
				default:
				}
			}, func(d *model.Device, c model.Chain) {
				d.Complete(c, func() {
					for _, b := range c.Write {
						b[0]++
					}
				})
			})
			sendMany(t, d, q, doorbell, irq)
		})
	}
}

func sendMany(t *testing.T, d *model.Device, q *virtio.Queue, doorbell func(), irq chan struct{}) {
	const total = 70000
	mem := d.Arena.Alloc(4096)
	counters := d.Arena.Bytes(mem.Phys, queueSize)
	text := mem.Phys + 2048
	var lengths [queueSize]int
	sent, back := 0, 0
	for back < total {
		for n := 2 + rand.IntN(4); sent < total && q.Room(n); n = 2 + rand.IntN(4) {
			head := q.NextHead()
			bufs := []virtio.Buf{{Phys: text, Len: 8}, {Phys: text, Len: 8}, {Phys: text, Len: 8},
				{Phys: text, Len: 8}, {Phys: mem.Phys + uint64(head), Len: 1, Write: true}}
			counters[head] = 0
			lengths[head] = n
			if q.Add(bufs[5-n:]) != head {
				t.Fatal("Add and NextHead disagree")
			}
			sent++
		}
		if q.Kick() {
			doorbell()
		}
		if back == sent || q.InFlight() == 0 {
			continue
		}
		for got := 0; got == 0; {
			for {
				head, _, result := q.Pop()
				if result == virtio.PopGarbage {
					t.Fatal("garbage from a good device")
				}
				if result == virtio.PopNothing {
					break
				}
				if counters[head] != 1 || lengths[head] == 0 {
					t.Fatalf("chain %d of %d buffers came back served %d times", head, lengths[head], counters[head])
				}
				lengths[head] = 0
				got++
			}
			back += got
			if got == 0 && !q.Rearm() {
				<-irq
			}
		}
	}
	if !q.Room(2) || q.InFlight() != 0 {
		t.Error("the queue is not empty at the end")
	}
}

// TestManyDrivers shares a queue under a lock, as a driver does.
func TestManyDrivers(t *testing.T) {
	var mu sync.Mutex
	var waiting [queueSize]chan struct{}
	var q *virtio.Queue
	free := sync.NewCond(&mu)
	drain := func() {
		mu.Lock()
		defer mu.Unlock()
		for again := true; again; again = q.Rearm() {
			for {
				head, _, result := q.Pop()
				if result != virtio.PopChain {
					break
				}
				close(waiting[head])
			}
		}
		free.Broadcast()
	}
	mu.Lock()
	d, queue, doorbell := newQueue(t, 3, virtio.FeatureIndirect|virtio.FeatureEventIdx, drain, func(d *model.Device, c model.Chain) {
		d.Complete(c, func() { copy(c.Write[0], c.Read) })
	})
	q = queue
	mu.Unlock()
	var wg sync.WaitGroup
	for i := range 2 * queueSize {
		mem := d.Arena.Alloc(4096)
		wg.Go(func() {
			in, out := d.Arena.Bytes(mem.Phys, 8), d.Arena.Bytes(mem.Phys+64, 8)
			for round := range 50 {
				in[0], in[1] = byte(i), byte(round)
				done := make(chan struct{})
				mu.Lock()
				for !q.Room(2) {
					free.Wait()
				}
				head := q.Add([]virtio.Buf{{Phys: mem.Phys, Len: 8}, {Phys: mem.Phys + 64, Len: 8, Write: true}})
				waiting[head] = done
				notify := q.Kick()
				mu.Unlock()
				if notify {
					doorbell()
				}
				<-done
				if out[0] != byte(i) || out[1] != byte(round) {
					t.Errorf("driver %d, round %d: echo of %d, %d", i, round, out[0], out[1])
				}
			}
		})
	}
	wg.Wait()
}

func TestNegotiate(t *testing.T) {
	old := &model.Device{Offers: virtio.FeatureIndirect}
	tr := old.Transport()
	defer old.Close()
	if _, err := tr.Negotiate(virtio.FeatureIndirect); err == 0 {
		t.Error("a device without VERSION_1 was accepted")
	}
	d := &model.Device{Offers: model.FeatureVersion1 | virtio.FeatureIndirect | 1<<5, QueueMax: 100}
	tr = d.Transport()
	defer d.Close()
	got, err := tr.Negotiate(virtio.FeatureIndirect | virtio.FeatureEventIdx)
	if err != 0 || got != model.FeatureVersion1|virtio.FeatureIndirect {
		t.Errorf("agreed on %#x, %v", got, err)
	}
	for limit, want := range map[uint16]uint16{1024: 64, 100: 64, 64: 64, 63: 32, 1: 1} {
		if n := tr.QueueSize(0, limit); n != want {
			t.Errorf("queue size %d below %d, want %d", n, limit, want)
		}
	}
	d.QueueMax = 0
	if n := tr.QueueSize(0, 64); n != 0 {
		t.Errorf("size %d of a queue that is not there", n)
	}
}
