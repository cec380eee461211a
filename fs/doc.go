// Package fs owns everything a file descriptor can name: open files and tables
// of descriptors, directory entries and inodes, the root file system in RAM,
// /proc and /sys, devices, pipes, the console, and the readiness of all of them
// (poll, epoll).
//
// The package moves bytes between objects and kernel buffers only; package
// syscall, which calls it, copies them to and from user memory. No lock of this
// package is therefore ever held across a user fault.
//
// Locks, outermost first (S sleeps, P spins):
//
//	File.posLock         S  the offset of an open file, across a read or write that moves it
//	SuperBlock.tree      S  names: parents, children and links of all dentries of one file system
//	  Inode.sem          S  i_sem: size and contents of one inode against write and truncate
//	Pipe.mu              S  the bytes and the ends of one pipe
//	  Inode.attrLock     P  owner, mode, times, link and reference counts of one inode
//	  FDTable.lock       P  slots of one descriptor table
//	  Context.lock       P  root, cwd and umask of one file-system context
//	  console.lock       P  the terminal's queues and settings
//	  Epoll.lock         P  ready list and items of one epoll instance
//	    PollHead.lock    P  who waits for one object to become ready
//
// mmap_sem is taken outside Inode.sem (a fault reads a file) and never inside it.
package fs
