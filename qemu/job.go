package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path"
	"path/filepath"
	"syscall"

	"golang.org/x/term"

	"yolk/qemu/machine"
	"yolk/qemu/program"
	"yolk/qemu/rootfs"
)

// job is a run that has been checked and prepared: everything that can go wrong
// before QEMU starts has been found by then.
type job struct {
	opts    *options
	term    *terminal // nil: not interactive
	config  machine.Config
	toClose []io.Closer
}

func (j *job) close() {
	for _, c := range j.toClose {
		_ = c.Close()
	}
}

// prepare looks at all that the command line names. On an error nothing is left open.
func prepare(o *options) (_ *job, err error) {
	j := &job{opts: o}
	defer func() {
		if err != nil {
			j.close()
		}
	}()
	root, err := rootfs.Open(o.root)
	if err != nil {
		return nil, usageError("-root: %w", err)
	}
	guest, add, err := placeProgram(o, root)
	if err != nil {
		return nil, err
	}
	j.config = machine.Config{Memory: o.memory, CPUs: o.cpus, Params: o.params, ICount: o.icount,
		GDB: o.gdb, Extra: o.qemu, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	j.openTerminal()
	if err := j.openDisks(); err != nil {
		return nil, err
	}
	if err := j.openLog(); err != nil {
		return nil, err
	}
	if err := j.findMachine(); err != nil {
		return nil, err
	}
	return j, j.buildInitrd(root, guest, add)
}

// placeProgram decides what the program is called in the guest, and which files
// the run adds to the root.
func placeProgram(o *options, root *rootfs.Root) (guest string, add []rootfs.Addition, err error) {
	inGuest := func(p string) bool { return root.Has(p) || o.putsFile(p) }
	switch found, inRoot := root.Find(o.program); {
	case o.program == "" && !root.Builtin():
		guest = "" // the root's own shell
	case o.program == "":
		shell, err := findShell()
		if err != nil {
			return "", nil, err
		}
		add = busybox(shell)
	case inRoot:
		guest = found
		data, err := root.ReadFile(guest)
		if err != nil {
			return "", nil, &program.Error{Status: program.StatusMissing, Reason: err.Error()}
		}
		if err := program.CheckImage(guest, newReaderAt(data), int64(len(data)), inGuest); err != nil {
			return "", nil, err
		}
	default:
		if err := program.Check(o.program, inGuest); err != nil {
			return "", nil, err
		}
		base := filepath.Base(o.program)
		guest = "/bin/" + base
		if base == "busybox" && root.Builtin() {
			add = busybox(o.program)
		} else {
			add = []rootfs.Addition{{Host: o.program, Guest: guest, Exec: true}}
		}
	}
	for _, f := range o.files {
		info, err := os.Stat(f.host)
		if err != nil {
			return "", nil, usageError("-file: %w", err)
		}
		if !info.Mode().IsRegular() {
			return "", nil, usageError("-file: %s is not a regular file (use -root for directories)", f.host)
		}
		add = append(add, rootfs.Addition{Host: f.host, Guest: path.Clean("/" + f.guest)})
	}
	return guest, add, nil
}

// openTerminal makes the run interactive when both ends of the conversation are
// a terminal; a shell asked for without one reads its script from stdin. A person,
// at the terminal or at gdb, has as long as they like unless they say otherwise.
func (j *job) openTerminal() {
	j.term = openTerminal(os.Stdin, os.Stdout)
	if j.opts.timeSet || j.term == nil && !j.opts.gdb {
		j.config.Timeout = j.opts.timeout
	}
	if j.term != nil {
		j.config.Stderr = j.term.lines(os.Stderr)
		j.config.Size = j.term.sizes
	}
}

func (j *job) openLog() error {
	var logs []io.Writer
	if j.opts.log != "" {
		f, err := os.OpenFile(j.opts.log, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
		if err != nil {
			return usageError("-log: %w", err)
		}
		j.toClose = append(j.toClose, f)
		logs = append(logs, f)
	}
	if j.opts.verbose {
		logs = append(logs, j.config.Stderr)
	}
	if len(logs) > 0 {
		j.config.Log = io.MultiWriter(logs...)
	}
	return nil
}

// findMachine looks for QEMU, the kernel's image and an accelerator.
func (j *job) findMachine() error {
	qemu, err := exec.LookPath("qemu-system-x86_64")
	if err != nil {
		return machineError("qemu-system-x86_64 is not installed; on Debian or Ubuntu: apt-get install qemu-system-x86")
	}
	j.config.QEMU = qemu
	if j.config.Kernel, err = findKernel(j.opts.lockdep); err != nil {
		return err
	}
	j.config.Accel = chooseAccel(j.opts, qemu)
	return nil
}

// findKernel finds the image that belongs to this command: bin/yolk boots
// out/yolk.elf beside bin.
func findKernel(lockdep bool) (string, error) {
	name := "yolk.elf"
	if lockdep {
		name = "yolk-lockdep.elf"
	}
	self, err := os.Executable()
	if err == nil {
		self, err = filepath.EvalSymlinks(self)
	}
	if err != nil {
		return "", machineError("finding the kernel: %w", err)
	}
	image := filepath.Join(filepath.Dir(filepath.Dir(self)), "out", name)
	if _, err := os.Stat(image); err != nil {
		return "", machineError("no kernel image: %w (make build makes it)", err)
	}
	return image, nil
}

// kernelRoom is what the kernel takes of the RAM beside the root's archive.
const kernelRoom = 16 << 20

func (j *job) buildInitrd(root *rootfs.Root, guest string, add []rootfs.Addition) error {
	f, err := anonymousFile()
	if err != nil {
		return machineError("making the guest's root: %w", err)
	}
	j.toClose = append(j.toClose, f)
	spec := &rootfs.Job{Env: []string{"PATH=/bin:/sbin:/usr/bin:/usr/sbin", "HOME=/root", "USER=root"}, Dir: "/"}
	if guest != "" {
		spec.Argv = append([]string{guest}, j.opts.args...)
	}
	if j.term != nil {
		spec.TTY, spec.One = true, term.IsTerminal(int(os.Stderr.Fd()))
		size := j.term.size()
		spec.Rows, spec.Cols = size.Rows, size.Cols
		if t := os.Getenv("TERM"); t != "" {
			spec.Env = append(spec.Env, "TERM="+t)
		}
	}
	if err := root.Build(f, spec, add); err != nil {
		return machineError("making the guest's root: %w", err)
	}
	n, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return machineError("making the guest's root: %w", err)
	}
	if n > j.config.Memory-kernelRoom {
		return usageError("the guest's root takes %dM, too much for -m %s", (n+1<<20-1)>>20, formatSize(j.config.Memory))
	}
	j.config.Initrd = f
	return nil
}

// run boots the machine and reports how it went.
func (j *job) run() (int, error) {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer signal.Stop(signals)
	go func() {
		if s, ok := (<-signals).(syscall.Signal); ok {
			cancel(&signalled{s})
		}
	}()
	if j.term != nil {
		j.config.Ready = j.term.raw
		j.config.Stdin = j.term.input(func() { cancel(errQuit) })
		defer j.term.restore()
	}
	res, err := machine.Run(ctx, &j.config)
	if j.term != nil {
		j.term.restore()
	}
	if err != nil {
		return 0, machineError("%w", err)
	}
	return j.report(res, context.Cause(ctx))
}

// signalled is the cause of a run that a signal to this command ended.
type signalled struct{ sig syscall.Signal }

func (s *signalled) Error() string { return s.sig.String() }

// Is says that SIGQUIT asks for stacks, as it does of any Go program: here they are
// the kernel's.
func (s *signalled) Is(err error) bool { return s.sig == syscall.SIGQUIT && err == machine.ErrDump }

var errQuit = errors.New("ended from the terminal")

// report turns the machine's verdict into the exit status, and shows what is
// needed to understand a bad one.
func (j *job) report(res *machine.Result, cause error) (int, error) {
	if j.opts.verbose && res.ToReady > 0 {
		fmt.Fprintf(os.Stderr, "yolk: from QEMU's start to ring 3: %.2fs; in all: %.2fs\n",
			res.ToReady.Seconds(), res.Elapsed.Seconds())
	}
	switch res.Ending {
	case machine.Exited:
		return res.Status, nil
	case machine.Stopped:
		var s *signalled
		if errors.As(cause, &s) {
			return 128 + int(s.sig), nil
		}
		return 0, nil
	case machine.TimedOut:
		j.showLog(res, 1000) // all goroutines
		return 0, &failure{statusTimeout, fmt.Errorf("the run was ended after %v (-timeout)", j.config.Timeout)}
	case machine.Panicked:
		j.showLog(res, 80)
		return 0, machineError("the kernel panicked")
	default:
		j.showLog(res, 80)
		if len(res.QEMUOutput) > 0 {
			fmt.Fprintf(os.Stderr, "--- QEMU said:\n%s", res.QEMUOutput)
		}
		return 0, machineError("QEMU ended, and the guest had not said how")
	}
}

// showLog prints the end of the kernel's log unless it has been seen already.
func (j *job) showLog(res *machine.Result, lines int) {
	if j.opts.verbose {
		return
	}
	if len(res.LogTail) == 0 {
		fmt.Fprintln(os.Stderr, "--- the kernel's log is empty")
		return
	}
	fmt.Fprintf(os.Stderr, "--- the end of the kernel's log:\n%s---\n", lastLines(res.LogTail, lines))
}
