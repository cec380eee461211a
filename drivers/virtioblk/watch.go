package virtioblk

import (
	"time"

	"yolk/locks"
)

// A device that does not answer. Whoever waits for a disk holds page locks and
// requests of fixed pools, and cannot be interrupted; so one that never answers would
// in the end hold up those, too, who want nothing of it. Linux leaves a virtio disk
// all the time in the world, and other disks a limit; here each has one. It is for
// a disk that does not answer at all: one that is slow, but finishes something now
// and then, may go on.

// watchLooks is how often within the limit the watch looks: a device is given up when
// so many looks in a row have found requests in flight and none finished.
const watchLooks = 8

// watch is what the last looks have seen.
type watch struct {
	ended uint64
	idle  int // looks that found no progress
}

// look reports whether the device has had its time. It takes the device's lock.
func (w *watch) look(d *Device) bool {
	d.lock.Lock()
	defer d.lock.Unlock()
	if d.broken || d.queue.InFlight() == 0 || d.ended != w.ended {
		*w = watch{ended: d.ended}
		return false
	}
	w.idle++
	return w.idle >= watchLooks
}

// Watch gives the device up when it has had requests and finished none for so long;
// gaveUp is called then. It returns at once, and keeps a kernel thread.
func (d *Device) Watch(limit time.Duration, gaveUp func()) {
	locks.Go("watch "+d.name, func() {
		for w := new(watch); !w.look(d); {
			locks.Sleep(limit/watchLooks, false)
		}
		d.Break()
		gaveUp()
	})
}
