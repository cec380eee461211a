// Package fs owns everything a file descriptor can name: open files and tables
// of descriptors, directory entries and inodes, the root file system in RAM,
// /proc and /sys, devices, pipes, the console, and the readiness of all of them
// (poll, epoll).
//
// The package moves bytes between objects and kernel buffers only; package
// syscall, which calls it, copies them to and from user memory. No lock of this
// package is therefore ever held across a user fault.
//
// Where to begin: file.go (open files, and FileOps, what each kind can do),
// inode.go and dentry.go (what names lead to), namei.go (how), ramfs.go and
// ramdata.go (the files in RAM), extfs.go, extinode.go and extfile.go (those on a
// disk: package ext2 is the format, mm the page cache). A new kind of object needs a FileOps; a new file
// system needs an InodeOps too. Sockets are package unixsock, above this one, which has
// their names and open files (socket.go).
//
// Locks, outermost first (S sleeps, P spins; the class is that of locks/order.txt):
//
//	Epoll.sem             S epoll_sem      items of one epoll instance
//	File.posLock          S file_pos_sem   the offset of an open file, across a transfer that moves it
//	SuperBlock.tree       S dir_sem        names: parents, children and links in one file system
//	  nameCache.mu        S dcache_sem     the dentries in use of a file system on a disk
//	  Inode.sem           S i_sem          size and contents of one inode against write and truncate
//	Pipe.mu               S pipe_sem       the bytes of one pipe
//	fileLocks.mu          S flock_sem      the advisory locks of one inode
//	consoleOut.mu         S tty_sem        the writers of one output stream
//	ext2.FS.mu            S ext2_sem       metadata of one disk; after mmap_sem and page locks
//	mm.LockShm            P shm_lock       pages of files in RAM
//	mountLock             P mount_lock     which directory is covered by which file system
//	FDTable.lock          P files_lock     slots of one descriptor table
//	Context.lock          P fs_lock        root, cwd and umask of one file-system context
//	Inode.attrLock        P inode_lock     owner, mode, times, link and reference counts of one inode
//	File.watchLock        P watch_lock     the epoll items of one open file
//	console.lock, eventFD.lock, timerFD.lock
//	                      P pipe_lock      queues, counts and settings
//	  Epoll.lock          P poll_lock      ready list of one epoll instance
//
// mmap_sem is never taken with one of these held. A fault on a mapped file, which
// comes with mmap_sem held, takes shm_lock, or page locks and ext2_sem, only: it does not need Inode.sem,
// because truncation removes pages again that a fault brought in too late.
package fs
