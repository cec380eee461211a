// Package virtio drives the part that all virtio 1.x devices share: finding
// the register blocks of a modern PCI device, agreeing on features, and the
// split virtqueue through which buffers travel to the device and back.
//
// It owns the memory of the queues. It has no lock: a Queue is guarded by the
// spinlock of the device driver that owns it (drivers/virtioblk), a Transport
// is used at start-up by one goroutine and later only for Reset, under the
// same spinlock. Called by device drivers and nobody else.
//
// Queue and Transport touch neither ports nor device memory of their own
// accord, so the host tests run them against a device model; the code that
// knows PCI is in the files with the tag yolk.
//
// Source: Virtual I/O Device (VIRTIO) Version 1.2, sections 2 to 4.
package virtio
