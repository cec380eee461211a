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
	MmapSem              // address space: the vma list (one mm at a time)
	PageLock             // PG_locked, by page index
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
	SwaponSem:      {name: "swapon_sem", kind: kindSleep, ordered: false, inside: 0xffffffffe0},
	ExecSem:        {name: "exec_sem", kind: kindSleep, ordered: false, inside: 0xffffffffe0},
	EpollSem:       {name: "epoll_sem", kind: kindSleep, ordered: false, inside: 0xffffffffe0},
	FilePosSem:     {name: "file_pos_sem", kind: kindSleep, ordered: false, inside: 0xffffffffc0},
	MountSem:       {name: "mount_sem", kind: kindSleep, ordered: false, inside: 0xffffffff80},
	DirSem:         {name: "dir_sem", kind: kindSleep, ordered: true, inside: 0xffffffff00},
	ISem:           {name: "i_sem", kind: kindSleep, ordered: false, inside: 0xfffffffe00},
	PipeSem:        {name: "pipe_sem", kind: kindSleep, ordered: false, inside: 0xfffffff800},
	TtySem:         {name: "tty_sem", kind: kindSleep, ordered: false, inside: 0xfffffff800},
	MmapSem:        {name: "mmap_sem", kind: kindSleep, ordered: false, inside: 0xfffffff000},
	PageLock:       {name: "page_lock", kind: kindSleep, ordered: true, inside: 0xffffffe000},
	CacheChainSem:  {name: "cache_chain_sem", kind: kindSleep, ordered: false, inside: 0xffffff8000},
	DevSem:         {name: "dev_sem", kind: kindSleep, ordered: false, inside: 0xffffff8000},
	TasklistLock:   {name: "tasklist_lock", kind: kindSpin, ordered: false, inside: 0xc60a030000},
	SighandLock:    {name: "sighand_lock", kind: kindSpin, ordered: false, inside: 0xc400000000},
	MmlistLock:     {name: "mmlist_lock", kind: kindSpin, ordered: false, inside: 0xc002000000},
	ShmLock:        {name: "shm_lock", kind: kindSpin, ordered: false, inside: 0xc007e00000},
	ISharedLock:    {name: "i_shared_lock", kind: kindSpin, ordered: false, inside: 0xc007f00000},
	PageTableLock:  {name: "page_table_lock", kind: kindSpin, ordered: false, inside: 0xc007e00000},
	PagecacheLock:  {name: "pagecache_lock", kind: kindSpin, ordered: false, inside: 0xc005c00000},
	PagemapLruLock: {name: "pagemap_lru_lock", kind: kindSpin, ordered: false, inside: 0xc004000000},
	SwapListLock:   {name: "swap_list_lock", kind: kindSpin, ordered: false, inside: 0xc005000000},
	SwapDeviceLock: {name: "swap_device_lock", kind: kindSpin, ordered: false, inside: 0xc004000000},
	CSpinlock:      {name: "c_spinlock", kind: kindSpin, ordered: false, inside: 0xc000000000},
	ZoneLock:       {name: "zone_lock", kind: kindSpin, ordered: false, inside: 0xc000000000},
	FilesLock:      {name: "files_lock", kind: kindSpin, ordered: false, inside: 0xc400000000},
	InodeLock:      {name: "inode_lock", kind: kindSpin, ordered: false, inside: 0xc000000000},
	FsLock:         {name: "fs_lock", kind: kindSpin, ordered: false, inside: 0xc000000000},
	MountLock:      {name: "mount_lock", kind: kindSpin, ordered: false, inside: 0xc000000000},
	WatchLock:      {name: "watch_lock", kind: kindSpin, ordered: false, inside: 0xc000000000},
	FutexLock:      {name: "futex_lock", kind: kindSpin, ordered: true, inside: 0xc600010000},
	TimerLock:      {name: "timer_lock", kind: kindSpin, ordered: false, inside: 0xc400010000},
	PollLock:       {name: "poll_lock", kind: kindSpin, ordered: false, inside: 0xc000000000},
	PipeLock:       {name: "pipe_lock", kind: kindSpin, ordered: false, inside: 0xc400000000},
	RequestLock:    {name: "request_lock", kind: kindSpin, ordered: false, inside: 0xec00000000},
	DriverLock:     {name: "driver_lock", kind: kindSpin, ordered: false, inside: 0xcc00000000},
	RunqueueLock:   {name: "runqueue_lock", kind: kindSpin, ordered: false, inside: 0x8000000000},
	ConsoleLock:    {name: "console_lock", kind: kindSpin, ordered: false, inside: 0x0},
}
