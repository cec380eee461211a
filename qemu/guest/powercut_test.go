package guest

import (
	"bytes"
	"crypto/md5"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	faultSeed  = flag.Uint64("seed", 1, "disk faults: what happens, and when")
	faultCuts  = flag.Int("cuts", 25, "disk faults: power cuts to try in each run")
	faultSteps = flag.Int("steps", 250, "disk faults: what the program does before")
)

const (
	cutDisk  = 24 << 20  // the file system
	cutMarks = 8 << 20   // the program's account, behind it
	cutLog   = 512 << 20 // the log's size; it has holes
	cutAll   = cutDisk + cutMarks
)

var powercut = source{"glibc", "powercut", []string{"powercut/powercut.c"}}

// TestPowerCut has a program write files while QEMU logs what reaches the disk, and
// makes of the log the disks that power cuts at many moments would have left. Each must
// be one that e2fsck repairs, with everything there that fsync had promised by then.
func TestPowerCut(t *testing.T) {
	for _, block := range []string{"1024", "4096"} {
		t.Run(block, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			disk, log := image(t, cutAll), filepath.Join(dir, "log")
			e2fs(t, "mkfs.ext2", "-q", "-F", "-b", block, disk, fmt.Sprint(cutDisk>>10)+"k")
			base, err := os.ReadFile(disk)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(log, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(log, cutLog); err != nil {
				t.Fatal(err)
			}
			drive := "-drive if=none,id=d,driver=blklogwrites,file.driver=file,file.filename=" + disk +
				",log.driver=file,log.filename=" + log +
				",file.cache.no-flush=on,log.cache.no-flush=on,log-super-update-interval=1 -device virtio-blk-pci,drive=d,serial=disk,disable-legacy=on"
			got := boot(t, machine{cpus: 2}, []string{"-swap", "0", "-qemu", drive}, "", powercut.build(t),
				fmt.Sprint(*faultSeed), fmt.Sprint(*faultSteps), "/dev/vda", fmt.Sprint(cutDisk))
			run{out: []string{"done\n"}}.judge(t, got)
			e2fs(t, "e2fsck", "-fn", disk)
			entries, err := readWriteLog(log)
			if err != nil {
				t.Fatal(err)
			}
			tryCuts(t, entries, base)
		})
	}
}

// TestPowerKilled ends QEMU in the middle of the writes, and boots with the disk again once
// e2fsck has repaired it.
func TestPowerKilled(t *testing.T) {
	t.Parallel()
	disk := image(t, cutAll)
	e2fs(t, "mkfs.ext2", "-q", "-F", "-b", "1024", disk, fmt.Sprint(cutDisk>>10)+"k")
	r := rand.New(rand.NewPCG(*faultSeed, 3))
	// Its account tells how far it came; the moment is a matter of lines, not of time.
	cmd := exec.Command(filepath.Join(top, "bin", "yolk"), "-accel", "tcg", "-timeout", guestTime.String(), "-swap", "0", "-disk", disk,
		powercut.build(t), fmt.Sprint(*faultSeed), "100000", "/dev/vda", fmt.Sprint(cutDisk))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	go func() { _ = cmd.Wait(); close(over) }()
	for lines, most := 0, 100+r.IntN(400); lines < most; lines = len(accountOf(t, disk)) {
		select {
		case <-over:
			t.Fatal("the guest ended by itself")
		case <-time.After(50 * time.Millisecond):
		}
	}
	_ = cmd.Process.Kill() // and QEMU goes with it
	<-over
	settled(t, disk)
	lines := accountOf(t, disk)
	a := newAccount()
	for _, line := range lines {
		if err := a.take(line); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(disk)
	if err != nil {
		t.Fatal(err)
	}
	files, said := repaired(t, data[:cutDisk])
	if list := a.broken(files); list != nil {
		t.Errorf("seed %d, killed after %d lines:\n%s\n--- e2fsck:\n%s", *faultSeed, len(lines), strings.Join(list, "\n"), said)
	}
	// The guest sees the same files.
	if out, err := exec.Command(e2fsPath("e2fsck"), "-fy", disk).CombinedOutput(); err != nil && exitStatus(err) != 1 {
		t.Errorf("e2fsck: %v\n%s", err, out)
	}
	got := boot(t, machine{cpus: 2}, []string{"-disk", disk}, "", busybox.build(t), "sh", "-c", "find /mnt -type f -exec md5sum '{}' ';'")
	seen := strings.Count(got.out, "\n")
	for name, data := range files {
		if !strings.Contains(got.out, fmt.Sprintf("%x  %s\n", md5.Sum(data), name)) {
			t.Errorf("the guest does not see %.60s as the host does", name)
		}
	}
	if seen != len(files) {
		t.Errorf("the guest sees %d files, the host %d", seen, len(files))
	}
	e2fs(t, "e2fsck", "-fn", disk)
	t.Logf("seed %d: killed after %d lines, %d files, %d of them promised", *faultSeed, len(lines), len(files), a.promises())
}

// settled waits until nobody writes to the disk's image any more: the killed QEMU goes a
// moment after the command.
func settled(t *testing.T, disk string) {
	t.Helper()
	for last := -1; ; {
		n := len(accountOf(t, disk))
		if n == last {
			return
		}
		last = n
		time.Sleep(500 * time.Millisecond)
	}
}

// accountOf reads the lines that a disk's account has so far.
func accountOf(t *testing.T, disk string) (lines []string) {
	t.Helper()
	f, err := os.Open(disk)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	marks := make([]byte, cutMarks)
	if _, err := f.ReadAt(marks, cutDisk); err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(marks) && marks[at] != 0; at += sector {
		line, _, _ := bytes.Cut(marks[at:][:sector], []byte{0})
		lines = append(lines, string(line))
	}
	return lines
}

// tryCuts tries a number of cuts, in the order of their moments.
func tryCuts(t *testing.T, log []logEntry, base []byte) {
	r := rand.New(rand.NewPCG(*faultSeed, 2))
	var moments []int
	for range *faultCuts {
		moments = append(moments, r.IntN(len(log)+1))
	}
	slices.Sort(moments)
	c := &cutter{log: log, durable: base[:cutDisk]}
	a, taken, marks := newAccount(), 0, 0
	for _, n := range moments {
		for ; taken < n; taken++ {
			if e := &log[taken]; e.offset >= cutDisk {
				lines, err := a.takeMarks(e, marks)
				if err != nil {
					t.Fatalf("entry %d: %v", taken, err)
				}
				marks += lines
			}
		}
		disk := c.at(n, r)
		files, said := repaired(t, disk)
		if list := a.broken(files); list != nil {
			t.Errorf("seed %d, cut after %d of %d writes and flushes, %d lines:\n%s\n--- e2fsck:\n%s", *faultSeed, n, len(log), marks, strings.Join(list, "\n"), said)
		}
	}
	t.Logf("seed %d: %d cuts in %d writes and flushes, %d lines at the last, %d promised files", *faultSeed, len(moments), len(log), marks, a.promises())
}

// takeMarks enters the lines of a write to the account that are new, and returns how many.
func (a *account) takeMarks(e *logEntry, known int) (n int, err error) {
	for at := 0; at < len(e.data); at += sector {
		line, _, _ := bytes.Cut(e.data[at:][:sector], []byte{0})
		if int(e.offset-cutDisk)+at < known*sector || len(line) == 0 {
			continue
		}
		if err := a.take(string(line)); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// repaired has e2fsck repair a disk, and returns the files by their paths below /mnt, and
// what e2fsck said.
func repaired(t *testing.T, disk []byte) (files map[string][]byte, said string) {
	t.Helper()
	dir, err := os.MkdirTemp(t.TempDir(), "cut")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "disk")
	if err := os.WriteFile(name, disk, 0o600); err != nil {
		t.Fatal(err)
	}
	// 1: errors have been repaired.
	out, err := exec.Command(e2fsPath("e2fsck"), "-fy", name).CombinedOutput()
	if err != nil && exitStatus(err) != 1 {
		t.Errorf("e2fsck: %v\n%s", err, out)
	}
	return filesOf(t, name, dir), string(out)
}

func exitStatus(err error) int {
	if exit, ok := err.(*exec.ExitError); ok {
		return exit.ExitCode()
	}
	return -1
}

// filesOf reads the files of a file system, with scratch space in dir.
func filesOf(t *testing.T, disk, dir string) map[string][]byte {
	t.Helper()
	tree := filepath.Join(dir, "tree")
	if err := os.Mkdir(tree, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(e2fsPath("debugfs"), "-R", "rdump / "+tree, disk).CombinedOutput(); err != nil {
		t.Fatalf("debugfs: %v\n%s", err, out)
	}
	files := map[string][]byte{}
	err := filepath.WalkDir(tree, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		files["/mnt"+strings.TrimPrefix(path, tree)] = data
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
