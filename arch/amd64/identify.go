package amd64

import "strings"

// Identity is what CPUID says of the CPU (SDM vol. 2A, CPUID), for /proc/cpuinfo
// and AT_HWCAP. All CPUs are alike.
type Identity struct {
	Vendor, Name            string
	Family, Model, Stepping uint32
	Hwcap                   uint32 // leaf 1, EDX
	Flags                   string // names as Linux prints them
}

// The names of feature bits, from bit 0 on; "-" is one without a name.
const (
	flags1D = "fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat pse36 pn clflush - dts acpi mmx fxsr sse sse2 ss ht tm ia64 pbe"
	flags1C = "pni pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid sdbg fma cx16 xtpr pdcm - pcid dca sse4_1 sse4_2 x2apic movbe popcnt " +
		"tsc_deadline_timer aes xsave - avx f16c rdrand hypervisor"
	flags7B = "fsgsbase tsc_adjust sgx bmi1 hle avx2 - smep bmi2 erms invpcid rtm cqm - mpx rdt_a avx512f avx512dq rdseed adx smap avx512ifma - " +
		"clflushopt clwb intel_pt avx512pf avx512er avx512cd sha_ni avx512bw avx512vl"
	flags7C  = "- avx512vbmi umip pku ospke - - - gfni vaes vpclmulqdq - - - - - la57 - - - - - rdpid"
	flagsExt = "- - - - - - - - - - - syscall - - - - - - - - nx - - - - fxsr_opt pdpe1gb rdtscp - lm"
)

// Identify reads CPUID.
func Identify() Identity {
	top, b, c, d := cpuid(0, 0)
	id := Identity{Vendor: text(b, d, c)}
	a, _, c1, d1 := cpuid(1, 0)
	id.Stepping, id.Model, id.Family = a&15, a>>4&15, a>>8&15
	if id.Family == 6 || id.Family == 15 {
		id.Model |= a >> 16 & 15 << 4
	}
	if id.Family == 15 {
		id.Family += a >> 20 & 255
	}
	id.Hwcap = d1
	names := append(bitNames(d1, flags1D), bitNames(c1, flags1C)...)
	if top >= 7 {
		_, b7, c7, _ := cpuid(7, 0)
		names = append(append(names, bitNames(b7, flags7B)...), bitNames(c7, flags7C)...)
	}
	topExt, _, _, _ := cpuid(0x80000000, 0)
	if topExt >= 0x80000001 {
		_, _, _, d := cpuid(0x80000001, 0)
		names = append(names, bitNames(d, flagsExt)...)
	}
	id.Flags = strings.Join(names, " ")
	if topExt >= 0x80000004 {
		for leaf := uint32(0x80000002); leaf <= 0x80000004; leaf++ {
			id.Name += text(cpuid(leaf, 0))
		}
		id.Name = strings.TrimSpace(strings.TrimRight(id.Name, "\x00"))
	}
	return id
}

// text is the string whose bytes stand in registers.
func text(regs ...uint32) string {
	var b []byte
	for _, r := range regs {
		b = append(b, byte(r), byte(r>>8), byte(r>>16), byte(r>>24))
	}
	return string(b)
}

// bitNames returns the names of the bits that are set.
func bitNames(v uint32, names string) (set []string) {
	for i, name := range strings.Fields(names) {
		if v>>i&1 != 0 && name != "-" {
			set = append(set, name)
		}
	}
	return set
}
