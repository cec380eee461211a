package amd64

import (
	"sync/atomic"
)

// System calls of the Go runtime, by their Linux numbers, and the floor's own
// services above them.
const (
	sysRead         = 0
	sysWrite        = 1
	sysClose        = 3
	sysMmap         = 9
	sysMprotect     = 10
	sysMunmap       = 11
	sysSigaction    = 13
	sysSigprocmask  = 14
	sysSigreturn    = 15
	sysYield        = 24
	sysMincore      = 27
	sysMadvise      = 28
	sysNanosleep    = 35
	sysGetpid       = 39
	sysClone        = 56
	sysExit         = 60
	sysFcntl        = 72
	sysSigaltstack  = 131
	sysPrctl        = 157
	sysArchPrctl    = 158
	sysGettid       = 186
	sysFutex        = 202
	sysGetaffinity  = 204
	sysClockGettime = 228
	sysExitGroup    = 231
	sysTgkill       = 234
	sysOpenat       = 257
	sysEpollCtl     = 233
	sysEpollPwait   = 281
	sysEventfd2     = 290
	sysEpollCreate1 = 291
	sysPrlimit64    = 302
	sysGetrandom    = 318

	callEarlyAlloc = 0x1000 + iota
	callHandOver
	callMapMMIO
	callHeapGive
	callHeapTake
	callAllocVector
	callRouteISA
	callWakeIdle
	callMoveTo
)

// Errors go back as two's complement, as on Linux.
const (
	errENOENT    = ^uint64(2 - 1)
	errEINTR     = ^uint64(4 - 1)
	errEBADF     = ^uint64(9 - 1)
	errEAGAIN    = ^uint64(11 - 1)
	errENOMEM    = ^uint64(12 - 1)
	errEINVAL    = ^uint64(22 - 1)
	errENOSYS    = ^uint64(38 - 1)
	errETIMEDOUT = ^uint64(110 - 1)
)

// floorSyscall serves a SYSCALL from ring 0. Registers are in the thread.
func floorSyscall() {
	c := thisCPU()
	lockFloor()
	t := c.thread()
	t.rax = c.syscall(t, t.rax)
	c.leave()
}

func (c *percpu) syscall(t *kthread, nr uint64) uint64 {
	switch nr {
	case sysFutex:
		return c.futex(t, uintptr(t.rdi), t.rsi, uint32(t.rdx), uintptr(t.r10))
	case sysClockGettime:
		return clockGettime(t.rdi, uintptr(t.rsi))
	case sysYield:
		c.resched = 0
		c.yield()
		return 0
	case sysNanosleep:
		ts := (*[2]int64)(ptr(uintptr(t.rdi)))
		c.sleep(ts[0]*1e9 + ts[1])
		return 0
	case sysEpollPwait:
		return c.epollWait(t, uintptr(t.rsi), int64(int32(t.r10)))
	case sysTgkill:
		return c.tgkill(uint32(t.rsi), uint32(t.rdx))
	case sysSigreturn:
		return t.sigreturn()
	case sysRead:
		return readFD(t.rdi, uintptr(t.rsi), uintptr(t.rdx))
	case sysWrite:
		return writeFD(t.rdi, uintptr(t.rsi), uintptr(t.rdx))
	case callMoveTo:
		c.moveTo(t, uint32(t.rdi))
		return 0
	}
	if nr >= callEarlyAlloc {
		return uint64(serve(nr, uintptr(t.rdi), uintptr(t.rsi)))
	}
	return c.rareSyscall(t, nr)
}

// rareSyscall has what the runtime calls while it starts, or seldom.
func (c *percpu) rareSyscall(t *kthread, nr uint64) uint64 {
	switch nr {
	case sysMmap:
		return heapMap(uintptr(t.rdi), uintptr(t.rsi), t.r10)
	case sysMunmap:
		c.heapRelease(uintptr(t.rdi), uintptr(t.rdi+t.rsi))
		return 0
	case sysMadvise:
		if t.rdx == 4 { // MADV_DONTNEED
			c.heapRelease(uintptr(t.rdi), uintptr(t.rdi+t.rsi))
		}
		return 0
	case sysMincore:
		return errENOSYS
	case sysMprotect, sysClose, sysPrctl, sysPrlimit64:
		return 0
	case sysSigaction:
		return sigaction(t.rdi, uintptr(t.rsi), uintptr(t.rdx))
	case sysSigprocmask:
		return t.sigprocmask(t.rdi, uintptr(t.rsi), uintptr(t.rdx))
	case sysSigaltstack:
		return t.sigaltstack(uintptr(t.rdi), uintptr(t.rsi))
	case sysGetpid:
		return 1
	case sysGettid:
		return uint64(t.id)
	case sysClone:
		return clone(t)
	case sysExit:
		c.exitThread(t)
		return 0
	case sysFcntl:
		if t.rsi == 3 { // F_GETFL
			return 0x800 // O_NONBLOCK: only eventfds matter
		}
		return 0
	case sysArchPrctl:
		if t.rdi == 0x1002 { // ARCH_SET_FS
			t.fsbase = t.rsi
			return 0
		}
		return errEINVAL
	case sysGetaffinity:
		*(*uint64)(ptr(uintptr(t.rdx))) = 1<<ncpu - 1
		return 8
	case sysExitGroup:
		unlockFloor()
		runtimeExit(t.rdi)
	case sysOpenat:
		return errENOENT
	case sysEpollCreate1:
		return epollFD
	case sysEventfd2:
		return newEventFD()
	case sysEpollCtl:
		return epollCtl(t.rsi, t.rdx, uintptr(t.r10))
	case sysGetrandom:
		if !present(uintptr(t.rdi), uintptr(t.rsi)) {
			return errENOMEM
		}
		for i := uintptr(0); i < uintptr(t.rsi); i++ {
			*(*byte)(ptr(uintptr(t.rdi) + i)) = byte(hwRandom())
		}
		return t.rsi
	}
	return errENOSYS
}

// serve runs the floor's own services.
func serve(nr uint64, a, b uintptr) uintptr {
	switch nr {
	case callEarlyAlloc:
		return uintptr(earlyAlloc(int(a)))
	case callHandOver:
		return uintptr(handOver())
	case callMapMMIO:
		return mapDevice(uint64(a), uint64(b))
	case callHeapGive:
		giveFrame(ptPFN(uint64(a) << 12))
		return 0
	case callHeapTake:
		if heapFree == 0 {
			return 0
		}
		return uintptr(takeFrame())
	case callAllocVector:
		if nextVector == vecTimer {
			return 0
		}
		nextVector++
		return uintptr(nextVector - 1)
	case callRouteISA:
		routeISA(uint32(a), uint32(b))
	case callWakeIdle:
		if runHead != 0 && atomic.SwapUint32(&unkicked, 0) != 0 {
			wakeAny(thisCPU())
		}
	}
	return 0
}

var nextVector uint32 = vecDevice

// heapMap is mmap: MAP_FIXED pieces lie inside of what was handed out before;
// anything else gets fresh addresses, aligned as the runtime likes its arenas.
func heapMap(addr, length uintptr, flags uint64) uint64 {
	const fixed = 0x10
	if flags&fixed != 0 {
		return uint64(addr)
	}
	const align = 1 << 16
	length = (length + align - 1) &^ (align - 1)
	if length == 0 || heapNext+length > heapEnd {
		return errENOMEM
	}
	heapNext += length
	return uint64(heapNext - length)
}

func clockGettime(clock uint64, ts uintptr) uint64 {
	ns := int64(monotonic())
	if clock == 0 || clock == 5 { // REALTIME, REALTIME_COARSE
		ns += atomic.LoadInt64(&wallAtBoot)
	}
	if !present(ts, 16) {
		return errENOMEM
	}
	*(*[2]int64)(ptr(ts)) = [2]int64{ns / 1e9, ns % 1e9}
	return 0
}

func clone(t *kthread) uint64 {
	n := newThread()
	if n == nil {
		return errEAGAIN
	}
	*n = kthread{id: n.id, fpu: n.fpu, cpu: t.cpu, sigMask: t.sigMask, rflags: t.rflags,
		rbx: t.rbx, rcx: t.rcx, rdx: t.rdx, rsi: t.rsi, rdi: t.rdi, rbp: t.rbp,
		r8: t.r8, r9: t.r9, r10: t.r10, r11: t.r11, r12: t.r12, r13: t.r13, r14: t.r14, r15: t.r15,
		rip: t.rip, rsp: t.rsi, fsbase: t.r8}
	makeRunnable(n)
	return uint64(n.id)
}

func (c *percpu) exitThread(t *kthread) {
	t.state = threadFree
}

// Eventfds and the one epoll instance of the runtime.
const (
	epollFD    = 3
	firstEvent = 4
	maxEvents  = 4
)

type eventFD struct {
	used, watched, ready bool
	count                uint64
	data                 uint64
	events               uint32
}

var events [maxEvents]eventFD

func newEventFD() uint64 {
	for i := range events {
		if !events[i].used {
			events[i].used = true
			return uint64(firstEvent + i)
		}
	}
	return errENOMEM
}

func event(fd uint64) *eventFD {
	if fd < firstEvent || fd >= firstEvent+maxEvents || !events[fd-firstEvent].used {
		return nil
	}
	return &events[fd-firstEvent]
}

// epollCtl handles ADD; the runtime deletes only what it closes.
func epollCtl(op, fd uint64, ev uintptr) uint64 {
	e := event(fd)
	if e == nil {
		return errEBADF
	}
	if op != 1 {
		e.watched = op == 3
		return 0
	}
	e.watched = true
	e.events = load32(ev)
	e.data = load64(ev + 4)
	e.ready = e.count > 0
	return 0
}

func readFD(fd uint64, buf, n uintptr) uint64 {
	e := event(fd)
	if e == nil {
		return errEBADF
	}
	if e.count == 0 {
		return errEAGAIN
	}
	if n < 8 || !present(buf, 8) {
		return errEINVAL
	}
	*(*uint64)(ptr(buf)) = e.count
	e.count, e.ready = 0, false
	return 8
}

func writeFD(fd uint64, buf, n uintptr) uint64 {
	if fd == 1 || fd == 2 {
		for i := uintptr(0); i < n; i++ {
			putc(load8(buf + i))
		}
		return uint64(n)
	}
	e := event(fd)
	if e == nil {
		return errEBADF
	}
	e.signal(load64(buf))
	return 8
}

// signal adds to an eventfd and wakes the thread that waits for events. Each
// increment is an edge: the runtime watches with EPOLLET. It returns that thread.
func (e *eventFD) signal(n uint64) *kthread {
	e.count += n
	if !e.watched {
		return nil
	}
	e.ready = true
	for i := range threads[:topThread] {
		t := &threads[i]
		if t.state == threadSleeping && t.epoll != 0 {
			t.rax = uint64(gather(t.epollBuf))
			makeRunnable(t)
			return t
		}
	}
	return nil
}

// gather writes ready events to buf and returns how many. One watched with
// EPOLLET is not reported again until the next increment.
func gather(buf uintptr) int {
	n := 0
	for i := range events {
		e := &events[i]
		if !e.ready || !e.watched {
			continue
		}
		p := buf + uintptr(n)*12
		store32(p, 1) // EPOLLIN
		store32(p+4, uint32(e.data))
		store32(p+8, uint32(e.data>>32))
		if e.events>>31 != 0 { // EPOLLET
			e.ready = false
		}
		n++
	}
	return n
}

func (c *percpu) epollWait(t *kthread, buf uintptr, timeoutMS int64) uint64 {
	if !present(buf, 12*maxEvents) {
		return errENOMEM
	}
	if n := gather(buf); n > 0 || timeoutMS == 0 {
		return uint64(n)
	}
	t.epoll, t.epollBuf = 1, buf
	if timeoutMS > 0 {
		timeoutMS *= 1e6
	}
	c.sleep(timeoutMS)
	return 0
}

// irqEvent is the eventfd that a device interrupt in ring 0 increments.
var irqEvent uint64

// postEvent tells the interrupt goroutine that irqPending has bits.
func postEvent() {
	if e := event(irqEvent); e != nil {
		if t := e.signal(1); t != nil {
			t.forIRQ = 1 // the runtime wakes a second thread before this one comes to the handlers
		}
	}
}

// futex: the runtime uses private WAIT and WAKE only.
func (c *percpu) futex(t *kthread, addr uintptr, op uint64, val uint32, ts uintptr) uint64 {
	switch op & 127 {
	case 0: // FUTEX_WAIT
		if atomic.LoadUint32((*uint32)(ptr(addr))) != val {
			return errEAGAIN
		}
		ns := int64(-1)
		if ts != 0 {
			v := (*[2]int64)(ptr(ts))
			ns = v[0]*1e9 + v[1]
		}
		c.sleep(ns)
		t.waitAddr = addr
		return 0
	case 1: // FUTEX_WAKE
		n := uint32(0)
		for i := range threads[:topThread] {
			if n == val {
				break
			}
			w := &threads[i]
			if w.state == threadSleeping && w.waitAddr == addr {
				w.rax = 0
				if t.lazy|t.forIRQ != 0 {
					makeRunnableLazily(w)
				} else {
					makeRunnable(w)
				}
				n++
			}
		}
		return uint64(n)
	}
	return errENOSYS
}

// tgkill marks signal sig for thread tid and makes it look.
func (c *percpu) tgkill(tid, sig uint32) uint64 {
	if tid == 0 || tid > maxThreads || sig == 0 || sig > 64 {
		return errEINVAL
	}
	t := thread(tid)
	t.sigPending |= 1 << (sig - 1)
	switch t.state {
	case threadSleeping:
		if t.sigPending&^t.sigMask != 0 {
			t.rax = errEINTR
			makeRunnable(t)
		}
	case threadRunning:
		if t.cpu != c.id {
			sendIPI(&cpus[t.cpu&(MaxCPU-1)], vecResched)
		}
	}
	return 0
}
