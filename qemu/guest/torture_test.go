package guest

import (
	"slices"
	"strings"
	"testing"
)

var torture = source{"glibc", "torture", []string{"torture/*.c", "c/mkswap.c", "c/sums.c"}}

// TestTorture is make torture for a few seconds: a mix of everything, at random,
// under memory pressure, with files on a disk and two swap areas. The seed is in the
// output. The disk must be without fault afterwards.
func TestTorture(t *testing.T) {
	for _, m := range []machine{{1, false}, {2, true}, {4, false}, {4, true}} {
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			disk, more := image(t, 80<<20), image(t, 80<<20)
			e2fs(t, "mkfs.ext2", "-q", "-F", disk)
			area := "-drive if=none,id=more,format=raw,file=" + more + " -device virtio-blk-pci,drive=more,disable-legacy=on"
			got := boot(t, m, []string{"-m", "32M", "-swap", "64M", "-disk", disk, "-qemu", area}, "",
				torture.build(t), "-seconds", "10", "-pages", "2000")
			run{out: []string{"seed ", "ok\n"}}.judge(t, got)
			t.Log("\n" + got.out)
			if strings.Contains(got.out, "pswpout 0 ") {
				t.Error("nothing was swapped")
			}
			e2fs(t, "e2fsck", "-fn", disk)
		})
	}
}

// TestForms runs the torture where memory has a high zone, whose pages are
// bounced, and with the swapout method of 1999.
func TestForms(t *testing.T) {
	for name, flags := range map[string][]string{
		"bigmem": {"-m", "36M", "-append", "bigmem=12M"},
		"1999":   {"-m", "32M", "-append", "swapout=1999"},
	} {
		for _, m := range twoMachines {
			t.Run(name+"/"+m.String(), func(t *testing.T) {
				t.Parallel()
				disk := image(t, 80<<20)
				e2fs(t, "mkfs.ext2", "-q", "-F", disk)
				got := boot(t, m, slices.Concat(flags, []string{"-swap", "64M", "-disk", disk}), "", torture.build(t), "-seconds", "8", "-pages", "4000")
				e2fs(t, "e2fsck", "-fn", disk)
				run{out: []string{"ok\n"}}.judge(t, got)
				if name == "bigmem" && (strings.Contains(got.out, "bigmem_swapout 0 ") || strings.Contains(got.out, "bigmem_replace 0 ")) {
					t.Error("no page was bounced")
				}
				t.Log("\n" + got.out)
			})
		}
	}
}
