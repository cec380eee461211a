//go:build yolk

package uart

import (
	"time"

	"github.com/usbarmory/tamago/soc/intel/uart"

	"yolk/arch"
	"yolk/locks"
)

const (
	irqCOM2 = 3

	// outputWait is the pause between two looks at a transmitter whose host
	// side is full.
	outputWait = time.Millisecond

	// streamPolls is how often fetch looks for the next byte of a stream.
	streamPolls = 100
)

// Console is the program's side of the serial ports: standard input and output
// on COM2, standard error on COM3.
type Console struct {
	Out, Err Output

	wired bool // immutable: there is a COM2; one that is absent reads as 0xff for ever

	lock    locks.SpinLock // driver_lock: guards in
	in      input
	readers locks.WaitQueue
	ready   func() bool // the readers' condition, made once
}

// Output is one way from the program to the host.
type Output struct {
	sem  locks.Mutex // dev_sem: one Write at a time
	port Port
}

// OpenConsole sets the ports up and starts to receive. Start-up only, once.
func OpenConsole() *Console {
	c := new(Console)
	c.lock.Init(locks.DriverLock)
	c.Out.init(uart.UART{Index: 2, Base: 0x2f8, DTR: true, RTS: true})
	c.Err.init(uart.UART{Index: 3, Base: 0x3e8, DTR: true, RTS: true})
	c.ready = func() bool {
		c.lock.Lock()
		defer c.lock.Unlock()
		return c.in.ready()
	}
	if c.wired = c.Out.port.present(); !c.wired {
		c.in.eof = true
		return c
	}
	arch.RouteISA(irqCOM2, arch.AllocVector(c.receive))
	arch.Out8(c.Out.port.hw.Base+uart.IER, ierReceive)
	c.receive() // what came before the interrupt was on raised no edge
	return c
}

func (o *Output) init(hw uart.UART) {
	o.sem.Init(locks.DevSem)
	o.port.hw = hw
	o.port.Init()
}

// Flush sleeps until the host has all output. To be called before the machine
// ends, for the ports' own bytes die with it.
func (c *Console) Flush() {
	for _, o := range [2]*Output{&c.Out, &c.Err} {
		o.sem.Lock()
		for !o.port.idle() {
			locks.Sleep(outputWait, false)
		}
		o.sem.Unlock()
	}
}

// receive is the interrupt handler. It empties the port, for only then does
// the line fall, and rise again with the next byte; if the queue is full
// the port keeps the rest, the host waits, and Read fetches it.
func (c *Console) receive() {
	c.lock.Lock()
	c.fetch()
	ready := c.in.ready()
	c.lock.Unlock()
	if ready {
		c.readers.WakeAll()
	}
}

// fetch moves bytes from the port to the queue. The lock is held. A stream
// comes faster when it is not left to wait for an interrupt per FIFO, so after
// a FIFO of bytes fetch looks for more a little longer.
func (c *Console) fetch() {
	for got, idle := 0, 0; c.wired && !c.in.full(); {
		b, ok := c.Out.port.hw.Rx()
		switch {
		case ok:
			c.in.feed(b)
			got, idle = got+1, 0
		case got < receiveAt || idle == streamPolls:
			return
		default:
			idle++
		}
	}
}

// Read sleeps until there is input, and moves up to len(p) bytes of it into p.
// n is 0 when it returns an event, or when p is empty. The sleep cannot be
// interrupted: Read is for the goroutine that feeds the line discipline.
func (c *Console) Read(p []byte) (n int, ev Event) {
	c.readers.Wait(c.ready)
	c.lock.Lock()
	defer c.lock.Unlock()
	n, ev = c.in.take(p)
	c.fetch()
	return n, ev
}

// Size returns the size of the terminal; tty is false if there is none.
func (c *Console) Size() (rows, cols uint16, tty bool) {
	c.lock.Lock()
	defer c.lock.Unlock()
	return c.in.rows, c.in.cols, c.in.tty
}

// Write sends p, all of it. It sleeps, uninterruptibly so that no output is lost
// to a signal, while the host does not read; no spinlock is held.
func (o *Output) Write(p []byte) {
	o.sem.Lock()
	defer o.sem.Unlock()
	for len(p) > 0 {
		if o.port.emptyWithin(spinPolls) {
			p = p[o.port.burst(p):]
		} else {
			locks.Sleep(outputWait, false)
		}
	}
}
