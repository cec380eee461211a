//go:build yolk

package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"

	"yolk/arch"
	"yolk/arch/amd64"
	"yolk/drivers/blk"
	"yolk/drivers/power"
	"yolk/drivers/rtc"
	"yolk/drivers/uart"
	"yolk/drivers/virtioblk"
	"yolk/fs"
	"yolk/locks"
	"yolk/mm"
	"yolk/proc"
	"yolk/sched"
	"yolk/syscall"
)

func main() {
	locks.Go("interrupts", amd64.ServeInterrupts)
	locks.Go("monitor", amd64.WakeMonitor)
	uart.Log.Init()
	uart.Control.Init()
	p := parseParams(amd64.CommandLine())
	klog("Yolk on %d CPUs, TSC %d kHz: %s", arch.NumCPU(), amd64.TSCFrequency(), amd64.CommandLine())
	for _, w := range p.unknown {
		klog("unknown parameter %s", w)
	}
	sched.SetCPUs(arch.NumCPU())
	locks.SetReporter(lockReport)
	proc.SetOops(oops)
	proc.SetKick(arch.KickAll)
	proc.SetSyscallHandler(syscall.Dispatch)
	syscall.SetPowerOff(func() { end(0) })
	if p.crash != "" && !armCrash(p.crash) {
		klog("unknown parameter crash=%s", p.crash)
	}
	proc.SetHwcap(uint64(amd64.Identify().Hwcap))

	disks := virtioblk.Probe()
	mm.Init(mm.Config{BigmemFrames: p.bigmem})
	mm.SelectSwapout1999(p.swapout == "1999")
	mm.StartKswapd()
	proc.InitVDSO()
	if p.noRand {
		proc.RandomizeVASpace.Store(0)
	}
	if unix := rtc.Unix(); unix != 0 {
		amd64.SetWallClock(unix)
	}
	status := 125
	if startFiles() {
		addDisks(disks, p.disk)
		debug.FreeOSMemory()
		if p.inject != "" && !locks.Inject(p.inject) {
			klog("inject=%s: no such rule, or no checking build", p.inject)
		}
		if p.profile > 0 {
			amd64.StartProfile(p.profile)
		}
		status = runJob()
		if p.profile > 0 {
			writeProfile(p.profile)
		}
	}
	end(status)
}

// ended is set by the first who ends the machine.
var ended atomic.Bool

// end brings the disks up to date and ends the machine; bin/yolk exits with status.
// Later callers wait for that.
func end(status int) {
	if ended.Swap(true) {
		select {}
	}
	if e := fs.CloseDisks(); e != 0 {
		klog("disks: %v", e)
	}
	if console != nil {
		console.Flush()
	}
	klog("exit %d", status)
	fmt.Fprintf(&uart.Control, "exit %d\n", status)
	power.Off(0)
}

// startFiles makes the root file system from the boot archive, and the console.
func startFiles() bool {
	archive := amd64.Initrd()
	if archive == nil {
		klog("no boot archive: the kernel needs -initrd with a newc cpio")
		return false
	}
	if err := fs.Init(archive); err != nil {
		klog("boot archive: %v", err)
	}
	registerProc()
	startConsole()
	return true
}

// addDisks makes the disks' nodes in /dev, and puts each to the use that its
// serial number names. One that answers nothing for the limit is given up.
func addDisks(disks []*virtioblk.Device, limit time.Duration) {
	mm.StartKupdate(func() { fs.SyncSupers() })
	for i, d := range disks {
		if limit > 0 {
			d.Watch(limit, func() { klog("%s: no answer for %v: given up", d.Name(), limit) })
		}
		fs.AddDisk(i, d)
		syscall.RegisterSwapDevice(fs.BlockNumber(i), d)
		klog("%s: serial %q, %d MiB", d.Name(), d.Serial(), d.Sectors()*blk.SectorSize>>20)
		switch d.Serial() {
		case "swap":
			if e := mm.SwapOn(d, -1); e != 0 {
				klog("swapon %s: %v", d.Name(), e)
			}
		case "disk":
			if e := fs.MountDisk(d, "/mnt"); e != 0 {
				klog("mount %s: %v", d.Name(), e)
			}
		}
	}
}

// klog writes a line to the kernel log.
func klog(format string, args ...any) {
	t := time.Since(start)
	fmt.Fprintf(&uart.Log, "[%5d.%06d] "+format+"\n",
		append([]any{t / time.Second, t % time.Second / time.Microsecond}, args...)...)
}

// start is when the runtime came up.
var start = time.Now()

// fatal ends the machine because the kernel itself failed.
func fatal() {
	os.Stderr.Sync()
	fmt.Fprint(&uart.Control, "panic\n")
	power.Off(1)
}
