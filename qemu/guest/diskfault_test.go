package guest

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

var diskfault = c("diskfault", "diskfault/*.c")

// badDisk is a disk that QEMU's blkdebug driver makes fail.
type badDisk struct {
	id, serial, image string
	rules             []string
}

// fails adds a rule: requests of a kind ("read", "write") fail that touch a sector.
func (d *badDisk) fails(kind string, sector int64) {
	n := len(d.rules)
	d.rules = append(d.rules, fmt.Sprintf("inject-error.%d.event=none,inject-error.%d.iotype=%s,inject-error.%d.sector=%d", n, n, kind, n, sector))
}

// args are QEMU's arguments for it.
func (d *badDisk) args() string {
	drive := fmt.Sprintf("if=none,id=%s,driver=blkdebug,image.driver=file,image.filename=%s,image.cache.no-flush=on", d.id, d.image)
	for _, r := range d.rules {
		drive += "," + r
	}
	return d.device(drive)
}

// slow are its arguments as a disk without faults that moves so many bytes in a second.
func (d *badDisk) slow(rate int) string {
	group := fmt.Sprintf("-object throttle-group,id=%s-group,x-bps-total=%d ", d.id, rate)
	return group + d.device(fmt.Sprintf("if=none,id=%s,driver=throttle,throttle-group=%s-group,file.driver=file,file.filename=%s,file.cache.no-flush=on",
		d.id, d.id, d.image))
}

// device: QEMU would merge requests for sectors in a row, and fail all for one.
func (d *badDisk) device(drive string) string {
	return fmt.Sprintf("-drive %s -device virtio-blk-pci,drive=%s,serial=%s,disable-legacy=on,request-merging=off", drive, d.id, d.serial)
}

// swapImage is a swap disk of so many slots.
func swapImage(t *testing.T, slots int) string {
	t.Helper()
	name := image(t, int64(slots+1)*4096)
	head := make([]byte, 4096)
	binary.LittleEndian.PutUint32(head[1024:], 1)
	binary.LittleEndian.PutUint32(head[1028:], uint32(slots))
	copy(head[4086:], "SWAPSPACE2")
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err == nil {
		_, err = f.Write(head)
		_ = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// TestSwapErrors swaps to a disk with some slots that cannot be written, and some that
// cannot be read.
func TestSwapErrors(t *testing.T) {
	program := diskfault.build(t)
	for _, m := range twoMachines {
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			const slots = 7000
			d := badDisk{id: "s", serial: "swap", image: swapImage(t, slots)}
			r := rand.New(rand.NewPCG(*faultSeed, uint64(m.cpus)))
			for range 100 {
				d.fails("write", 8*int64(1+r.IntN(slots))+r.Int64N(8))
				d.fails("read", 8*int64(1+r.IntN(slots))+r.Int64N(8))
			}
			got := boot(t, m, []string{"-m", "32M", "-swap", "0", "-qemu", d.args()}, "", program, "swap_errors", "swapoff_with_lost_page")
			checkTAP(t, got)
			t.Log("\n" + got.out)
		})
	}
}

// filesImage is the disk that user/diskfault/files.c wants, and where its bad parts are.
func filesImage(t *testing.T, block int) (name string, unreadable, unwritable []int64) {
	t.Helper()
	name = image(t, 16<<20)
	e2fs(t, "mkfs.ext2", "-q", "-F", "-b", strconv.Itoa(block), name)
	pages := make([]byte, 16*4096)
	for i := range 16 {
		for k := 0; k < 4096; k += 256 {
			binary.LittleEndian.PutUint64(pages[i*4096+k:], 1<<32|uint64(i))
		}
	}
	content, script := filepath.Join(t.TempDir(), "pages"), filepath.Join(t.TempDir(), "script")
	commands := fmt.Sprintf("write %s good\nwrite %s bad\nwrite %s full\nmkdir far\nmkdir dark\n", content, content, content)
	for i := range 60 { // so that the bad inode shares its block with these only
		file := fmt.Sprint("far/f", i)
		if i == 30 {
			file = "far/lost"
		}
		commands += fmt.Sprintf("write %s %s\n", script, file)
	}
	for file, data := range map[string][]byte{content: pages, script: []byte(commands)} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	debugfs := func(args ...string) string {
		out, err := exec.Command(e2fsPath("debugfs"), append(args, name)...).CombinedOutput()
		if err != nil {
			t.Fatalf("debugfs: %v\n%s", err, out)
		}
		return string(out)
	}
	debugfs("-w", "-f", script)
	number := func(pattern, request string) int64 {
		out := debugfs("-R", request)
		m := regexp.MustCompile(pattern).FindStringSubmatch(out)
		if m == nil {
			t.Fatalf("debugfs %s: %s", request, out)
		}
		n, _ := strconv.ParseInt(m[1], 10, 64)
		return n * int64(block/sector)
	}
	page := 5 * 4096 / block
	bad := number(`(?m)^(\d+)$`, fmt.Sprintf("bmap bad %d", page))
	full := number(`(?m)^(\d+)$`, fmt.Sprintf("bmap full %d", page))
	lost := number(`located at block (\d+)`, "imap far/lost")
	dark := number(`(?m)^(\d+)$`, "bmap dark 0")
	return name, []int64{bad, lost, dark}, []int64{full}
}

// TestFileErrors has a disk with a file system of which some sectors cannot be read or written.
func TestFileErrors(t *testing.T) {
	program := diskfault.build(t)
	for block, machines := range map[int][]machine{1024: {{2, false}}, 4096: {{1, true}}} {
		for _, m := range machines {
			t.Run(fmt.Sprint(block, "/", m), func(t *testing.T) {
				t.Parallel()
				name, unreadable, unwritable := filesImage(t, block)
				d := badDisk{id: "d", serial: "disk", image: name}
				for _, s := range unreadable {
					d.fails("read", s)
				}
				for _, s := range unwritable {
					d.fails("write", s)
				}
				checkTAP(t, boot(t, m, []string{"-m", "40M", "-swap", "0", "-qemu", d.args()}, "", program,
					"read_error", "read_error_mapped", "write_mends", "write_error", "write_error_mapped", "write_error_o_sync",
					"unreadable_inode", "unreadable_directory", "nothing_lost"))
				e2fs(t, "e2fsck", "-fn", name)
			})
		}
	}
}

// TestUnmountable boots with disks that cannot be mounted: the kernel goes on without.
func TestUnmountable(t *testing.T) {
	name, _, _ := filesImage(t, 4096)
	unreadable := badDisk{id: "a", serial: "disk", image: name}
	unreadable.fails("read", 2) // the superblock
	groups := badDisk{id: "b", serial: "disk", image: name}
	groups.fails("read", 8) // the groups' descriptors
	for what, d := range map[string]badDisk{"superblock": unreadable, "groups": groups} {
		t.Run(what, func(t *testing.T) {
			log := filepath.Join(t.TempDir(), "log")
			got := boot(t, machine{cpus: 2}, []string{"-qemu", d.args(), "-log", log}, "", busybox.build(t), "sh", "-c", "ls /mnt; ls / >/dev/null && exit 3")
			run{status: 3}.judge(t, got)
			if text, err := os.ReadFile(log); err != nil || !strings.Contains(string(text), "mount vdb: input/output error") {
				t.Errorf("the log does not tell: %v\n%s", err, text)
			}
		})
	}
}

// TestGone takes the disks away while they are in use: QEMU answers every request with an error
// from then on. Or, with a limit, it answers no request any more.
func TestGone(t *testing.T) {
	program := diskfault.build(t)
	for _, m := range twoMachines {
		t.Run("files/"+m.String(), func(t *testing.T) {
			t.Parallel()
			name, _, _ := filesImage(t, 4096)
			d := badDisk{id: "d", serial: "disk", image: name}
			checkTAP(t, d.takenFrom(t, m, []string{"-m", "40M", "-swap", "0"}, d.args(), "drive_del d", program, "gone_files"))
		})
		t.Run("swap/"+m.String(), func(t *testing.T) {
			t.Parallel()
			d := badDisk{id: "s", serial: "swap", image: swapImage(t, 16000)}
			other := badDisk{id: "o", serial: "swap", image: swapImage(t, 8000)}
			got := d.takenFrom(t, m, []string{"-m", "32M", "-swap", "0"}, d.args()+" "+other.args(), "drive_del s", program, "gone_swap")
			checkTAP(t, got)
			t.Log("\n" + got.out)
		})
		t.Run("silent/"+m.String(), func(t *testing.T) {
			t.Parallel()
			name, _, _ := filesImage(t, 4096)
			d := badDisk{id: "d", serial: "disk", image: name}
			// As good as no answer: a byte in a second.
			got := d.takenFrom(t, m, []string{"-m", "40M", "-swap", "0", "-append", "disk_timeout=2"}, d.slow(1<<30),
				`qom-set -j /objects/d-group limits {"bps-total":1}`, program, "gone_files")
			checkTAP(t, got)
		})
	}
}

// takenFrom boots with disks given by args, and says command to QEMU when the program asks for
// its disk to be taken.
func (d *badDisk) takenFrom(t *testing.T, m machine, flags []string, args, command, program string, tests ...string) outcome {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "monitor")
	args += " -chardev socket,id=faults,path=" + socket + ",server=on,wait=off -mon chardev=faults,mode=readline"
	in, answers, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer answers.Close()
	watch := &asked{line: "host: take", answer: func() {
		tell(t, socket, command)
		_, _ = io.WriteString(answers, "done\n")
	}}
	return bootWith(t, m, append(flags, "-qemu", args), in, watch, program, tests...)
}

// asked calls answer when line comes by.
type asked struct {
	line   string
	seen   strings.Builder
	answer func()
}

func (a *asked) Write(p []byte) (int, error) {
	a.seen.Write(p)
	if a.answer != nil && strings.Contains(a.seen.String(), a.line) {
		a.answer()
		a.answer = nil
	}
	return len(p), nil
}

// tell says a command to QEMU's monitor and waits for the prompt after it.
func tell(t *testing.T, socket, command string) {
	t.Helper()
	c, err := net.Dial("unix", socket)
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	prompts, buf, out := 0, make([]byte, 4096), ""
	for prompts < 2 {
		n, err := c.Read(buf)
		if err != nil {
			t.Errorf("QEMU's monitor: %v after %q", err, out)
			return
		}
		out += string(buf[:n])
		if prompts == 0 && strings.Contains(out, "(qemu) ") {
			prompts, out = 1, ""
			_, _ = io.WriteString(c, command+"\n")
		} else if prompts == 1 && strings.HasSuffix(out, "\n(qemu) ") {
			prompts = 2
		}
	}
	if strings.Contains(out, "Error") {
		t.Errorf("QEMU's monitor: %s", out)
	}
}

// TestSlowDisks does what tests of files and swapping do where the disks are slow.
func TestSlowDisks(t *testing.T) {
	program := diskfault.build(t)
	t.Parallel()
	name, _, _ := filesImage(t, 4096)
	d := badDisk{id: "d", serial: "disk", image: name}
	s := badDisk{id: "s", serial: "swap", image: swapImage(t, 16000)}
	checkTAP(t, boot(t, machine{cpus: 2}, []string{"-m", "32M", "-swap", "0", "-append", "disk_timeout=10",
		"-qemu", s.slow(4<<20) + " " + d.slow(256<<10)}, "", program, "slow_disks"))
	e2fs(t, "e2fsck", "-fn", name)
}

// TestReordered does the same while QEMU holds back one write after the other, of either disk, and lets
// those that were submitted later overtake it.
func TestReordered(t *testing.T) {
	program := diskfault.build(t)
	for _, m := range twoMachines {
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			name, _, _ := filesImage(t, 4096)
			d := badDisk{id: "d", serial: "disk", image: name}
			s := badDisk{id: "s", serial: "swap", image: swapImage(t, 16000)}
			socket := filepath.Join(t.TempDir(), "monitor")
			flags := []string{"-m", "32M", "-swap", "0", "-qemu",
				s.args() + " " + d.args() + " -chardev socket,id=faults,path=" + socket + ",server=on,wait=off -mon chardev=faults,mode=readline"}
			stop, asked := make(chan struct{}), make(chan int)
			go func() { asked <- holdBack(socket, []string{"s", "d"}, stop) }()
			got := boot(t, m, flags, "", program, "slow_disks")
			close(stop)
			t.Logf("QEMU was asked %d times to hold a write back", <-asked)
			checkTAP(t, got)
			// The file system has few requests at a time; the swap area has many.
			if n := regexp.MustCompile("# vda: ([0-9]+) overtaken").FindStringSubmatch(got.out); n == nil || n[1] == "0" {
				t.Errorf("%q: want some requests to swap overtaken", n)
			}
			e2fs(t, "e2fsck", "-fn", name)
		})
	}
}

// holdBack has QEMU suspend the next write of one of the disks for some milliseconds, again and again, and
// returns how often.
func holdBack(socket string, disks []string, stop chan struct{}) (times int) {
	var c net.Conn
	for c == nil {
		select {
		case <-stop:
			return 0
		case <-time.After(20 * time.Millisecond):
			c, _ = net.Dial("unix", socket)
		}
	}
	defer c.Close()
	buf := make([]byte, 4096)
	prompt := func() bool {
		out := ""
		_ = c.SetReadDeadline(time.Now().Add(time.Minute))
		for !strings.HasSuffix(out, "(qemu) ") {
			n, err := c.Read(buf)
			if err != nil {
				return false
			}
			out += string(buf[:n])
		}
		return true
	}
	ask := func(disk, command string) bool {
		_, _ = fmt.Fprintf(c, "qemu-io %s \"%s\"\n", disk, command)
		return prompt()
	}
	for ok := prompt(); ok; times++ {
		select {
		case <-stop:
			return times
		default:
		}
		disk := disks[times%len(disks)]
		ok = ask(disk, "break pwritev late")
		time.Sleep(time.Duration(1+times%7) * time.Millisecond)
		ok = ok && ask(disk, "resume late") && ask(disk, "remove_break late")
	}
	return times
}
