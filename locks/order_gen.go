// Code generated from order.txt by mkorder. DO NOT EDIT.

package locks

// Class names a set of locks with one place in the lock order.
type Class uint8

// The classes, outermost kinds first. The zero Class is not checked.
const (
	NoClass        Class = iota
	KernelLock           // the big kernel lock
	SwaponSem            // one swapon or swapoff at a time
	EpollSem             // the interest list of an epoll file
	FilePosSem           // position of an open file
	DirSem               // names in the directories of one file system
	ISem                 // contents and size of a file; transfers of a block device
	SockSem              // names and connections of sockets, and the list of them
	ScmSem               // which open files are in flight in messages
	PipeSem              // buffer of a pipe, receive queue of a socket; writers of an eventfd
	TtySem               // one write to a terminal at a time
	DcacheSem            // names of a disk directory that are in use
	MmapSem              // address space: the vma list (one mm at a time)
	FlockSem             // advisory locks on a file, which a mapping may be the last to let go of
	PageLock             // PG_locked, by page index
	Ext2Sem              // bitmaps, inodes and block maps of an ext2 disk
	CacheChainSem        // list of slab caches
	DevSem               // one write to a serial port at a time
	TasklistLock         // process table and tree
	SighandLock          // signal handlers and queues of a thread group
	MmlistLock           // list of all address spaces, and the victim of swap_out
	ShmLock              // slots of shared memory (System V, anonymous, files in RAM), table of segments
	ISharedLock          // mappings of an inode
	PageTableLock        // vmlist lock: vma list against stealers, page tables
	PagecacheLock        // page cache: hash, and the lists of clean and dirty pages of each file
	PagemapLruLock       // list of pages by age
	SwapListLock         // list of swap devices, nr_swap_pages
	SwapDeviceLock       // swap map of a device
	CSpinlock            // slabs of one cache
	PcpLock              // free pages of a zone that a CPU keeps
	ZoneLock             // free pages of a zone
	FilesLock            // descriptor table; spare buffers of system calls
	InodeLock            // attributes of an inode in memory
	FsLock               // root, cwd and umask of a file-system context
	MountLock            // which directory is covered by which file system
	WatchLock            // the epoll items that watch an open file; nesting of epolls
	FutexLock            // one bucket of the futex hash
	LimitsLock           // resource limits of a process
	PollLock             // ready list of an epoll file
	PipeLock             // counters of an eventfd, timerfd or terminal queue; the entropy pool
	RequestLock          // queue and ring of a disk; the plug of swap writes
	DriverLock           // input of a serial port
	RunqueueLock         // tasks that wait for a CPU
	numClasses
)

// classes describes each Class; inside is the set of classes that may be taken
// while this one is held.
var classes = [numClasses]classInfo{
	NoClass:        {name: "(no class)"},
	KernelLock:     {name: "kernel_lock", kind: kindMonitor, ordered: false, inside: 0x0},
	SwaponSem:      {name: "swapon_sem", kind: kindSleep, ordered: false, inside: 0x7fffffffff0},
	EpollSem:       {name: "epoll_sem", kind: kindSleep, ordered: false, inside: 0x7fffffffff0},
	FilePosSem:     {name: "file_pos_sem", kind: kindSleep, ordered: false, inside: 0x7ffffffffe0},
	DirSem:         {name: "dir_sem", kind: kindSleep, ordered: true, inside: 0x7fffffffe40},
	ISem:           {name: "i_sem", kind: kindSleep, ordered: false, inside: 0x7fffffff600},
	SockSem:        {name: "sock_sem", kind: kindSleep, ordered: false, inside: 0x7fffffff200},
	ScmSem:         {name: "scm_sem", kind: kindSleep, ordered: false, inside: 0x7fffffff200},
	PipeSem:        {name: "pipe_sem", kind: kindSleep, ordered: false, inside: 0x7fffffff000},
	TtySem:         {name: "tty_sem", kind: kindSleep, ordered: false, inside: 0x7fffffff000},
	DcacheSem:      {name: "dcache_sem", kind: kindSleep, ordered: false, inside: 0x7fffffc0000},
	MmapSem:        {name: "mmap_sem", kind: kindSleep, ordered: false, inside: 0x7ffffffe000},
	FlockSem:       {name: "flock_sem", kind: kindSleep, ordered: false, inside: 0x7ffffff0000},
	PageLock:       {name: "page_lock", kind: kindSleep, ordered: true, inside: 0x7ffffff8000},
	Ext2Sem:        {name: "ext2_sem", kind: kindSleep, ordered: false, inside: 0x7fffffc0000},
	CacheChainSem:  {name: "cache_chain_sem", kind: kindSleep, ordered: false, inside: 0x7fffffc0000},
	DevSem:         {name: "dev_sem", kind: kindSleep, ordered: false, inside: 0x7fffffc0000},
	TasklistLock:   {name: "tasklist_lock", kind: kindSpin, ordered: false, inside: 0x46090180000},
	SighandLock:    {name: "sighand_lock", kind: kindSpin, ordered: false, inside: 0x44000000000},
	MmlistLock:     {name: "mmlist_lock", kind: kindSpin, ordered: false, inside: 0x40010000000},
	ShmLock:        {name: "shm_lock", kind: kindSpin, ordered: false, inside: 0x4007f000000},
	ISharedLock:    {name: "i_shared_lock", kind: kindSpin, ordered: false, inside: 0x4007f800000},
	PageTableLock:  {name: "page_table_lock", kind: kindSpin, ordered: false, inside: 0x4007f000000},
	PagecacheLock:  {name: "pagecache_lock", kind: kindSpin, ordered: false, inside: 0x4006e000000},
	PagemapLruLock: {name: "pagemap_lru_lock", kind: kindSpin, ordered: false, inside: 0x40060000000},
	SwapListLock:   {name: "swap_list_lock", kind: kindSpin, ordered: false, inside: 0x40068000000},
	SwapDeviceLock: {name: "swap_device_lock", kind: kindSpin, ordered: false, inside: 0x40060000000},
	CSpinlock:      {name: "c_spinlock", kind: kindSpin, ordered: false, inside: 0x40000000000},
	PcpLock:        {name: "pcp_lock", kind: kindSpin, ordered: false, inside: 0x40040000000},
	ZoneLock:       {name: "zone_lock", kind: kindSpin, ordered: false, inside: 0x40000000000},
	FilesLock:      {name: "files_lock", kind: kindSpin, ordered: false, inside: 0x44000000000},
	InodeLock:      {name: "inode_lock", kind: kindSpin, ordered: false, inside: 0x40000000000},
	FsLock:         {name: "fs_lock", kind: kindSpin, ordered: false, inside: 0x40000000000},
	MountLock:      {name: "mount_lock", kind: kindSpin, ordered: false, inside: 0x40000000000},
	WatchLock:      {name: "watch_lock", kind: kindSpin, ordered: false, inside: 0x40000000000},
	FutexLock:      {name: "futex_lock", kind: kindSpin, ordered: true, inside: 0x46000080000},
	LimitsLock:     {name: "limits_lock", kind: kindSpin, ordered: false, inside: 0x44000080000},
	PollLock:       {name: "poll_lock", kind: kindSpin, ordered: false, inside: 0x40000000000},
	PipeLock:       {name: "pipe_lock", kind: kindSpin, ordered: false, inside: 0x44000000000},
	RequestLock:    {name: "request_lock", kind: kindSpin, ordered: false, inside: 0x6c000000000},
	DriverLock:     {name: "driver_lock", kind: kindSpin, ordered: false, inside: 0x4c000000000},
	RunqueueLock:   {name: "runqueue_lock", kind: kindSpin, ordered: false, inside: 0x0},
}
