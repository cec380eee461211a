package guest

import (
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// e2fsPath finds a program of e2fsprogs, which an ordinary user's PATH may not lead to.
func e2fsPath(name string) string {
	for _, dir := range []string{"", "/usr/sbin/", "/sbin/"} {
		if p, err := exec.LookPath(dir + name); err == nil {
			return p
		}
	}
	return name
}

// e2fs runs a program of e2fsprogs.
func e2fs(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(e2fsPath(name), args...).CombinedOutput(); err != nil {
		t.Errorf("%s: %v (make test installs what the tests need)\n%s", name, err, out)
	}
}

// image makes a file of zeros for a disk.
func image(t *testing.T, size int64) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, size); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestDisk runs the tests of files on a disk, which must be without fault afterwards.
func TestDisk(t *testing.T) {
	program := c("disktest", "disktest/*.c").build(t)
	for block, machines := range map[string][]machine{"1024": everyMachine, "4096": twoMachines} {
		for _, m := range machines {
			t.Run(block+"/"+m.String(), func(t *testing.T) {
				t.Parallel()
				disk := image(t, 80<<20)
				e2fs(t, "mkfs.ext2", "-q", "-F", "-b", block, disk)
				checkTAP(t, boot(t, m, []string{"-m", "40M", "-disk", disk}, "", program))
				e2fs(t, "e2fsck", "-fn", disk)
			})
		}
	}
}

// TestStrangeDisk boots with a disk that has no file system.
func TestStrangeDisk(t *testing.T) {
	t.Parallel()
	disk := image(t, 80<<20)
	noise := make([]byte, 1<<20)
	_, _ = rand.Read(noise)
	if err := os.WriteFile(disk, noise, 0o600); err != nil {
		t.Fatal(err)
	}
	got := boot(t, machine{cpus: 2}, []string{"-disk", disk}, "", busybox.build(t), "sh", "-c", "ls /mnt && exit 3")
	run{status: 3}.judge(t, got)
}
