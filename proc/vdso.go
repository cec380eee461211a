package proc

import (
	errno "syscall"

	"yolk/arch"
	"yolk/arch/vdso"
	"yolk/mm"
)

// vvar and vdsoImage are what every program has mapped: the clock, and above it
// the image, which finds the clock there. Nil until InitVDSO.
var vvar, vdsoImage *mm.SpecialMapping

// InitVDSO makes the vDSO, before the first program and after mm. Without memory
// programs do without, and make system calls.
func InitVDSO() {
	data, image := mm.NewSpecialMapping("[vvar]", false), mm.NewSpecialMapping("[vdso]", true)
	if data == nil || image == nil {
		return
	}
	copy(image.Bytes(), vdso.Image())
	arch.ShareClock((*vdso.Clock)(arch.FramePointer(data.PFN())))
	vvar, vdsoImage = data, image
}

// mapVDSO maps both pages into m and returns where the image is, 0 if there is
// none. ENOMEM. No lock at entry; sleeps.
func mapVDSO(m *mm.MM, hint uintptr) (uint64, errno.Errno) {
	if vdsoImage == nil {
		return 0, 0
	}
	m.MmapSem.Lock()
	defer m.MmapSem.Unlock()
	at, e := mm.InstallSpecialMappings(m, hint, vvar, vdsoImage)
	return uint64(at) + arch.PageSize, e
}
