package mm

import (
	"encoding/binary"
	"sync/atomic"
	errno "syscall"

	"yolk/arch"
	"yolk/drivers/blk"
	"yolk/locks"
)

// swaponSem keeps swapon and swapoff apart; it is outermost.
var swaponSem locks.Mutex

// The header of a swap area, as mkswap writes it into slot 0.
const (
	swapMagic    = "SWAPSPACE2" // the last bytes of the page
	hdrVersion   = 1024         // after room for a boot block
	hdrLastPage  = 1028
	hdrNrBad     = 1032
	hdrBadPages  = 1536 // uuid, label and padding come before
	maxBadPages  = (arch.PageSize - len(swapMagic) - hdrBadPages) / 4
	maxSwapSlots = 1 << 24
)

// swapHeader is what the header says.
type swapHeader struct {
	lastPage uint32
	bad      []uint32
}

// parseSwapHeader checks a header for a device of devPages pages. EINVAL: it is
// none, or does not fit.
func parseSwapHeader(page []byte, devPages uint64) (swapHeader, errno.Errno) {
	var h swapHeader
	le := binary.LittleEndian
	if string(page[arch.PageSize-len(swapMagic):arch.PageSize]) != swapMagic || le.Uint32(page[hdrVersion:]) != 1 {
		return h, errno.EINVAL
	}
	h.lastPage = le.Uint32(page[hdrLastPage:])
	nrBad := le.Uint32(page[hdrNrBad:])
	if h.lastPage == 0 || uint64(h.lastPage) >= devPages || h.lastPage >= maxSwapSlots || nrBad > uint32(maxBadPages) {
		return h, errno.EINVAL
	}
	for i := range nrBad {
		b := le.Uint32(page[hdrBadPages+4*i:])
		if b == 0 || b > h.lastPage {
			return h, errno.EINVAL
		}
		h.bad = append(h.bad, b)
	}
	return h, 0
}

// SwapOn begins to swap to a device that holds a SWAPSPACE2 header. Areas of a
// higher priority are used first; a negative prio asks for one below all so far.
// Errno: EBUSY in use, EPERM too many areas, EROFS read-only device, EIO,
// EINVAL no or a bad header, ENOMEM. No lock held; sleeps.
func SwapOn(dev blk.Device, prio int) errno.Errno {
	swaponSem.Lock()
	defer swaponSem.Unlock()
	if findSwapArea(dev.Name()) != nil {
		return errno.EBUSY
	}
	if dev.ReadOnly() {
		return errno.EROFS
	}
	si := freeSwapInfo()
	if si == nil {
		return errno.EPERM
	}
	h, e := readSwapHeader(dev)
	if e != 0 {
		return e
	}
	slots := h.lastPage + 1
	m := MakeSlice[uint16](int(slots))
	if m == nil {
		return errno.ENOMEM
	}
	m[0] = swapMapBad
	good := int(h.lastPage)
	for _, b := range h.bad {
		if m[b] == 0 {
			good--
		}
		m[b] = swapMapBad
	}
	if good == 0 {
		return errno.EINVAL
	}
	swapListLock.Lock()
	si.lock.Lock()
	si.assertLocked()
	si.dev, si.swapMap = dev, m
	si.max.Store(slots)
	si.lowestBit, si.highestBit = 1, h.lastPage
	si.clusterNext, si.clusterNr = 1, 0
	si.pages, si.inUse, si.badInUse = good, 0, 0
	si.used = true
	si.lock.Unlock()
	if prio < 0 {
		prio = lowestPrio() - 1
	}
	si.prio = prio
	linkSwapArea(si)
	swapListLock.Unlock()
	return 0
}

// readSwapHeader reads slot 0.
func readSwapHeader(dev blk.Device) (swapHeader, errno.Errno) {
	p := AllocPage(GFPKernel)
	if p == nil {
		return swapHeader{}, errno.ENOMEM
	}
	defer PutPage(p)
	var done locks.WaitQueue
	var ended atomic.Bool
	r := &blk.Request{Op: blk.Read, NSegs: 1, Done: func(*blk.Request) {
		ended.Store(true)
		done.WakeAll()
	}}
	r.Segs[0] = blk.Seg{Phys: uint64(p.PFN()) << arch.PageShift, Len: arch.PageSize}
	dev.Submit(r)
	done.Wait(ended.Load)
	if r.Err != 0 {
		return swapHeader{}, errno.EIO
	}
	return parseSwapHeader(p.Bytes(), dev.Sectors()/sectorsPerPage)
}

// freeSwapInfo returns an unused area. swapon_sem held.
func freeSwapInfo() *swapInfo {
	locks.AssertGuard(locks.SwaponSem, locks.NoClass, "a free swap area is looked for")
	for i := range swapInfos {
		if !swapInfos[i].used {
			return &swapInfos[i]
		}
	}
	return nil
}

// findSwapArea returns the area on the named device. swapon_sem held.
func findSwapArea(name string) *swapInfo {
	for i := range swapInfos {
		if si := &swapInfos[i]; si.used && si.dev.Name() == name {
			return si
		}
	}
	return nil
}

// lowestPrio is the lowest priority in use, and at most 0. swap_list_lock held.
func lowestPrio() int {
	low := 0
	for t := swapList.head; t >= 0; t = swapInfos[t].next {
		low = min(low, swapInfos[t].prio)
	}
	return low
}

// linkSwapArea lets an area hand out slots. swap_list_lock held.
func linkSwapArea(si *swapInfo) {
	assertSwapList()
	link := &swapList.head
	for *link >= 0 && swapInfos[*link].prio >= si.prio {
		link = &swapInfos[*link].next
	}
	si.next = *link
	*link = si.typ
	si.linked = true
	si.failing.Store(0)
	swapList.next = swapList.head
	restartTurns()
	si.lock.Lock()
	si.writeOK.Store(true)
	nrSwapPages.Add(int64(si.freeSlots()))
	totalSwapPages.Add(int64(si.pages))
	si.lock.Unlock()
}

// unlinkSwapArea stops an area from handing out slots. swap_list_lock held.
func unlinkSwapArea(si *swapInfo) {
	assertSwapList()
	link := &swapList.head
	for *link != si.typ {
		link = &swapInfos[*link].next
	}
	*link = si.next
	si.linked = false
	swapList.next = swapList.head
	restartTurns()
	si.lock.Lock()
	si.writeOK.Store(false)
	nrSwapPages.Add(int64(-si.freeSlots()))
	totalSwapPages.Add(int64(-si.pages))
	si.lock.Unlock()
}

// freeSlots counts the slots that can be handed out. swap_device_lock held.
func (si *swapInfo) freeSlots() int {
	si.assertLocked()
	n := 0
	for _, c := range si.swapMap {
		if c == 0 {
			n++
		}
	}
	return n
}
