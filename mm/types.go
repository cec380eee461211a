package mm

import (
	"sync/atomic"
	"syscall"

	"yolk/arch"
	"yolk/locks"
)

// VMFlags is vm_flags: what a mapping permits and how it behaves.
type VMFlags uint32

// The bits of vm_flags, with the values of 1999. MAYx is x<<4.
const (
	VMRead       VMFlags = 0x1
	VMWrite      VMFlags = 0x2
	VMExec       VMFlags = 0x4
	VMShared     VMFlags = 0x8
	VMMayRead    VMFlags = 0x10
	VMMayWrite   VMFlags = 0x20
	VMMayExec    VMFlags = 0x40
	VMMayShare   VMFlags = 0x80
	VMGrowsDown  VMFlags = 0x100
	VMGrowsUp    VMFlags = 0x200
	VMShm        VMFlags = 0x400
	VMMaybeGuard VMFlags = 0x800 // guard pages have been put in (MADV_GUARD_INSTALL)
	VMExecutable VMFlags = 0x1000
	VMLocked     VMFlags = 0x2000
	VMIO         VMFlags = 0x4000
	VMNoReserve  VMFlags = 0x8000
	VMLockOnFlt  VMFlags = 0x10000 // mlock2(MLOCK_ONFAULT)
	VMDontCopy   VMFlags = 0x20000
	VMDontExpand VMFlags = 0x40000
	VMReserved   VMFlags = 0x80000
	VMAccount    VMFlags = 0x100000 // counted in committed memory
	VMWipeOnFork VMFlags = 0x200000
	VMDontDump   VMFlags = 0x400000 // madvise(MADV_DONTDUMP)
	VMSealed     VMFlags = 0x800000 // mseal

	// Advice that changes nothing here, but which mappings are one: Linux's programs see that.
	VMSync      VMFlags = 0x1000000  // mmap(MAP_SYNC)
	VMRandRead  VMFlags = 0x2000000  // madvise(MADV_RANDOM)
	VMSeqRead   VMFlags = 0x4000000  // MADV_SEQUENTIAL
	VMHugePage  VMFlags = 0x8000000  // MADV_HUGEPAGE
	VMNoHuge    VMFlags = 0x10000000 // MADV_NOHUGEPAGE
	VMMergeable VMFlags = 0x20000000 // MADV_MERGEABLE

	VMDroppable VMFlags = 0x40000000 // mmap(MAP_DROPPABLE)

	vmAccessBits  = VMRead | VMWrite | VMExec
	vmLockedBits  = VMLocked | VMLockOnFlt
	vmSticky      = VMMaybeGuard // keeps no mappings apart, and goes to the one that they become
	vmStackFlags  = VMRead | VMWrite | VMMayRead | VMMayWrite | VMMayExec | VMGrowsDown
	vmDataFlags   = VMRead | VMWrite | VMMayRead | VMMayWrite | VMMayExec
	avlMinMapSize = 32 // AVL_MIN_MAP_COUNT
)

// MaxMapCount is the number of vmas an address space may have, which
// /proc/sys/vm/max_map_count can change. Those that have more already keep them.
var MaxMapCount atomic.Uint64

func init() { MaxMapCount.Store(65530) }

// maxMapCount is MaxMapCount as something to compare with; TopMapCount bounds it.
func maxMapCount() int { return int(MaxMapCount.Load()) }

// TopMapCount is what MaxMapCount may be set to.
const TopMapCount = 1<<31 - 1

// StackGuardGap is the room, in bytes, that is kept free below a stack.
const StackGuardGap = 256 << arch.PageShift

// VMA is a vm_area_struct: one run of pages with the same properties.
//
// A vma is *in the list* from insertVMStruct until it is unlinked. While it is,
// the fields of the first group change only under both MmapSem (rule 1) and
// vmlistModifyLock (rule 2); either lock suffices to read them (rule 3).
type VMA struct {
	VMStart, VMEnd uintptr // [VMStart, VMEnd), page aligned
	VMFlags        VMFlags
	VMPgoff        uint64 // offset in the file, in pages
	pageProt       arch.PTE
	anon           anonID // MmapSem alone
	vmNext         *VMA
	avlLeft        *VMA
	avlRight       *VMA
	avlHeight      int16
	inList         bool

	// Guarded by VMFile.IMmap().ISharedLock; in a System V segment's attach list,
	// which uses the links too, by shm_lock.
	nextShare, prevShare *VMA
	onRing               bool

	// Fixed once the vma is in the list.
	VMMM        *MM
	VMFile      File // nil: anonymous
	VMOps       *VMOps
	PrivateData any
}

// VMOps are the driver's methods. No spinlock is held on entry or exit of any
// of them; a nil method is not called. Tables are compared by address.
type VMOps struct {
	Open  func(v *VMA) // MmapSem held; v is not yet in the list (split, fork, mremap)
	Close func(v *VMA) // MmapSem held; v is no longer in the list
	// Unmap comes before the pages of [start, start+size) go; MmapSem and
	// kernel_lock held, v not in the list, ptes still present. It may write back.
	Unmap func(v *VMA, start, size uintptr)
	// Sync writes dirty pages back for msync; MmapSem and kernel_lock held.
	Sync func(v *VMA, start, size uintptr, flags int) syscall.Errno
	// Nopage returns the page for addr with a reference for the caller, or nil
	// and FaultBus or FaultOOM; MmapSem held. With noShare the page must be the
	// caller's own (a private write). FaultMajor says that it waited for a disk.
	Nopage func(v *VMA, addr uintptr, noShare bool) (*Page, FaultResult)
	// PageCache says that Nopage returns pages of a Mapping, which truncate may
	// take away before they are mapped.
	PageCache bool
	// Cached puts into pages, with a reference for the caller, those that Nopage would
	// return for addr and the addresses behind it, not for a private write, where it can
	// without waiting; MmapSem held; must not sleep. The mapping has an IMmap.
	Cached func(v *VMA, addr uintptr, pages []*Page)
	// Advise takes madvise's advice on [start, end); MmapSem held.
	Advise func(v *VMA, start, end uintptr, advice int) syscall.Errno
	// Resident says for mincore whether the page for addr could be mapped without
	// waiting, though no pte has it; MmapSem held.
	Resident func(v *VMA, addr uintptr) bool
	// Swapout is called by the stealer with kernel_lock only, the file pinned
	// and the page pinned by the reference of the pte just removed. A mapping
	// with a Swapout owns its pages: the anonymous path is not used for it.
	Swapout func(p *Page, f File) syscall.Errno
}

// File is what mm needs of an open file that can be mapped. fs provides it.
type File interface {
	GetFile() // get_file: one more reference
	FPut()    // fput; may sleep, so no spinlock held
	CanRead() bool
	CanWrite() bool
	// Mmap is f_op->mmap: it may look at and change v, which is not in the list
	// yet, and sets v.VMOps. ENODEV when the file cannot be mapped.
	Mmap(v *VMA) syscall.Errno
	// IMmap returns the ring of the inode's mappings, or nil when nothing ever truncates it.
	IMmap() *IMmap
	// MapInfo returns what /proc/PID/maps says of the file. Called without MmapSem,
	// as the name is found under the locks of directories.
	MapInfo() (name string, major, minor uint32, ino uint64)
}

// IMmap is i_mmap: the ring of all mappings of one inode, for truncate. The
// inode holds one. ISharedLock comes before any PageTableLock.
type IMmap struct {
	ISharedLock locks.SpinLock
	head        *VMA
	truncs      atomic.Uint32 // how often VMTruncate or VMUnmapHole has begun
}

// Limits are the resource limits that bear on an address space, in bytes. They
// belong to the process; prlimit changes them at any time.
type Limits struct {
	AS, Stack, Data, Memlock atomic.Uint64
	IPCLock                  atomic.Bool  // CAP_IPC_LOCK
	RawIO                    atomic.Bool  // CAP_SYS_RAWIO
	OOMScoreAdj              atomic.Int32 // thousandths of all memory, for the OOM killer; OOMScoreAdjMin: spare it
}

// Infinity is RLIM_INFINITY.
const Infinity = ^uint64(0)

// Access is what a program tried to do to a page.
type Access uint8

// The kinds of access.
const (
	AccessRead Access = iota
	AccessWrite
	AccessExec
)

// FaultResult says how a fault ended.
type FaultResult uint8

// The outcomes of a fault. After the first two the access is to be tried again.
const (
	FaultMinor  FaultResult = iota
	FaultMajor              // it waited for a disk
	FaultMapErr             // SIGSEGV, SEGV_MAPERR
	FaultAccErr             // SIGSEGV, SEGV_ACCERR
	FaultBus                // SIGBUS, BUS_ADRERR
	FaultOOM                // no memory: SIGKILL, after the OOM killer had its say
)

// Failed reports whether the access cannot be completed.
func (r FaultResult) Failed() bool { return r > FaultMajor }

// MM is an mm_struct, an address space.
type MM struct {
	Ctx arch.MMContext // fixed until mmdrop

	// MmapSem is outermost; held through every vm system call and fault. It
	// guards layout.
	MmapSem locks.Mutex

	// PageTableLock is vmlist_access_lock and vmlist_modify_lock: it holds off
	// page stealers. Guarded by it, and by MmapSem against other writers: mmap,
	// mmapAVL, mapCount and the vmas. By it alone: every pte, and the sums below.
	PageTableLock locks.SpinLock
	mmap          *VMA // sorted by address
	mmapAVL       *VMA // nil below avlMinMapSize, then the same vmas keyed by VMEnd
	mapCount      int
	unchecked     int                 // releases of the lock since the last checkList
	changed       [2]uintptr          // where the list has changed since the last check, in checking builds
	mmapCache     atomic.Pointer[VMA] // a hint: racy, never trusted, nil before a vma it names is unlinked

	// Written under PageTableLock, read anywhere.
	RSS      atomic.Int64 // present pages, ZERO_PAGE not counted
	PeakRSS  atomic.Int64 // the most there ever were
	AnonRSS  atomic.Int64 // those of them that are anonymous
	SwapEnts atomic.Int64 // ptes that hold a swap entry
	PTables  atomic.Int64 // page-table frames

	SwapCnt     atomic.Int64 // what the stealer still wants this round
	SwapAddress uintptr      // PageTableLock: where its next scan begins

	mmUsers atomic.Int32 // tasks that use the address space; at 0 exitMmap
	mmCount atomic.Int32 // holders of the struct; all users together are one

	// mmlist_lock.
	mmlistNext, mmlistPrev *MM

	Limits *Limits // the process's; never nil

	layout
	OOMKilled atomic.Bool
}

// layout is the part of an mm that only MmapSem guards. Exec writes the
// addresses before anybody else can see the mm.
type layout struct {
	StartCode, EndCode, StartData, EndData uintptr
	StartBrk, Brk                          uintptr
	StartStack                             uintptr
	ArgStart, ArgEnd, EnvStart, EnvEnd     uintptr
	MmapBase                               uintptr // top of the mmap area, which grows down
	gapTop                                 uintptr // no page of [gapTop, MmapBase) is free; 0: unknown

	totalVM, lockedVM, dataVM, stackVM int64 // pages
	peakVM                             int64
	defFlags                           VMFlags // VMLocked after mlockall(MCL_FUTURE)
}
