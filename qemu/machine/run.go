package machine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// settleTime is what a guest has to power off after it has said how it ends, and
// what the reader of the output has to take the rest after QEMU was killed.
const settleTime = 5 * time.Second

// dumpTime is what the kernel has, when time is up, to say where it stands.
const dumpTime = 2 * time.Second

// ErrDump, as the cause of a cancelled context, lets the kernel say where it stands
// before QEMU is killed.
var ErrDump = errors.New("the kernel's stacks were asked for")

// Run boots the machine and returns when QEMU has ended and all of its output has
// been handed on. The error is for a QEMU that could not be started; every other
// ending is a Result. Cancelling the context kills QEMU.
func Run(ctx context.Context, c *Config) (*Result, error) {
	channels, err := openChannels()
	if err != nil {
		return nil, err
	}
	defer channels.closeNear()
	r := &run{config: c, channels: channels, over: make(chan struct{})}
	if err := r.start(); err != nil {
		return nil, err
	}
	killed := r.await(ctx)
	r.drain(killed)
	return r.result(killed), nil
}

// run is one execution of QEMU.
type run struct {
	config   *Config
	channels *channelSet
	cmd      *exec.Cmd
	began    time.Time
	log      tail // last of the kernel's log
	qemu     tail // last of QEMU's own messages
	control  control
	readers  sync.WaitGroup
	over     chan struct{} // closed when the guest has said how it ends
	overOnce sync.Once
	exited   chan struct{} // closed when QEMU has ended
	elapsed  time.Duration // valid after exited
}

func (r *run) start() error {
	args, inherit := commandLine(r.config, r.channels.far)
	r.cmd = exec.Command(r.config.QEMU, args...)
	r.cmd.ExtraFiles = inherit
	r.cmd.Stdout, r.cmd.Stderr = &r.qemu, &r.qemu
	// A group of its own: Ctrl-C at the terminal is for us to handle. And if we
	// are killed, QEMU goes with us.
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	r.cmd.WaitDelay = settleTime

	r.began = time.Now()
	err := r.cmd.Start()
	r.channels.closeFar()
	if err != nil {
		return fmt.Errorf("starting QEMU: %w", err)
	}
	r.exited = make(chan struct{})
	go func() {
		_ = r.cmd.Wait() // the guest's word counts, not QEMU's status
		r.elapsed = time.Since(r.began)
		close(r.exited)
	}()
	r.connect()
	return nil
}

// connect starts the goroutines that serve the channels.
func (r *run) connect() {
	c, near := r.config, r.channels.near
	r.reader(func() { copyAll(tee(&r.log, c.Log), near[0]) })
	r.reader(func() { copyAll(c.Stdout, near[1]) })
	r.reader(func() { copyAll(c.Stderr, near[2]) })
	r.reader(func() {
		r.control.read(near[3], r.began, r.becomeReady, func() { r.overOnce.Do(func() { close(r.over) }) })
	})
	r.reader(func() { copyAll(nil, near[monitor]) }) // it greets, prompts and echoes
}

// becomeReady starts the feeders when the program is about to run: what reaches
// the guest's serial port before its driver has set the port up is lost. They are
// not waited for, as a read of our stdin can't be called off; once the channel is
// closed they end with their next write.
func (r *run) becomeReady() {
	in := &stdinWriter{w: r.channels.near[1]}
	first := make(chan struct{})
	go feedWindows(in, r.config.Size, first)
	go feedStdin(in, r.config.Stdin, first)
	if r.config.Ready != nil {
		r.config.Ready()
	}
}

func (r *run) reader(f func()) {
	r.readers.Add(1)
	go func() { defer r.readers.Done(); f() }()
}

// await returns when QEMU has ended, having killed it if need be; then it says
// why (Exited stands for "not killed").
func (r *run) await(ctx context.Context) Ending {
	var limit <-chan time.Time
	if r.config.Timeout > 0 {
		t := time.NewTimer(r.config.Timeout)
		defer t.Stop()
		limit = t.C
	}
	why := Exited
	select {
	case <-r.exited:
		return Exited
	case <-r.over:
		// It has said all: the power-off that follows is a formality.
		settle := time.NewTimer(settleTime)
		defer settle.Stop()
		select {
		case <-r.exited:
			return Exited
		case <-settle.C:
		case <-ctx.Done():
			why = Stopped
		}
	case <-limit:
		why = TimedOut
		r.askForDump()
	case <-ctx.Done():
		why = Stopped
		if errors.Is(context.Cause(ctx), ErrDump) {
			r.askForDump()
		}
	}
	_ = r.cmd.Process.Kill()
	<-r.exited
	return why
}

// askForDump sends the guest an NMI, at which the kernel prints all of its
// goroutines on its log, and gives it the time to do so.
func (r *run) askForDump() {
	if _, err := io.WriteString(r.channels.near[monitor], "nmi\n"); err != nil {
		return
	}
	select {
	case <-r.exited:
	case <-time.After(dumpTime):
	}
}

// drain waits for the readers. After a kill it does so for a bounded time only:
// whoever takes the output may have stopped.
func (r *run) drain(killed Ending) {
	done := make(chan struct{})
	go func() { r.readers.Wait(); close(done) }()
	if killed == Exited {
		<-done
		return
	}
	select {
	case <-done:
	case <-time.After(settleTime):
		r.channels.closeNear()
	}
}

func (r *run) result(killed Ending) *Result {
	res := &Result{
		Ending: killed, LogTail: r.log.Bytes(), QEMUOutput: r.qemu.Bytes(), Elapsed: r.elapsed,
	}
	if killed == TimedOut || killed == Stopped {
		return res
	}
	res.ToReady = r.control.toReady
	switch {
	case r.control.panicked: // even if an exit status got out before
		res.Ending = Panicked
	case r.control.exited:
		res.Status = r.control.status
	default:
		res.Ending = Died
	}
	return res
}

// copyAll copies until src ends. When dst fails, the rest is thrown away: the
// guest must not hang because nobody listens.
func copyAll(dst io.Writer, src *os.File) {
	if dst == nil {
		dst = io.Discard
	}
	// Hide src's WriteTo and dst's ReadFrom: they would splice, and hold output
	// back until a pipe is full.
	_, _ = io.Copy(struct{ io.Writer }{dst}, struct{ io.Reader }{src})
	_, _ = io.Copy(io.Discard, struct{ io.Reader }{src})
}

func tee(t *tail, w io.Writer) io.Writer {
	if w == nil {
		return t
	}
	return &teeWriter{tail: t, w: w}
}

// teeWriter keeps writing to the tail when w has failed.
type teeWriter struct {
	tail   *tail
	w      io.Writer
	failed atomic.Bool
}

func (t *teeWriter) Write(p []byte) (int, error) {
	_, _ = t.tail.Write(p)
	if !t.failed.Load() {
		if _, err := t.w.Write(p); err != nil {
			t.failed.Store(true)
		}
	}
	return len(p), nil
}

// feedWindows sends every terminal size; first is closed once the guest knows the
// first one, or at once when there is no terminal.
func feedWindows(in *stdinWriter, sizes <-chan Window, first chan struct{}) {
	started := false
	if sizes == nil {
		close(first)
		return
	}
	for w := range sizes {
		if in.Window(w) != nil {
			break
		}
		if !started {
			started = true
			close(first)
		}
	}
	if !started {
		close(first)
	}
}

// feedStdin sends r until it ends, then the end of file.
func feedStdin(in *stdinWriter, r io.Reader, first <-chan struct{}) {
	<-first
	if r != nil {
		_, err := io.Copy(struct{ io.Writer }{in}, struct{ io.Reader }{r})
		if errors.Is(err, os.ErrClosed) || errors.Is(err, syscall.EPIPE) {
			return
		}
	}
	_ = in.EOF()
}
