package syscall

import errno "syscall"

// creators are the calls that make objects which outlive them: tasks, files,
// mappings. They fail with ENOMEM when the kernel's heap has no reserve left,
// so that no program can use it up; all others, which it takes to free memory
// again, go on.
var creators = [...]int{
	errno.SYS_CLONE, errno.SYS_FORK, errno.SYS_VFORK, nrClone3, errno.SYS_EXECVE,
	errno.SYS_OPEN, errno.SYS_OPENAT, errno.SYS_CREAT, errno.SYS_MKDIR, errno.SYS_MKDIRAT,
	errno.SYS_MKNOD, errno.SYS_MKNODAT, errno.SYS_LINK, errno.SYS_LINKAT, errno.SYS_SYMLINK, errno.SYS_SYMLINKAT,
	errno.SYS_PIPE, errno.SYS_PIPE2, errno.SYS_SOCKET, errno.SYS_SOCKETPAIR, errno.SYS_EVENTFD, errno.SYS_EVENTFD2,
	errno.SYS_BIND, errno.SYS_CONNECT, errno.SYS_ACCEPT, errno.SYS_ACCEPT4, errno.SYS_SENDMSG, sendmmsgNr,
	errno.SYS_EPOLL_CREATE, errno.SYS_EPOLL_CREATE1, errno.SYS_EPOLL_CTL, errno.SYS_TIMERFD_CREATE, memfdCreateNr,
	errno.SYS_MMAP, errno.SYS_MREMAP, errno.SYS_MPROTECT, errno.SYS_BRK, errno.SYS_MLOCK, errno.SYS_MLOCKALL, sysMlock2Nr,
	errno.SYS_MADVISE, errno.SYS_SHMGET, errno.SYS_SHMAT, errno.SYS_TIMER_CREATE, errno.SYS_RT_SIGQUEUEINFO,
}

// Numbers that the standard library does not name.
const (
	sendmmsgNr    = 307
	memfdCreateNr = 319
)

func init() {
	for _, nr := range creators {
		table[nr].creates = true
	}
}
