// Package virtioblk drives virtio block devices: the swap disk and the disk
// with a file system.
//
// A Device owns one virtqueue and, for each head of it, a slot: the request
// in flight there, and a header and status byte in memory the device reads and
// writes. Both are guarded by Device.lock (class request_lock), a spinlock that
// Submit and the interrupt handler take. Submit sleeps, without the lock, only
// while the ring is full. Nothing is allocated per request.
//
// A device that returns garbage is broken: it is reset, so that it touches
// memory no more, all requests in flight end with EIO, and so does every later
// one. The kernel lives on. The same becomes of one that does not answer (watch.go).
//
// Callers: mm (swap) and fs, through blk.Device; kernel, for Probe. The files
// without tag run on the host against a device model.
//
// Source: Virtual I/O Device (VIRTIO) Version 1.2, section 5.2.
package virtioblk
