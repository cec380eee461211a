package guest

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
)

// A log of all writes to a disk, as QEMU's blklogwrites driver keeps it, in the
// format of Linux's dm-log-writes (Documentation/admin-guide/device-mapper/log-writes.rst,
// and the driver's source): from it the disk can be made as a power cut at any moment
// would have left it, for a disk may lose any of the writes since its last flush.

const (
	logMagic  = 0x6a736677736872
	sector    = 512
	flagFlush = 1
	flagFUA   = 2
	flagTrim  = 4

	// unit is what a disk writes as a whole.
	unit = 4096
)

// logEntry is one request.
type logEntry struct {
	flags  uint64
	offset int64 // on the disk, in bytes
	data   []byte
}

// readWriteLog reads the log of a run that has ended.
func readWriteLog(name string) ([]logEntry, error) {
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	if len(raw) < sector || le.Uint64(raw) != logMagic || le.Uint32(raw[24:]) != sector {
		return nil, fmt.Errorf("%s is no log of writes", name)
	}
	n := le.Uint64(raw[16:])
	var entries []logEntry
	for at := uint64(sector); n > 0; n-- {
		if at+sector > uint64(len(raw)) {
			return nil, fmt.Errorf("%s ends after %d entries", name, len(entries))
		}
		h := raw[at:]
		e := logEntry{offset: int64(le.Uint64(h)) * sector, flags: le.Uint64(h[16:])}
		size := le.Uint64(h[8:]) * sector
		at += sector
		if e.flags&flagTrim == 0 && size > 0 {
			if at+size > uint64(len(raw)) {
				return nil, fmt.Errorf("%s ends in entry %d", name, len(entries))
			}
			e.data = raw[at:][:size]
			at += size
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// cutter makes the disks of power cuts, each later than the one before.
type cutter struct {
	log     []logEntry
	durable []byte // the disk as of flushed entries
	flushed int
	buf     []byte
}

// at is the disk after a cut behind n entries: what came before the last flush among
// them is there; of the rest each part is there or not. Good until the next call.
func (c *cutter) at(n int, r *rand.Rand) []byte {
	last := n
	for last > c.flushed && c.log[last-1].flags&(flagFlush|flagFUA) == 0 {
		last--
	}
	for ; c.flushed < last; c.flushed++ {
		e := &c.log[c.flushed]
		copy(c.durable[min(e.offset, int64(len(c.durable))):], e.data)
	}
	c.buf = append(c.buf[:0], c.durable...)
	odds := r.IntN(5) // of all that is not flushed: none, some, all
	for _, e := range c.log[last:n] {
		for at := 0; at < len(e.data); {
			size := min(unit-int((e.offset+int64(at))%unit), len(e.data)-at)
			if where := e.offset + int64(at); where < int64(len(c.buf)) && r.IntN(4) < odds {
				copy(c.buf[where:], e.data[at:][:size])
			}
			at += size
		}
	}
	return c.buf
}
