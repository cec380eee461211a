package virtio

import "syscall"

// Feature bits that every device may offer (6).
const (
	FeatureIndirect = 1 << 28 // VIRTIO_F_INDIRECT_DESC
	FeatureEventIdx = 1 << 29 // VIRTIO_F_EVENT_IDX
	featureVersion1 = 1 << 32 // VIRTIO_F_VERSION_1
)

// Device status bits (2.1).
const (
	statusAcknowledge = 1
	statusDriver      = 2
	statusDriverOK    = 4
	statusFeaturesOK  = 8
	statusNeedsReset  = 64
	statusFailed      = 128
)

// Registers of the common configuration (4.1.4.3).
const (
	regDeviceFeatureSelect = 0
	regDeviceFeature       = 4
	regDriverFeatureSelect = 8
	regDriverFeature       = 12
	regConfigVector        = 16
	regStatus              = 20
	regConfigGeneration    = 21
	regQueueSelect         = 22
	regQueueSize           = 24
	regQueueVector         = 26
	regQueueEnable         = 28
	regQueueNotifyOff      = 30
	regQueueDesc           = 32
	regQueueDriver         = 40
	regQueueDevice         = 48
	commonSize             = 56
)

// NoVector stands for "no interrupt" where a device wants a vector.
const NoVector = 0xffff

// spinLimit bounds the reads of a register that a sane device changes at once.
const spinLimit = 1 << 16

// Registers is a block of device registers; mmio.Region is the real one.
type Registers interface {
	Size() uint32
	Read8(off uint32) uint8
	Read16(off uint32) uint16
	Read32(off uint32) uint32
	Write8(off uint32, v uint8)
	Write16(off uint32, v uint16)
	Write32(off uint32, v uint32)
}

// Transport is the way to one device. Its fields are set before it is used and
// immutable then.
type Transport struct {
	Common Registers // at least 56 bytes
	Config Registers // the device type's own; nil if it has none
	// Doorbell returns the function that notifies the device of chains in a
	// queue, given the offset that the device wants for it; nil if that
	// offset is not one.
	Doorbell func(queue, notifyOff uint16) func()
	// Interrupt installs a handler for message i of the device, and returns
	// false if it has no such message.
	Interrupt func(i uint16, handler func()) bool
	// Isolate cuts the device off from memory, for one that will not reset.
	Isolate func()
}

// Reset stops the device. When it returns the device touches memory no more:
// one that does not obey is cut off. It does not sleep; any lock may be held.
func (t *Transport) Reset() {
	t.Common.Write8(regStatus, 0)
	for range spinLimit {
		if t.Common.Read8(regStatus) == 0 {
			return
		}
	}
	t.Isolate()
}

// Negotiate resets the device, announces a driver and agrees on those of the
// features in want that the device offers, and on VERSION_1. ENODEV: the
// device is not a modern one; EIO: it refuses the features.
func (t *Transport) Negotiate(want uint64) (features uint64, err syscall.Errno) {
	t.Reset()
	t.addStatus(statusAcknowledge)
	t.addStatus(statusDriver)
	offered := t.offered()
	if offered&featureVersion1 == 0 {
		t.Fail()
		return 0, syscall.ENODEV
	}
	features = offered & (want | featureVersion1)
	t.Common.Write32(regDriverFeatureSelect, 0)
	t.Common.Write32(regDriverFeature, uint32(features))
	t.Common.Write32(regDriverFeatureSelect, 1)
	t.Common.Write32(regDriverFeature, uint32(features>>32))
	t.addStatus(statusFeaturesOK)
	if t.Common.Read8(regStatus)&statusFeaturesOK == 0 {
		t.Fail()
		return 0, syscall.EIO
	}
	return features, 0
}

func (t *Transport) offered() uint64 {
	t.Common.Write32(regDeviceFeatureSelect, 0)
	low := t.Common.Read32(regDeviceFeature)
	t.Common.Write32(regDeviceFeatureSelect, 1)
	return uint64(low) | uint64(t.Common.Read32(regDeviceFeature))<<32
}

func (t *Transport) addStatus(bits uint8) {
	t.Common.Write8(regStatus, t.Common.Read8(regStatus)|bits)
}

// QueueSize returns how many descriptors queue i may have: a power of two not
// above limit, or 0 if the device has no such queue.
func (t *Transport) QueueSize(i, limit uint16) uint16 {
	t.Common.Write16(regQueueSelect, i)
	most := min(t.Common.Read16(regQueueSize), limit)
	size := uint16(1)
	for size <= most/2 {
		size *= 2
	}
	return min(size, most)
}

// StartQueue gives q to the device as its queue i, with its interrupts going to
// message vector. It returns the doorbell. EIO: the device refuses.
func (t *Transport) StartQueue(i uint16, q *Queue, vector uint16) (doorbell func(), err syscall.Errno) {
	c := t.Common
	c.Write16(regQueueSelect, i)
	c.Write16(regQueueSize, q.size)
	c.Write16(regQueueVector, vector)
	if c.Read16(regQueueVector) != vector {
		return nil, syscall.EIO
	}
	for k, reg := range [3]uint32{regQueueDesc, regQueueDriver, regQueueDevice} {
		c.Write32(reg, uint32(q.phys[k]))
		c.Write32(reg+4, uint32(q.phys[k]>>32))
	}
	if doorbell = t.Doorbell(i, c.Read16(regQueueNotifyOff)); doorbell == nil {
		return nil, syscall.EIO
	}
	c.Write16(regQueueEnable, 1)
	return doorbell, 0
}

// WatchConfig sends changes of the device's configuration and state to message
// vector. A device that cannot is left without.
func (t *Transport) WatchConfig(vector uint16) { t.Common.Write16(regConfigVector, vector) }

// Start lets the device go. EIO: it has failed already.
func (t *Transport) Start() syscall.Errno {
	t.addStatus(statusDriverOK)
	if t.NeedsReset() {
		return syscall.EIO
	}
	return 0
}

// NeedsReset says whether the device has given up.
func (t *Transport) NeedsReset() bool {
	return t.Common.Read8(regStatus)&statusNeedsReset != 0
}

// Fail tells the device that the driver has given up.
func (t *Transport) Fail() { t.addStatus(statusFailed) }

// Config32 reads the field at off of the device's own configuration; 0 if it is
// too short for that.
func (t *Transport) Config32(off uint32) uint32 {
	if t.Config == nil || t.Config.Size() < off+4 {
		return 0
	}
	return t.Config.Read32(off)
}

// Config64 reads the field of two words at off, both from the same generation
// of the configuration.
func (t *Transport) Config64(off uint32) uint64 {
	var v uint64
	for range spinLimit {
		before := t.Common.Read8(regConfigGeneration)
		v = uint64(t.Config32(off)) | uint64(t.Config32(off+4))<<32
		if t.Common.Read8(regConfigGeneration) == before {
			break
		}
	}
	return v
}
