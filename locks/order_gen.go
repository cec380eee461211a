// Code generated from order.txt by mkorder. DO NOT EDIT.

package locks

// Class names a set of locks with one place in the lock order.
type Class uint8

// The classes, outermost kinds first. The zero Class is not checked.
const (
	NoClass        Class = iota
	KernelLock           // the big kernel lock
	SwaponSem            // one swapon or swapoff at a time
	ExecSem              // a program's credentials and image during exec
	EpollSem             // the interest list of an epoll file
	FilePosSem           // position of an open file
	MountSem             // mount table and rename
	DirSem               // entries of a directory
	ISem                 // size and contents of an inode
	PipeSem              // buffer of a pipe or socket pair
	TtySem               // line discipline of a terminal
	DcacheSem            // names of a disk directory that are in use
	MmapSem              // address space: the vma list (one mm at a time)
	PageLock             // PG_locked, by page index
	Ext2Sem              // bitmaps, inodes and directories of a disk
	CacheChainSem        // list of slab caches
	DevSem               // set-up of a device
	TasklistLock         // process table and tree
	SighandLock          // signal handlers and queues of a thread group
	MmlistLock           // list of all address spaces
	ShmLock              // segments of shared memory
	ISharedLock          // mappings of an inode
	PageTableLock        // vmlist lock: vma list against stealers, page tables
	PagecacheLock        // page cache hash and inode page lists
	PagemapLruLock       // list of pages by age
	SwapListLock         // list of swap devices, nr_swap_pages
	SwapDeviceLock       // swap map of a device
	CSpinlock            // slabs of one cache
	ZoneLock             // free pages of a zone
	FilesLock            // descriptor table
	InodeLock            // attributes of an inode in memory
	FsLock               // root, cwd and umask of a file-system context
	MountLock            // which directory is covered by which file system
	WatchLock            // the epoll items that watch an open file
	FutexLock            // one bucket of the futex hash
	TimerLock            // timers of a process
	PollLock             // ready list of an epoll file
	PipeLock             // counters of a pipe, eventfd or terminal queue
	RequestLock          // queue of a block device
	DriverLock           // registers and rings of a device
	RunqueueLock         // tasks that wait for a CPU
	ConsoleLock          // the kernel log
	numClasses
)

// classes describes each Class; inside is the set of classes that may be taken
// while this one is held.
var classes = [numClasses]classInfo{
	NoClass:        {name: "(no class)"},
	KernelLock:     {name: "kernel_lock", kind: kindMonitor, ordered: false, inside: 0x0},
	SwaponSem:      {name: "swapon_sem", kind: kindSleep, ordered: false, inside: 0x3ffffffffe0},
	ExecSem:        {name: "exec_sem", kind: kindSleep, ordered: false, inside: 0x3ffffffffe0},
	EpollSem:       {name: "epoll_sem", kind: kindSleep, ordered: false, inside: 0x3ffffffffe0},
	FilePosSem:     {name: "file_pos_sem", kind: kindSleep, ordered: false, inside: 0x3ffffffffc0},
	MountSem:       {name: "mount_sem", kind: kindSleep, ordered: false, inside: 0x3ffffffff80},
	DirSem:         {name: "dir_sem", kind: kindSleep, ordered: true, inside: 0x3ffffffff00},
	ISem:           {name: "i_sem", kind: kindSleep, ordered: false, inside: 0x3fffffff600},
	PipeSem:        {name: "pipe_sem", kind: kindSleep, ordered: false, inside: 0x3fffffff000},
	TtySem:         {name: "tty_sem", kind: kindSleep, ordered: false, inside: 0x3fffffff000},
	DcacheSem:      {name: "dcache_sem", kind: kindSleep, ordered: false, inside: 0x3fffffe0000},
	MmapSem:        {name: "mmap_sem", kind: kindSleep, ordered: false, inside: 0x3ffffffe000},
	PageLock:       {name: "page_lock", kind: kindSleep, ordered: true, inside: 0x3ffffffc000},
	Ext2Sem:        {name: "ext2_sem", kind: kindSleep, ordered: false, inside: 0x3fffffe0000},
	CacheChainSem:  {name: "cache_chain_sem", kind: kindSleep, ordered: false, inside: 0x3fffffe0000},
	DevSem:         {name: "dev_sem", kind: kindSleep, ordered: false, inside: 0x3fffffe0000},
	TasklistLock:   {name: "tasklist_lock", kind: kindSpin, ordered: false, inside: 0x318280c0000},
	SighandLock:    {name: "sighand_lock", kind: kindSpin, ordered: false, inside: 0x31000000000},
	MmlistLock:     {name: "mmlist_lock", kind: kindSpin, ordered: false, inside: 0x30008000000},
	ShmLock:        {name: "shm_lock", kind: kindSpin, ordered: false, inside: 0x3001f800000},
	ISharedLock:    {name: "i_shared_lock", kind: kindSpin, ordered: false, inside: 0x3001fc00000},
	PageTableLock:  {name: "page_table_lock", kind: kindSpin, ordered: false, inside: 0x3001f800000},
	PagecacheLock:  {name: "pagecache_lock", kind: kindSpin, ordered: false, inside: 0x30017000000},
	PagemapLruLock: {name: "pagemap_lru_lock", kind: kindSpin, ordered: false, inside: 0x30010000000},
	SwapListLock:   {name: "swap_list_lock", kind: kindSpin, ordered: false, inside: 0x30014000000},
	SwapDeviceLock: {name: "swap_device_lock", kind: kindSpin, ordered: false, inside: 0x30010000000},
	CSpinlock:      {name: "c_spinlock", kind: kindSpin, ordered: false, inside: 0x30000000000},
	ZoneLock:       {name: "zone_lock", kind: kindSpin, ordered: false, inside: 0x30000000000},
	FilesLock:      {name: "files_lock", kind: kindSpin, ordered: false, inside: 0x31000000000},
	InodeLock:      {name: "inode_lock", kind: kindSpin, ordered: false, inside: 0x30000000000},
	FsLock:         {name: "fs_lock", kind: kindSpin, ordered: false, inside: 0x30000000000},
	MountLock:      {name: "mount_lock", kind: kindSpin, ordered: false, inside: 0x30000000000},
	WatchLock:      {name: "watch_lock", kind: kindSpin, ordered: false, inside: 0x30000000000},
	FutexLock:      {name: "futex_lock", kind: kindSpin, ordered: true, inside: 0x31800040000},
	TimerLock:      {name: "timer_lock", kind: kindSpin, ordered: false, inside: 0x31000040000},
	PollLock:       {name: "poll_lock", kind: kindSpin, ordered: false, inside: 0x30000000000},
	PipeLock:       {name: "pipe_lock", kind: kindSpin, ordered: false, inside: 0x31000000000},
	RequestLock:    {name: "request_lock", kind: kindSpin, ordered: false, inside: 0x3b000000000},
	DriverLock:     {name: "driver_lock", kind: kindSpin, ordered: false, inside: 0x33000000000},
	RunqueueLock:   {name: "runqueue_lock", kind: kindSpin, ordered: false, inside: 0x20000000000},
	ConsoleLock:    {name: "console_lock", kind: kindSpin, ordered: false, inside: 0x0},
}
