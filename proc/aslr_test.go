package proc

import (
	errno "syscall"
	"testing"

	"yolk/arch"
	"yolk/mm"
)

// layoutOf executes /pie and says where its parts are.
func layoutOf(t *testing.T, task *Task) map[string]uint64 {
	t.Helper()
	p, xe := task.prepare(&ExecArgs{Path: "/pie", argv: kernelStrings{"pie"}, envp: kernelStrings{}})
	if xe != nil {
		t.Fatalf("%v: %s", xe.errno, xe.reason)
	}
	defer p.abandon()
	_, _, aux := readStack(t, p)
	p.m.MmapSem.Lock()
	mapped, e := mm.DoMmap(p.m, nil, 0, arch.PageSize, errno.PROT_READ, errno.MAP_PRIVATE|errno.MAP_ANON, 0)
	p.m.MmapSem.Unlock()
	if e != 0 {
		t.Fatalf("mmap: %v", e)
	}
	return map[string]uint64{
		"program": aux[atEntry], "heap": uint64(p.m.StartBrk) - aux[atEntry], "stack": uint64(p.stack.sp),
		"mmap": uint64(mapped), "vdso": aux[atSysinfoEhdr],
	}
}

// TestRandomPlaces: which parts of a program move from exec to exec, for each way
// of asking. Each is tried often enough for two places never to be the same by chance.
func TestRandomPlaces(t *testing.T) {
	for _, c := range []struct {
		name        string
		level       uint64
		personality uint32
		moves       map[string]bool
	}{
		{"full", 2, 0, map[string]bool{"program": true, "heap": true, "stack": true, "mmap": true, "vdso": true}},
		{"no heap", 1, 0, map[string]bool{"program": true, "stack": true, "mmap": true, "vdso": true}},
		{"off", 0, 0, nil},
		{"personality", 2, AddrNoRandomize, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			RandomizeVASpace.Store(c.level)
			defer RandomizeVASpace.Store(MaxRandomizeVASpace)
			task := execTask(t)
			task.SetPersonality(c.personality)
			first := layoutOf(t, task)
			moved := map[string]bool{}
			for range 8 {
				for name, at := range layoutOf(t, task) {
					if at != first[name] {
						moved[name] = true
					}
				}
			}
			for name := range first {
				if moved[name] != c.moves[name] {
					t.Errorf("%s moves: %v", name, moved[name])
				}
			}
		})
	}
}

// TestPlaces checks where randomisation may put things, and that they have room.
func TestPlaces(t *testing.T) {
	task, _ := signalTask(t)
	for _, limit := range []uint64{0, 8 << 20, 1 << 40, mm.Infinity} {
		task.Group.Limits.Set(RlimitStack, Rlimit{Cur: limit, Max: mm.Infinity}, true)
		var orStack, andStack uintptr = 0, ^uintptr(0)
		for range 2000 {
			p := task.newPlaces()
			orStack |= p.stackTop
			andStack &= p.stackTop
			room := uintptr(min(limit, maxStackGap-(16<<30)-mm.StackGuardGap))
			switch {
			case p.stackTop > arch.TaskSize || p.stackTop <= arch.TaskSize-16<<30 || p.stackTop%arch.PageSize != 0:
				t.Fatalf("stack %#x", p.stackTop)
			case p.stackTop-p.mmapBase < room+mm.StackGuardGap || p.mmapBase%arch.PageSize != 0:
				t.Fatalf("limit %#x: mmap area below %#x, stack below %#x", limit, p.mmapBase, p.stackTop)
			case p.stackSkip >= 8192 || p.stackSkip%16 != 0 || p.pieBias >= 1<<40 || p.heapGap >= 1<<30:
				t.Fatalf("%+v", p)
			case p.vdso != 0 && (p.vdso < p.stackTop || p.vdso+2*arch.PageSize > arch.TaskSize || p.vdso-p.stackTop >= 2<<20):
				t.Fatalf("vDSO %#x, stack %#x", p.vdso, p.stackTop)
			}
		}
		// Each of the 22 bits is 0 in some and 1 in others.
		const bits = (1<<stackRandomBits - 1) << arch.PageShift
		if orStack&bits != bits || andStack&bits != 0 {
			t.Errorf("bits of the stack: never set %#x, always %#x", ^orStack&bits, andStack&bits)
		}
	}
}
