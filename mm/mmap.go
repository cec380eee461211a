package mm

import (
	"math"
	"sync/atomic"
	"syscall"

	"yolk/arch"
)

// Flags of mmap that the standard library does not name.
const (
	MapSharedValidate = 0x3
	MapDroppable      = 0x8
	MapFixedNoReplace = 0x100000
	mapTypeMask       = 0xf
	mapSync           = 0x80000
	mapUninitialized  = 0x4000000
	mapLegacyRest     = 0x80 | 21<<26 | 30<<26 // MAP_ABOVE4G, MAP_HUGE_2MB, _1GB
	mapLegacyMask     = syscall.MAP_DENYWRITE | syscall.MAP_EXECUTABLE
	protMask          = syscall.PROT_READ | syscall.PROT_WRITE | syscall.PROT_EXEC
	lowArea32, top32  = 0x40000000, 0x80000000 // where MAP_32BIT goes
	defaultMmapBase   = arch.TaskSize - (8<<20 + StackGuardGap)
	unmappedBase      = arch.TaskSize / 3 &^ (arch.PageSize - 1)
	mmapMinAddr       = 0x10000
)

// committed is Committed_AS: the pages of all mappings with VMAccount.
var committed atomic.Int64

// mlocked is Mlocked: the pages of all mappings with VMLocked.
var mlocked atomic.Int64

// CommittedAS is the sum of private writable memory that programs may yet ask for.
func CommittedAS() int64 { return committed.Load() }

// enoughMemory (vm_enough_memory) refuses only what can never be had: more pages
// at once than there are in RAM and swap together.
func enoughMemory(pages int64) bool { return pages <= int64(TotalPages())+totalSwapPages.Load() }

// mayExpand checks RLIMIT_AS, and RLIMIT_DATA for what it counts. MmapSem held.
func mayExpand(m *MM, f VMFlags, pages int64) bool {
	if uint64(m.totalVM+pages) > m.Limits.AS.Load()>>arch.PageShift {
		return false
	}
	return !isData(f) || uint64(m.dataVM+pages) <= m.Limits.Data.Load()>>arch.PageShift
}

// mayMapAt reports whether m may map at a fixed address: what is near 0 is for those with
// CAP_SYS_RAWIO, as a kernel that followed a nil pointer would end up there.
func mayMapAt(m *MM, addr uintptr) bool { return addr >= mmapMinAddr || m.Limits.RawIO.Load() }

// mayLock checks RLIMIT_MEMLOCK for more locked pages. MmapSem held.
func mayLock(m *MM, pages int64) bool {
	return m.Limits.IPCLock.Load() || uint64(m.lockedVM+pages) <= m.Limits.Memlock.Load()>>arch.PageShift
}

// mmapRequest is a call of DoMmap on its way through the checks.
type mmapRequest struct {
	file         File
	addr, length uintptr
	prot, flags  int
	pgoff        uint64
	vmFlags      VMFlags
}

func (r *mmapRequest) fixed() bool { return r.flags&(syscall.MAP_FIXED|MapFixedNoReplace) != 0 }

func (r *mmapRequest) pages() int64 { return int64(r.length >> arch.PageShift) }

// DoMmap (do_mmap) maps length bytes of file from page pgoff on, or anonymous
// memory when file is nil, and returns the address. MmapSem held, no spinlock;
// may sleep. Errors in the order of Linux: EINVAL empty; ENOMEM length; EOVERFLOW
// offset; ENOMEM too many vmas or no room; EINVAL unaligned with MAP_FIXED; EPERM near 0; EEXIST;
// EPERM, EAGAIN locked memory; EACCES, EINVAL, ENODEV of the file; ENOMEM limits.
// (2.3 returned addr for an empty request and knew no shared anonymous memory.)
func DoMmap(m *MM, file File, addr, length uintptr, prot, flags int, pgoff uint64) (uintptr, syscall.Errno) {
	r := mmapRequest{file: file, addr: addr, length: length, prot: prot, flags: flags, pgoff: pgoff}
	if e := r.place(m); e != 0 {
		return 0, e
	}
	r.vmFlags = VMFlags(prot&protMask) | m.defFlags | VMMayRead | VMMayWrite | VMMayExec
	if flags&syscall.MAP_GROWSDOWN != 0 {
		r.vmFlags |= VMGrowsDown
	}
	if flags&syscall.MAP_STACK != 0 {
		r.vmFlags |= VMNoHuge
	}
	if flags&mapSync != 0 {
		r.vmFlags |= VMSync
	}
	if flags&syscall.MAP_LOCKED != 0 {
		if !canLock(m) {
			return 0, syscall.EPERM
		}
		r.vmFlags |= VMLocked
	}
	if r.vmFlags&VMLocked != 0 && !mayLock(m, r.pages()) {
		return 0, syscall.EAGAIN
	}
	if e := r.checkType(); e != 0 {
		return 0, e
	}
	if e := r.install(m); e != 0 {
		return 0, e
	}
	if r.vmFlags&vmLockedBits == VMLocked || r.vmFlags&vmLockedBits == 0 && r.flags&(syscall.MAP_POPULATE|syscall.MAP_NONBLOCK) == syscall.MAP_POPULATE {
		// What cannot be brought in now faults, or fails, when it is used; what is locked
		// page by page is left to that.
		makePagesPresent(m, r.addr, r.addr+r.length)
	}
	return r.addr, 0
}

// place checks length and offset and settles the address.
func (r *mmapRequest) place(m *MM) syscall.Errno {
	if r.length == 0 {
		return syscall.EINVAL
	}
	if r.length = pageAlign(r.length); r.length == 0 || r.length > arch.TaskSize {
		return syscall.ENOMEM
	}
	if r.pgoff+uint64(r.pages()) < r.pgoff {
		return syscall.EOVERFLOW
	}
	if m.mapCount > maxMapCount() {
		return syscall.ENOMEM
	}
	if !r.fixed() {
		if r.addr &= arch.PageMask; r.addr != 0 {
			r.addr = max(r.addr, mmapMinAddr)
		}
		var ok bool
		if r.addr, ok = getUnmappedArea(m, r.addr, r.length, r.flags); !ok {
			return syscall.ENOMEM
		}
		return 0
	}
	if r.length > arch.TaskSize-min(r.addr, arch.TaskSize) {
		return syscall.ENOMEM
	}
	if r.addr&^arch.PageMask != 0 {
		return syscall.EINVAL
	}
	if !mayMapAt(m, r.addr) {
		return syscall.EPERM
	}
	if r.flags&MapFixedNoReplace != 0 && findIntersection(m, r.addr, r.addr+r.length) != nil {
		return syscall.EEXIST
	}
	return 0
}

// checkType checks MAP_SHARED or MAP_PRIVATE against the file's mode and settles vmFlags.
func (r *mmapRequest) checkType() syscall.Errno {
	kind := r.flags & mapTypeMask
	if r.file == nil {
		return r.checkAnonymous(kind)
	}
	if r.file.IMmap() != nil && r.pgoff > math.MaxInt64>>arch.PageShift-uint64(r.pages()) {
		return syscall.EOVERFLOW
	}
	const known = syscall.MAP_SHARED | syscall.MAP_PRIVATE | syscall.MAP_FIXED | syscall.MAP_ANON | syscall.MAP_32BIT |
		syscall.MAP_GROWSDOWN | mapLegacyMask | syscall.MAP_LOCKED | syscall.MAP_NORESERVE | syscall.MAP_POPULATE |
		syscall.MAP_NONBLOCK | syscall.MAP_STACK | syscall.MAP_HUGETLB | mapUninitialized | mapLegacyRest
	switch kind {
	case MapSharedValidate:
		if r.flags&^known != 0 {
			return syscall.EOPNOTSUPP
		}
		fallthrough
	case syscall.MAP_SHARED:
		if r.prot&syscall.PROT_WRITE != 0 && !r.file.CanWrite() {
			return syscall.EACCES
		}
		r.vmFlags |= VMShared | VMMayShare
		if !r.file.CanWrite() {
			// It can never be written through: as good as private.
			r.vmFlags &^= VMMayWrite | VMShared
		}
		fallthrough
	case syscall.MAP_PRIVATE:
		if !r.file.CanRead() {
			return syscall.EACCES
		}
	default:
		return syscall.EINVAL
	}
	if r.vmFlags&VMGrowsDown != 0 {
		return syscall.EINVAL
	}
	if s, ok := r.file.(sealable); ok && r.vmFlags&(VMShared|VMWrite) == VMShared|VMWrite && s.WriteSealed() {
		return syscall.EPERM
	}
	return 0
}

// sealable is a File that can be sealed (memfd_create). WriteSealed is asked before the
// mappings that are in the way go; the file's Mmap does what else seals want of a mapping.
type sealable interface{ WriteSealed() bool }

// checkAnonymous is checkType without a file. What MAP_DROPPABLE maps is never dropped here.
func (r *mmapRequest) checkAnonymous(kind int) syscall.Errno {
	if r.vmFlags&VMGrowsDown != 0 && kind != syscall.MAP_PRIVATE {
		return syscall.EINVAL
	}
	// Neighbours merge when their offsets follow, so it comes from the address.
	r.pgoff = uint64(r.addr >> arch.PageShift)
	switch kind {
	case syscall.MAP_PRIVATE:
	case syscall.MAP_SHARED:
		r.vmFlags |= VMShared | VMMayShare
		r.pgoff = 0
	case MapDroppable:
		if r.flags&syscall.MAP_LOCKED != 0 {
			return syscall.EINVAL
		}
		if r.vmFlags&VMLocked != 0 { // after mlockall: brought in once, as in Linux, but not locked
			r.flags |= syscall.MAP_POPULATE
			r.vmFlags &^= vmLockedBits
		}
		r.vmFlags |= VMDroppable | VMNoReserve | VMWipeOnFork | VMDontDump
	default:
		return syscall.EINVAL
	}
	return 0
}

// install makes room and puts the vma in. From the DoMunmap on an error leaves
// the old mappings gone.
func (r *mmapRequest) install(m *MM) syscall.Errno {
	if isSealed(FindVMA(m, r.addr), r.addr+r.length) {
		return syscall.EPERM
	}
	if !mayExpand(m, r.vmFlags, r.pages()) && !r.replacesEnough(m) {
		return syscall.ENOMEM
	}
	if r.flags&syscall.MAP_NORESERVE != 0 {
		r.vmFlags |= VMNoReserve
	} else if isAccountable(r.vmFlags) {
		if !enoughMemory(r.pages()) {
			return syscall.ENOMEM
		}
		r.vmFlags |= VMAccount
	}
	if findIntersection(m, r.addr, r.addr+r.length) != nil {
		if e := DoMunmap(m, r.addr, r.length); e != 0 {
			return e
		}
	}
	v := allocVMA(m)
	if v == nil {
		return syscall.ENOMEM
	}
	v.setRange(r.addr, r.addr+r.length, r.pgoff)
	v.setFlags(r.vmFlags)
	if e := r.connect(v); e != 0 {
		freeVMA(v)
		return e
	}
	r.vmFlags = v.VMFlags // the driver may have changed them
	insertVMA(m, v)
	mergeRange(m, r.addr, r.addr+r.length) // v may be gone after this
	accountVMA(m, r.vmFlags, r.pages())
	return 0
}

// replacesEnough says whether the limits hold if what MAP_FIXED is about to
// replace is not counted.
func (r *mmapRequest) replacesEnough(m *MM) bool {
	if !r.fixed() {
		return false
	}
	return mayExpand(m, r.vmFlags, r.pages()-mappedIn(m, r.addr, r.addr+r.length))
}

// mappedIn is how many pages of [start, end) are mapped. MmapSem held.
func mappedIn(m *MM, start, end uintptr) (pages int64) {
	for v := FindVMA(m, start); v != nil && v.VMStart < end; v = v.vmNext {
		pages += int64((min(end, v.VMEnd) - max(start, v.VMStart)) >> arch.PageShift)
	}
	return pages
}

// connect attaches v, in no list yet, to the file or the object behind it.
func (r *mmapRequest) connect(v *VMA) syscall.Errno {
	if r.file == nil {
		if r.vmFlags&VMShared != 0 {
			return newAnonShared(v)
		}
		return 0
	}
	r.file.GetFile()
	v.VMFile = r.file
	assertDriver()
	e := r.file.Mmap(v)
	assertDriver()
	if e != 0 {
		v.VMFile = nil
		r.file.FPut()
		return e
	}
	return 0
}
