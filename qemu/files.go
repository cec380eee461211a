package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"

	"yolk/qemu/machine"
	"yolk/qemu/program"
	"yolk/qemu/rootfs"
	"yolk/qemu/swaparea"
)

// anonymousFile makes a file without a name: it is gone with its last descriptor,
// however this command ends.
func anonymousFile() (*os.File, error) {
	fd, err := unix.Open(os.TempDir(), unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err == nil {
		return os.NewFile(uintptr(fd), "anonymous"), nil
	}
	// Not every file system can: make one and take its name away.
	f, err := os.CreateTemp("", "yolk-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

func (j *job) openDisks() error {
	if err := j.openSwap(); err != nil {
		return usageError("-swap: %w", err)
	}
	if j.opts.disk == "" {
		return nil
	}
	f, _, err := openImage(j.opts.disk)
	if err != nil {
		return usageError("-disk: %w", err)
	}
	j.addDisk(f, "disk")
	return nil
}

func (j *job) addDisk(f *os.File, serial string) {
	j.toClose = append(j.toClose, f)
	j.config.Disks = append(j.config.Disks, machine.Disk{File: f, Serial: serial})
}

// openImage opens a disk image of the user's for reading and writing.
func openImage(name string) (*os.File, int64, error) {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() && info.Mode()&os.ModeType != os.ModeDevice {
		err = fmt.Errorf("%s: neither a regular file nor a block device", name)
	}
	var size int64
	if err == nil {
		size, err = f.Seek(0, io.SeekEnd) // of a device, too
	}
	if err != nil {
		_ = f.Close()
		return nil, 0, err
	}
	return f, size, nil
}

func (j *job) openSwap() error {
	switch {
	case j.opts.swapFile != "":
		return j.openSwapFile(j.opts.swapFile)
	case j.opts.swapSize == 0:
		return nil
	}
	f, err := anonymousFile()
	if err != nil {
		return err
	}
	j.addDisk(f, "swap")
	if err := swaparea.Format(f, j.opts.swapSize, "yolk"); err != nil {
		return err
	}
	return f.Truncate(j.opts.swapSize)
}

func (j *job) openSwapFile(name string) error {
	f, size, err := openImage(name)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			err = fmt.Errorf("%w (make it with: truncate -s 128M %s)", err, name)
		}
		return err
	}
	j.addDisk(f, "swap")
	state, err := swaparea.Inspect(f, size)
	if err == nil && state == swaparea.Blank {
		err = swaparea.Format(f, size, "yolk")
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// findShell finds the host's static busybox, the shell of the built-in root.
func findShell() (string, error) {
	for _, p := range []string{"/bin/busybox", "/usr/bin/busybox", "busybox"} {
		if found, err := exec.LookPath(p); err == nil && program.Check(found, func(string) bool { return false }) == nil {
			return found, nil
		}
	}
	return "", machineError("the shell is the host's static busybox, which is not installed; on Debian or Ubuntu: apt-get install busybox-static")
}

// applets are the commands of busybox that get a name of their own in /bin.
var applets = []string{"ash", "awk", "basename", "cat", "chmod", "clear", "cmp", "cp", "cut", "date", "dd", "df",
	"dirname", "du", "echo", "env", "expr", "false", "find", "free", "grep", "head", "hexdump", "id", "kill",
	"ln", "ls", "md5sum", "mkdir", "mknod", "mktemp", "more", "mount", "mv", "nice", "nproc", "od", "pidof",
	"printf", "ps", "pwd", "readlink", "rm", "rmdir", "sed", "seq", "sh", "sleep", "sort", "stat", "stty", "swapoff",
	"swapon", "sync", "tail", "tee", "test", "time", "timeout", "top", "touch", "tr", "true", "tty", "uname",
	"uniq", "uptime", "vi", "wc", "which", "xargs", "yes"}

// busybox puts the binary into /bin, with links for its applets.
func busybox(host string) []rootfs.Addition {
	add := []rootfs.Addition{{Host: host, Guest: "/bin/busybox", Exec: true}}
	for _, a := range applets {
		add = append(add, rootfs.Addition{Guest: "/bin/" + a, Link: "busybox"})
	}
	return add
}

func newReaderAt(b []byte) io.ReaderAt { return bytes.NewReader(b) }

// lastLines is the last n lines of b, ending in a newline.
func lastLines(b []byte, n int) []byte {
	b = bytes.TrimRight(b, "\r\n")
	at := len(b)
	for ; n > 0 && at >= 0; n-- {
		at = bytes.LastIndexByte(b[:at], '\n')
	}
	return append(b[at+1:len(b):len(b)], '\n')
}
