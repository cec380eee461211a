package fs

import (
	"fmt"
	"io"

	"yolk/arch"
	"yolk/drivers/blk"
)

// registerDisk makes the files of /sys about a disk, by its name and by its number.
func registerDisk(dev blk.Device, major, minor uint32) {
	readOnly := 0
	if dev.ReadOnly() {
		readOnly = 1
	}
	for name, text := range map[string]string{
		"dev":       fmt.Sprintf("%d:%d", major, minor),
		"size":      fmt.Sprint(dev.Sectors()),
		"ro":        fmt.Sprint(readOnly),
		"removable": "0",
		"uevent":    fmt.Sprintf("MAJOR=%d\nMINOR=%d\nDEVNAME=%s\nDEVTYPE=disk", major, minor, dev.Name()),
	} {
		for _, dir := range []string{"block/" + dev.Name(), fmt.Sprintf("dev/block/%d:%d", major, minor)} {
			RegisterSys(dir+"/"+name, func(w io.Writer) { fmt.Fprintln(w, text) })
		}
	}
}

// registerOvertaken makes the file of /sys, unknown on Linux, that says how many of a
// disk's requests have ended after one that was submitted later.
func registerOvertaken(dev blk.Device) {
	if d, ok := dev.(interface{ Overtaken() uint64 }); ok {
		RegisterSys("block/"+dev.Name()+"/overtaken", func(w io.Writer) { fmt.Fprintln(w, d.Overtaken()) })
	}
}

// registerCPUs makes the files of /sys that tell which CPUs there are.
func registerCPUs() {
	list := func(w io.Writer) {
		if n := arch.NumCPU(); n > 1 {
			fmt.Fprintf(w, "0-%d\n", n-1)
		} else {
			fmt.Fprintln(w, "0")
		}
	}
	for _, name := range []string{"online", "possible", "present"} {
		RegisterSys("devices/system/cpu/"+name, list)
	}
	RegisterSys("devices/system/cpu/offline", func(w io.Writer) { fmt.Fprintln(w) })
	for cpu := range arch.NumCPU() {
		RegisterSys(fmt.Sprintf("devices/system/cpu/cpu%d/online", cpu), func(w io.Writer) { fmt.Fprintln(w, 1) })
	}
}

// registerKSM makes the files of /sys about the merging of equal pages. madvise takes the
// pages that a program offers, and nobody merges them, as on Linux while run is 0; here it stays that.
func registerKSM() {
	for _, name := range []string{"run", "pages_shared", "pages_sharing", "pages_unshared", "pages_volatile", "full_scans"} {
		RegisterSys("kernel/mm/ksm/"+name, func(w io.Writer) { fmt.Fprintln(w, 0) })
	}
}
