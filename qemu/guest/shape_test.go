package guest

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// Files of /proc, /dev and /sys that programs parse must have the shape that they have
// on Linux: user/shape/shape.sh prints them here and in a guest. What a line may look
// like is said below, and the host's own lines must be such as well.

// shape is what the lines of a file look like.
type shape struct {
	line    []string // each line matches all of these
	same    bool     // the text is the host's
	header  bool     // the first line is the host's; the others match line
	keys    bool     // what stands before a colon is what it is on the host, in that order
	without string   // keys that the guest lacks: Linux as it may be configured lacks them too
	more    string   // keys of the guest alone
	empty   bool     // there may be no line (but the header) on either side
	absent  bool     // a host may lack the file
}

const (
	number  = `^\d+$`
	mapLine = `^[0-9a-f]{8,}-[0-9a-f]{8,} [r-][w-][x-][ps] [0-9a-f]{8,} [0-9a-f]{2,}:[0-9a-f]{2,} \d+ `
	// A name begins in column 73, or right behind a line that is longer.
	mapName   = `^.{72} [^ ].*$|^[^ ]+ .... [^ ]+ [^ ]+ \d+ (/.*)?$`
	sizeLine  = `^(.{15} |Private_Hugetlb:)[ \d]{7}\d kB$`
	mountLine = `^\S+ \S+ \S+ r[ow]\S* 0 0$`
	statLine  = `^\d+ \(.{1,15}\) [RSDTtZ]( -?\d+){49}$`
	cpuList   = `^\d+(-\d+)?(,\d+(-\d+)?)*$`
)

var shapes = map[string]shape{
	"/proc/meminfo": {line: []string{`^[A-Z]\w+(\(\w+\))?: `, `^.{15} [ \d]{7}\d+ kB$|^HugePages_\w+: +\d+$`}, keys: true,
		without: "Zswap Zswapped HardwareCorrupted AnonHugePages ShmemHugePages ShmemPmdMapped FileHugePages FilePmdMapped CmaTotal CmaFree " +
			"Unaccepted Balloon HugePages_Total HugePages_Free HugePages_Rsvd HugePages_Surp Hugepagesize Hugetlb " +
			"DirectMap4k DirectMap2M DirectMap1G",
		more: "HighTotal HighFree LowTotal LowFree KernelHeap"},
	"/proc/mounts":         {line: []string{mountLine}},
	"/proc/self/mounts":    {line: []string{mountLine}},
	"/proc/self/mountinfo": {line: []string{`^\d+ \d+ \d+:\d+ \S+ \S+ r[ow]\S*( \S+:\d+)* - \S+ \S+ r[ow]\S*$`}},
	"/proc/filesystems":    {line: []string{`^(nodev)?\t\S+$`}},
	"/proc/swaps":          {line: []string{`^\S.{38} (partition|file\t)\t(\d{1,7}\t|\d{8,})\t(\d{1,7}\t|\d{8,})\t-?\d+$`}, header: true, empty: true},
	"/proc/sysvipc/shm": {line: []string{`^[ -]*\d+ +\d+ +\d{3,4} [ \d]{20}\d [ \d]{4}\d [ \d]{4}\d  [ \d]{4}\d( [ \d]{4}\d){4}( [ \d]{9}\d){3}( [ \d]{20}\d){2}$`},
		header: true, empty: true},
	"/proc/self/maps": {line: []string{mapLine, mapName}},
	"/proc/self/smaps": {line: []string{mapLine + `|` + sizeLine + `|^THPeligible:    [ \d]{7}\d$|^VmFlags: ([a-z]{2} )+$`}, keys: true,
		without: "ProtectionKey"},
	"/proc/self/smaps_rollup": {line: []string{mapLine + `+\[rollup\]$|` + sizeLine}, keys: true},
	"/proc/self/status": {line: []string{`^Name:\t.{1,15}$|^Umask:\t0[0-7]{3}$|^State:\t[RSDTtZ] \([a-z ]+\)$` +
		`|^(Tgid|Ngid|Pid|PPid|TracerPid|FDSize|NStgid|NSpid|NSpgid|NSsid|Kthread|CoreDumping|THP_enabled|Threads|NoNewPrivs|Seccomp|Seccomp_filters|(non)?voluntary_ctxt_switches):\t\d+$` +
		`|^[UG]id:(\t\d+){4}$|^Groups:\t(\d+( \d+)*)? $|^(Vm|Rss|Huge)\w+:\t[ \d]{7}\d kB$|^untag_mask:\t0x[0-9a-f]+$` +
		`|^SigQ:\t\d+/\d+$|^(Sig|Shd)(Pnd|Blk|Ign|Cgt):\t[0-9a-f]{16}$|^Cap(Inh|Prm|Eff|Bnd|Amb):\t[0-9a-f]{16}$|^Speculat\w+:\t[a-z -]+$` +
		`|^(Cpus|Mems)_allowed:\t([0-9a-f]{8},)*[0-9a-f]{1,8}$|^(Cpus|Mems)_allowed_list:\t` + cpuList[1:]}, keys: true,
		without: "HugetlbPages x86_Thread_features x86_Thread_features_locked"},
	"/proc/self/stat":                  {line: []string{statLine}},
	"/proc/PID/stat":                   {line: []string{statLine}},
	"/proc/self/statm":                 {line: []string{`^\d+( \d+){6}$`}},
	"/proc/self/limits":                {line: []string{`^Max [a-z -]{20}  (\d+|unlimited) +(\d+|unlimited) +[a-z]* +$`, `^.{25} .{20} .{20} ([a-z]+ +)?$`}, header: true},
	"/proc/self/oom_score":             {line: []string{number}},
	"/proc/self/oom_score_adj":         {line: []string{`^-?\d+$`}},
	"/proc/PID/oom_score_adj":          {line: []string{`^-?\d+$`}},
	"/proc/self/coredump_filter":       {line: []string{`^[0-9a-f]{8}$`}},
	"/proc/self/comm":                  {same: true},
	"/proc/sys/kernel/pid_max":         {line: []string{number}},
	"/proc/sys/kernel/shmmax":          {line: []string{number}},
	"/proc/sys/kernel/shmall":          {line: []string{number}},
	"/proc/sys/kernel/shmmni":          {line: []string{number}},
	"/proc/sys/kernel/shm_next_id":     {same: true},
	"/proc/sys/kernel/core_pattern":    {line: []string{`^.+$`}},
	"/proc/sys/kernel/tainted":         {line: []string{number}},
	"/proc/sys/vm/max_map_count":       {line: []string{number}},
	"/proc/sys/vm/min_free_kbytes":     {line: []string{number}},
	"/proc/sys/vm/nr_hugepages":        {line: []string{number}},
	"/proc/loadavg":                    {line: []string{`^\d+\.\d\d \d+\.\d\d \d+\.\d\d \d+/\d+ \d+$`}},
	"/proc/uptime":                     {line: []string{`^\d+\.\d\d \d+\.\d\d$`}},
	"/proc/version":                    {line: []string{`^Linux version \d+\.\d+\S* `}},
	"/proc/stat":                       {line: []string{`^cpu(\d+| )( \d+){10}$|^(intr|softirq)( \d+)+$|^(ctxt|btime|processes|procs_running|procs_blocked) \d+$`}},
	"/sys/devices/system/cpu/online":   {line: []string{cpuList}},
	"/sys/devices/system/cpu/possible": {line: []string{cpuList}},
	"/sys/devices/system/cpu/present":  {line: []string{cpuList}},
	"/sys/block/vda/dev":               {line: []string{`^\d+:\d+$`}, absent: true},
	"/sys/block/vda/size":              {line: []string{number}, absent: true},
	"/sys/block/vda/ro":                {line: []string{number}, absent: true},
	"/sys/block/vda/removable":         {line: []string{number}, absent: true},
	"/sys/block/vda/uevent":            {line: []string{`^[A-Z]+=\S+$`}, absent: true},
	"/sys/dev/block/254:0/uevent":      {line: []string{`^[A-Z]+=\S+$`}, absent: true},
	"read /proc/self/pagemap":          {same: true},
	"read /proc/kpageflags":            {same: true},
	"read /dev/zero":                   {same: true},
	"read /dev/null":                   {same: true},
	"read drop_caches":                 {same: true},
	"read compact_memory":              {same: true},
	"link /proc/mounts":                {same: true},
	"link /proc/self/exe":              {line: []string{`^/`}},
	"link /proc/self/cwd":              {line: []string{`^/`}},
	"link /proc/self/root":             {same: true},
}

// TestShapes compares all that the script prints.
func TestShapes(t *testing.T) {
	t.Parallel()
	const script = top + "/user/shape/shape.sh"
	program := busybox.build(t)
	host := execute(t, "", time.Minute, program, "sh", script)
	guest := boot(t, machine{cpus: 2}, []string{"-file", script}, "", program, "sh", "/shape.sh")
	if host.status != 0 || guest.status != 0 {
		t.Fatalf("status %d; on the host it is %d\n%s", guest.status, host.status, guest.errOut)
	}
	there, here := sections(host.out), sections(guest.out)
	if len(here) != len(there) || len(here) < len(shapes) {
		t.Errorf("%d files; on the host %d", len(here), len(there))
	}
	for name, want := range there {
		s, known := shapes[name]
		if !known && strings.HasPrefix(name, "kind of ") {
			s, known = shape{same: true}, true
		}
		if !known {
			t.Errorf("%s: not in the table", name)
			continue
		}
		for _, problem := range s.compare(here[name], want) {
			t.Errorf("%s: %s", name, problem)
		}
	}
}

// sections takes the script's output apart, into the lines of each file.
func sections(text string) map[string][]string {
	found := map[string][]string{}
	for _, s := range strings.Split("\n"+text, "\n==> ")[1:] {
		name, body, _ := strings.Cut(strings.TrimSuffix(s, "\n"), "\n")
		found[name] = nil
		if body != "" {
			found[name] = strings.Split(body, "\n")
		}
	}
	return found
}

// compare says what is wrong with the lines of a guest, or with those of the host: then it
// is the table that is wrong.
func (s shape) compare(got, want []string) (problems []string) {
	complain := func(format string, text ...string) {
		problems = append(problems, strings.TrimSpace(format+" "+strings.Join(text, " ")))
	}
	if s.same {
		if !slices.Equal(got, want) {
			complain("it is", strings.Join(got, "\n")+", and on the host", strings.Join(want, "\n"))
		}
		return problems
	}
	for who, lines := range map[string][]string{"guest": got, "host": want} {
		if len(lines) == 0 && !(s.absent && who == "host") {
			complain("no line in the " + who + "'s")
		}
		if s.header && len(lines) > 0 {
			if lines[0] != want[0] {
				complain("the header is", lines[0])
			}
			lines = lines[1:]
		}
		if len(lines) == 0 && !s.empty && !s.absent {
			complain("there is nothing in the " + who + "'s")
		}
		for _, l := range lines {
			for _, pattern := range s.line {
				if !regexp.MustCompile(pattern).MatchString(l) {
					complain("a line of the "+who+"'s is of another shape:", l)
				}
			}
		}
	}
	if s.keys {
		without, more := strings.Fields(s.without), strings.Fields(s.more)
		g := slices.DeleteFunc(keysOf(got), func(k string) bool { return slices.Contains(more, k) })
		w := slices.DeleteFunc(keysOf(want), func(k string) bool { return slices.Contains(without, k) })
		if !slices.Equal(g, w) {
			complain("the keys are", strings.Join(g, " ")+"\nand on the host", strings.Join(w, " "))
		}
	}
	return problems
}

// keysOf returns what stands before the first colon of each line, once.
func keysOf(lines []string) (keys []string) {
	for _, l := range lines {
		k, _, ok := strings.Cut(l, ":")
		if ok && !strings.Contains(k, " ") && !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	return keys
}

// TestShapesThatDiffer: each way in which a guest's file can go wrong is seen.
func TestShapesThatDiffer(t *testing.T) {
	s := shapes["/proc/self/smaps"]
	good := []string{"00400000-00401000 r--p 00000000 00:07 16                                 /bin/busybox",
		"Size:                  4 kB", "Rss:                   4 kB", "VmFlags: rd mr mw me "}
	if p := s.compare(good, good); p != nil {
		t.Errorf("the same lines: %q", p)
	}
	for name, bad := range map[string][]string{
		"no line":           nil,
		"a key less":        {good[0], good[1], good[3]},
		"another order":     {good[0], good[2], good[1], good[3]},
		"another key":       {good[0], good[1], good[2], "Pss:                   4 kB", good[3]},
		"a narrower column": {good[0], good[1], "Rss:          4 kB", good[3]},
		"another unit":      {good[0], good[1], "Rss:                   4 B", good[3]},
		"a space less":      {good[0], good[1], good[2], strings.TrimSpace(good[3])},
		"a name elsewhere":  {strings.Replace(good[0], " /", "/", 1), good[1], good[2], good[3]},
	} {
		m := s
		m.line = append(slices.Clone(s.line), mapName+`|kB$|^VmFlags`)
		if p := m.compare(bad, good); p == nil {
			t.Errorf("%s: not seen", name)
		}
	}
	if p := (shape{same: true}).compare([]string{"1"}, []string{"2"}); p == nil {
		t.Error("another text: not seen")
	}
	if p := shapes["/proc/swaps"].compare([]string{"Filename Type"}, []string{"Filename"}); p == nil {
		t.Error("another header: not seen")
	}
}
