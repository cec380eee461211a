//go:build yolk

package arch

import (
	"unsafe"

	"yolk/arch/amd64"
	"yolk/arch/vdso"
)

// Region is a range of frames, [Start, End).
type Region = amd64.Region

// MMContext is what the CPUs must know of an address space.
type MMContext = amd64.MMContext

// HeapTarget is how many frames the Go heap's reserve should hold.
const HeapTarget = amd64.HeapTarget

// Memory hands the RAM that start-up left to mm, and ends EarlyAlloc.
func Memory() []Region { return amd64.Memory() }

// EarlyAlloc returns the first of n contiguous zeroed frames, 0 for none.
func EarlyAlloc(n int) PFN { return amd64.EarlyAlloc(n) }

func FramePointer(pfn PFN) unsafe.Pointer { return amd64.FramePointer(pfn) }
func FrameBytes(pfn PFN) []byte           { return amd64.FrameBytes(pfn) }
func Table(pfn PFN) *[512]uint64          { return amd64.Table(pfn) }
func ClearPage(pfn PFN)                   { amd64.ClearPage(pfn) }
func CopyPage(dst, src PFN)               { amd64.CopyPage(dst, src) }

func InitPGD(c *MMContext, pfn PFN)                  { amd64.InitPGD(c, pfn) }
func ReleasePGD(c *MMContext)                        { amd64.ReleasePGD(c) }
func FlushTLBPage(c *MMContext, va uintptr)          { amd64.FlushTLBPage(c, va) }
func FlushTLBRange(c *MMContext, start, end uintptr) { amd64.FlushTLBRange(c, start, end) }
func FlushTLBMM(c *MMContext)                        { amd64.FlushTLBMM(c) }

func CopyIn(c *MMContext, dst unsafe.Pointer, src, n uintptr) uintptr {
	return amd64.CopyIn(c, dst, src, n)
}

func CopyOut(c *MMContext, dst uintptr, src unsafe.Pointer, n uintptr) uintptr {
	return amd64.CopyOut(c, dst, src, n)
}

func LoadUser32(c *MMContext, addr uintptr) (uint32, bool) { return amd64.LoadUser32(c, addr) }

func CompareAndSwapUser32(c *MMContext, addr uintptr, old, new uint32) (swapped, ok bool) {
	return amd64.CompareAndSwapUser32(c, addr, old, new)
}

func NewFPUState() *FPUState                        { return amd64.NewFPUState() }
func EnterUser(u *UserContext, c *MMContext) Trap   { return amd64.EnterUser(u, c) }
func KickAll()                                      { amd64.KickAll() }
func MoveTo(cpu int)                                { amd64.MoveTo(cpu) }
func CPU() int                                      { return amd64.CPU() }
func NumCPU() int                                   { return amd64.NumCPU() }
func PreemptDisable()                               { amd64.PreemptDisable() }
func PreemptEnable()                                { amd64.PreemptEnable() }
func RunInterrupts()                                { amd64.RunInterrupts() }
func BeginLazyWakes()                               { amd64.BeginLazyWakes() }
func EndLazyWakes()                                 { amd64.EndLazyWakes() }
func WakesOwed() bool                               { return amd64.WakesOwed() }
func WakeIdle()                                     { amd64.WakeIdle() }
func HeapLevel() int                                { return amd64.HeapLevel() }
func HeapUsed() int                                 { return amd64.HeapUsed() }
func HeapGive(pfn PFN)                              { amd64.HeapGive(pfn) }
func HeapTake() (PFN, bool)                         { return amd64.HeapTake() }
func Monotonic() uint64                             { return amd64.Monotonic() }
func ShareClock(c *vdso.Clock)                      { amd64.ShareClock(c) }
func Random(p []byte)                               { amd64.Random(p) }
func In8(port uint16) uint8                         { return amd64.In8(port) }
func Out8(port uint16, v uint8)                     { amd64.Out8(port, v) }
func In16(port uint16) uint16                       { return amd64.In16(port) }
func Out16(port uint16, v uint16)                   { amd64.Out16(port, v) }
func In32(port uint16) uint32                       { return amd64.In32(port) }
func Out32(port uint16, v uint32)                   { amd64.Out32(port, v) }
func MapMMIO(phys, size uint64) uintptr             { return amd64.MapMMIO(phys, size) }
func AllocVector(handler func()) uint8              { return amd64.AllocVector(handler) }
func MSIMessage(v uint8) (addr uint64, data uint32) { return amd64.MSIMessage(v) }
func RouteISA(irq int, vector uint8)                { amd64.RouteISA(irq, vector) }
