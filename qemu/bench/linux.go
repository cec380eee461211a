package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"yolk/qemu/machine"
	"yolk/qemu/rootfs"
)

// metaPackage depends on Debian's newest kernel for virtual machines.
const metaPackage = "linux-image-cloud-amd64"

// modules make its virtio-blk; user/bench/linux.c loads them.
var modules = []string{"virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "virtio_blk"}

// linuxParams: no patches for faults of CPUs, as Yolk has none; pages of one size, as
// the rows count pages; the program's arguments follow.
const linuxParams = "console=ttyS0 quiet panic=-1 mitigations=off transparent_hugepage=never --"

// linux is Debian's kernel, fetched and unpacked into dir unless that has been done.
func linux(ctx context.Context, dir string) (*system, error) {
	if err := unpackLinux(ctx, dir); err != nil {
		return nil, fmt.Errorf("the kernel of Debian: %w", err)
	}
	s := &system{name: "linux", params: linuxParams,
		output: func(c *machine.Config) *io.Writer { return &c.Log }}
	var err error
	if s.kernel, err = theOne(dir, "boot", "vmlinuz-*"); err != nil {
		return nil, err
	}
	for _, name := range modules {
		file := name + ".ko"
		host, err := theOne(dir, "lib/modules/*/kernel/drivers/*", file)
		if err != nil {
			return nil, err
		}
		s.files = append(s.files, rootfs.Addition{Host: host, Guest: "/" + file})
	}
	return s, nil
}

func theOne(dir, below, name string) (string, error) {
	found, err := filepath.Glob(filepath.Join(dir, below, name))
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("the kernel of Debian has %d files %s/%s, want one", len(found), below, name)
	}
	return found[0], nil
}

// unpackLinux gets the package; nothing is installed.
func unpackLinux(ctx context.Context, dir string) error {
	stamp := filepath.Join(dir, "unpacked")
	if _, err := os.Stat(stamp); err == nil {
		return nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return errors.New("it is fetched with apt-get, which is not here; -linux=false measures Yolk alone")
	}
	image, err := imagePackage(ctx)
	if err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755)); err != nil {
		return err
	}
	if err := command(ctx, dir, "apt-get", "-q", "download", image); err != nil {
		return err
	}
	deb, err := theOne(dir, ".", "*.deb")
	if err != nil {
		return err
	}
	if err := command(ctx, dir, "dpkg-deb", "-x", deb, "."); err != nil {
		return err
	}
	return errors.Join(os.Remove(deb), os.WriteFile(stamp, []byte(image+"\n"), 0o644))
}

// imagePackage is what metaPackage depends on now. The lists that this is looked up in
// are fetched if there are none.
func imagePackage(ctx context.Context) (string, error) {
	look := func() string {
		out, _ := exec.CommandContext(ctx, "apt-cache", "depends", "--important", metaPackage).Output()
		for line := range strings.Lines(string(out)) {
			if name, ok := strings.CutPrefix(strings.TrimSpace(line), "Depends: "); ok {
				return name
			}
		}
		return ""
	}
	name := look()
	if name == "" && os.Geteuid() == 0 {
		if err := command(ctx, ".", "apt-get", "-q", "update"); err != nil {
			return "", err
		}
		name = look()
	}
	if name == "" {
		return "", fmt.Errorf("apt-cache knows no %s", metaPackage)
	}
	return name, nil
}

func command(ctx context.Context, dir, name string, args ...string) error {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(c.Args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}
