// Package unixsock owns the sockets of the family AF_UNIX: streams, datagrams and
// ordered packets between tasks of this machine, the names they are found by, and
// the open files and identities that travel in their messages. It knows no other
// family. Package syscall, above, takes user memory apart and copies to and from it.
//
// Where to begin: socket.go (what a socket is), connect.go (how two find each
// other), packet.go (what lies in a receive queue), stream.go and datagram.go (how it
// gets there and out again), rights.go (open files in messages), collect.go (those
// that nobody can receive any more).
//
// A message waits in the queue of the socket that will receive it, and is charged to the
// one that sent it: SO_SNDBUF bounds what one socket has sent and nobody has
// received. What all of them have sent together, the number of sockets, and that of the
// files in flight are bounded too (bounds.go): a user who makes all the sockets there are
// gets ENFILE, ENOBUFS or ETOOMANYREFS, and the kernel keeps its memory.
//
// Locks, outermost first (all sleep; the class is that of locks/order.txt):
//
//	connLock    sock_sem   names, states and peers of all sockets, and the list of them
//	scmLock     scm_sem    which files are in flight, and how many of whose
//	  Socket.mu pipe_sem   receive queue of one socket: packets, or connections to accept
//
// connLock and scmLock are never held together, nor two queues'. State, peer and name change
// under connLock and are read without; so are the end-of-file marks (shut), which whoever sets
// follows by a wake-up. Nothing is copied to or from a program with one of these held.
package unixsock
