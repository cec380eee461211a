package amd64

// The MADT lists CPUs and I/O APICs (ACPI 6.5, 5.2.12).

var (
	apicIDs [MaxCPU]uint32
	nAPIC   uint32
	isaPin  = [16]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
)

func load8(a uintptr) uint8   { return *(*uint8)(ptr(a)) }
func load32(a uintptr) uint32 { return *(*uint32)(ptr(a)) }
func load64(a uintptr) uint64 { return uint64(load32(a)) | uint64(load32(a+4))<<32 }

// parseMADT fills apicIDs, isaPin and ioapic. With no table there is one CPU.
func parseMADT() {
	bsp := bspAPICID()
	apicIDs[0], nAPIC = bsp, 1
	madt := findTable(0x43495041) // "APIC"
	if madt == 0 {
		return
	}
	end := madt + uintptr(load32(madt+4))
	for p := madt + 44; p+2 <= end; p += uintptr(load8(p + 1)) {
		if load8(p+1) < 2 {
			return
		}
		switch load8(p) {
		case 0: // processor local APIC
			id := uint32(load8(p + 3))
			if load32(p+4)&1 != 0 && id != bsp && nAPIC < MaxCPU {
				apicIDs[nAPIC] = id
				nAPIC++
			}
		case 1: // I/O APIC
			if ioapic == 0 {
				ioapic = mapDevice(uint64(load32(p+4)), 4096)
			}
		case 2: // interrupt source override
			isaPin[load8(p+3)&15] = load8(p + 4)
		}
	}
}

func bspAPICID() uint32 {
	_, b, _, _ := cpuid(1, 0)
	return b >> 24
}

// findTable returns the address of the ACPI table with this signature, 0 if
// there is none or it lies outside of the direct map.
func findTable(sig uint32) uintptr {
	if rsdp == 0 {
		return 0
	}
	r := direct(rsdp)
	root, width := uint64(load32(r+16)), uintptr(4)
	if load8(r+15) >= 2 && load64(r+24) != 0 {
		root, width = load64(r+24), 8
	}
	if !isMapped(root) {
		return 0
	}
	table := direct(root)
	n := (uintptr(load32(table+4)) - 36) / width
	for i := uintptr(0); i < n; i++ {
		p := uint64(load32(table + 36 + i*width))
		if width == 8 {
			p = load64(table + 36 + i*width)
		}
		if isMapped(p) && load32(direct(p)) == sig {
			return direct(p)
		}
	}
	return 0
}

func isMapped(p uint64) bool {
	for i := 0; i < nmapped; i++ {
		if p >= mapped[i][0] && p < mapped[i][1] {
			return true
		}
	}
	return false
}
