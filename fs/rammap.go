package fs

import (
	"syscall"

	"yolk/arch"
	"yolk/mm"
)

// The mapping methods of files in RAM. The pages of a shared mapping stay in the
// file, so the stealer has nothing to write: it drops the pte, and when that was the
// last one shm_swap may take the page. What a private mapping has written is
// anonymous and goes to swap.
var (
	ramSharedOps  = mm.VMOps{Nopage: ramNopage, Cached: ramCached, Resident: ramResident, Swapout: mm.KeepPage}
	ramWriterOps  = mm.VMOps{Nopage: ramNopage, Cached: ramCached, Resident: ramResident, Swapout: mm.KeepPage, Open: ramOpenWriter, Close: ramCloseWriter}
	ramPrivateOps = mm.VMOps{Nopage: ramNopage, Cached: ramCached, Resident: ramResident}
)

// Map sets v up for demand paging. EPERM: a writable mapping of a sealed file.
func (ro *ramOpen) Map(f *File, v *mm.VMA) syscall.Errno {
	r := (*ramFile)(ro)
	switch {
	case v.VMFlags&mm.VMShared == 0:
		v.VMOps = &ramPrivateOps
	case v.VMFlags&mm.VMMayWrite == 0:
		v.VMOps = &ramSharedOps
	case !r.sealed(SealFutureWrite) && r.addWriter():
		v.VMOps = &ramWriterOps
	case v.VMFlags&mm.VMWrite != 0:
		return syscall.EPERM
	default:
		v.VMFlags &^= mm.VMMayWrite
		v.VMOps = &ramSharedOps
	}
	return 0
}

// ramOpenWriter counts a copy of a mapping that may write; the one copied keeps
// seals away. ramCloseWriter is its end.
func ramOpenWriter(v *mm.VMA)  { ramFileOf(v).writers.Add(1) }
func ramCloseWriter(v *mm.VMA) { ramFileOf(v).writers.Add(-1) }

// ramFileOf is the file behind a mapping.
func ramFileOf(v *mm.VMA) *ramFile { return (*ramFile)(v.VMFile.(*File).ops.(*ramOpen)) }

// ramNopage finds the page for addr. The file's own page serves shared mappings
// and reads; a private write gets a copy at once. MmapSem held; may sleep.
func ramNopage(v *mm.VMA, addr uintptr, noShare bool) (*mm.Page, mm.FaultResult) {
	f, r := v.VMFile.(*File), ramFileOf(v)
	k := v.VMPgoff + uint64(addr-v.VMStart)>>arch.PageShift
	if k >= pageRange(f.inode.Size()) {
		return nil, mm.FaultBus
	}
	if !noShare {
		p, e := r.page(k)
		switch e {
		case 0:
		case syscall.ENOSPC, syscall.EIO: // a hole and no room to fill it; lost in swap
			return nil, mm.FaultBus
		default:
			return nil, mm.FaultOOM
		}
		return r.unlessCut(f, k, p)
	}
	p := mm.AllocPage(mm.GFPHighUser)
	if p == nil {
		return nil, mm.FaultOOM
	}
	if e := r.fill(k, p.Bytes()); e != 0 {
		mm.PutPage(p)
		if e == syscall.EIO {
			return nil, mm.FaultBus
		}
		return nil, mm.FaultOOM
	}
	return r.unlessCut(f, k, p)
}

// unlessCut returns p for page k, unless the file was truncated meanwhile: the tree
// must not keep what came into it after that.
func (r *ramFile) unlessCut(f *File, k uint64, p *mm.Page) (*mm.Page, mm.FaultResult) {
	if k >= pageRange(f.inode.Size()) {
		mm.PutPage(p)
		r.drop(pageRange(f.inode.Size()), ^uint64(0))
		return nil, mm.FaultBus
	}
	return p, mm.FaultMinor
}

// ramCached finds those of the pages for addr and on that are in the tree, not in swap.
func ramCached(v *mm.VMA, addr uintptr, pages []*mm.Page) {
	f, r := v.VMFile.(*File), ramFileOf(v)
	k := v.VMPgoff + uint64(addr-v.VMStart)>>arch.PageShift
	have := pageRange(f.inode.Size())
	mm.LockShm()
	for i := range pages {
		if k+uint64(i) >= have {
			break
		}
		if slot := r.tree.slot(k + uint64(i)); slot != nil && *slot != 0 {
			pages[i], _ = mm.ShmPage(slot)
		}
	}
	mm.UnlockShm()
}

// ramResident says whether the page of addr is in memory, the archive's bytes included.
func ramResident(v *mm.VMA, addr uintptr) bool {
	p, base, entry := ramFileOf(v).look(v.VMPgoff + uint64(addr-v.VMStart)>>arch.PageShift)
	if p != nil {
		mm.PutPage(p)
	}
	return entry == 0 && (p != nil || len(base) > 0)
}

// fill copies page k of the file, zeros where it has no bytes. A hole becomes a page
// of the file, as on Linux, unless there is no room. Errors as find.
func (r *ramFile) fill(k uint64, buf []byte) syscall.Errno {
	p, base, e := r.find(k)
	if e == 0 && p == nil && len(base) == 0 {
		if p, e = r.page(k); e == syscall.ENOSPC {
			e = 0
		}
	}
	switch {
	case e != 0:
		return e
	case p == nil:
		clear(buf[copy(buf, base):])
	default:
		copy(buf, p.Bytes())
		mm.PutPage(p)
	}
	return 0
}

// The methods below make *File an mm.File.

// GetFile takes another reference (get_file).
func (f *File) GetFile() { f.Get() }

// FPut drops a reference (fput). May sleep.
func (f *File) FPut() { f.Put() }

// Mmap is f_op->mmap. ENODEV: the file cannot be mapped.
func (f *File) Mmap(v *mm.VMA) syscall.Errno {
	if f.flags.Load()&OPath != 0 {
		return syscall.EBADF
	}
	return f.ops.Map(f, v)
}

// PunchHole makes *File an mm.Puncher.
func (f *File) PunchHole(off, n int64) syscall.Errno {
	return f.Allocate(fallocPunchHole|fallocKeepSize, off, n)
}

// IMmap is the ring of the inode's mappings, nil if it is never truncated.
func (f *File) IMmap() *mm.IMmap {
	switch o := f.ops.(type) {
	case *ramOpen:
		return &o.mappings
	case *extOpen:
		return &o.ring
	}
	return nil
}

// ReadPage fills buf with page index of the file, zeros past its end, and says
// how many bytes were in the file.
func (f *File) ReadPage(index uint64, buf []byte) (int, syscall.Errno) {
	if index > 1<<51-1 {
		return 0, 0
	}
	n, e := f.ops.Read(f, buf, int64(index<<arch.PageShift))
	clear(buf[n:])
	return n, e
}

// MapInfo is what /proc/PID/maps says of the file.
func (f *File) MapInfo() (name string, major, minor uint32, ino uint64) {
	name, _ = PathOf(Root(), f.dentry)
	dev := f.inode.Dev()
	return name, uint32(dev >> 8), uint32(dev & 0xff), f.inode.ino
}
