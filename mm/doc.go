// Package mm is the kernel's memory manager: page frames, address spaces, and
// the page stealer that moves what has not been used to swap while the programs
// run. It follows the Linux of October 1999, where kswapd's walk along a
// victim's vma list was first made safe; functions keep the names of that time
// in Go spelling, and docs/locking.md is its Documentation/vm/locking, current.
//
// # Where to begin
//
//	types.go      MM and VMA (mm_struct, vm_area_struct), what guards each field
//	vmlist.go     the vma list and vmlist_modify_lock; find_vma, insert_vm_struct
//	munmap.go     do_munmap: unlink under the lock, zap without, put back the rest
//	fault.go      what a page fault does
//	vmscan.go     swap_out: the stealer's walk, and the contract that freezes a victim
//	swapout.go    try_to_swap_out: what becomes of a page
//
// # Address spaces
//
// avl.go, merge.go, mmap.go, unmapped.go, mprotect.go, mlock.go, mremap.go, brk.go,
// stack.go, madvise.go (pageout.go, guard.go) and msync.go are one call or idea each; pagetable.go, zap.go
// and fork.go are the walks of page tables; mm.go and exit.go birth and death;
// usercopy.go and access.go let others at a program's memory; immap.go is the ring
// of a file's mappings; procmaps.go is
// /proc/PID/maps; checks.go, recount.go and census.go are what must hold of all of it.
//
// # Shared memory
//
// shmobject.go is what all memory that can be swapped and belongs to no process
// has in common: slots. shmfault.go fills them, shmswap.go is shm_swap and swapoff's
// part. shmframes.go keeps the slots of System V segments (shm.go, shmat.go,
// shmctl.go, ipcperm.go) and of what forks share (anonshared.go); files in RAM have
// theirs in package fs.
//
// # Frames and swap
//
// page.go, zone.go, percpu.go, page_alloc.go and slab.go hand out memory; pagecache.go,
// lru.go and shrink.go keep and drop cached pages; swapfile.go, swapcache.go, swapio.go,
// readahead.go, swapon.go and swapoff.go are swap; reclaim.go, kswapd.go and oom.go
// decide when to steal, and what to do when there is nothing left to steal;
// heapguard.go and freelist.go keep the kernel's own Go heap within what there is.
//
// # Files
//
// filemap.go (read, write, read-ahead), filemmap.go (mapped files), dirty.go
// (write-back, kupdate), mpage.go (pages to and from the disk) and truncate.go are
// the page cache of files on disks; fs joins file systems to it by MappingOps.
//
// # Locks, outermost first
//
//	MM.MmapSem                   sleeps; every vm call and fault; one mm at a time
//	  kernel_lock                swapping, drivers' Unmap and Sync
//	  page lock (PG_locked)      sleeps; identity and I/O of a page
//	    shm_lock                 slots of shared memory, segments; never with the next two
//	    IMmap.ISharedLock        borders of vmas on a file's ring
//	      MM.PageTableLock       vmlist_access_lock, vmlist_modify_lock; ptes, RSS
//	        pagecache_lock       the cache's hash and lists
//	          pagemap_lru_lock
//	          swap_list_lock
//	            swap_device_lock
//	        c_spinlock           one slab cache
//	        zone lock            free frames
//
// Whoever changes the vma list, or the range or flags of a vma in it, holds both
// MmapSem and PageTableLock; to read either will do, and a stealer, who may have
// come from an allocation under somebody's MmapSem, only ever takes PageTableLock.
// Under a spinlock nothing sleeps, allocates on the Go heap, asks for a page that
// would have to be waited for, or calls a driver.
//
// # Callers
//
// proc (fork, exec, exit, faults), syscall (the mmap family, swapon), fs (copies to
// and from programs, VMOps of files), kernel (start-up, kswapd). Errors are errno
// values. The package is the same in the kernel and in host tests; arch differs.
package mm
