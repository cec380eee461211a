package mm

import (
	"bytes"
	"syscall"
	"unsafe"

	"yolk/arch"
)

// Copies between the kernel and a program. arch stops at the first address that
// faults; the fault is resolved here, in plain Go that may sleep, and the copy
// goes on. So no spinlock, and no MmapSem, is held by the callers.

// retryFault resolves a fault of a copy; EFAULT when it cannot be.
func retryFault(m *MM, addr uintptr, a Access) syscall.Errno {
	if HandleFault(m, addr, a).Failed() {
		return syscall.EFAULT
	}
	return 0
}

// inUser reports whether [addr, addr+n) lies below TaskSize.
func inUser(addr uintptr, n int) bool {
	return addr <= arch.TaskSize && uintptr(n) <= arch.TaskSize-addr
}

// CopyFromUser fills dst from user address src. EFAULT; then part of dst may be filled.
func CopyFromUser(m *MM, dst []byte, src uintptr) syscall.Errno {
	if !inUser(src, len(dst)) {
		return syscall.EFAULT
	}
	for len(dst) > 0 {
		n := arch.CopyIn(&m.Ctx, unsafe.Pointer(&dst[0]), src, uintptr(len(dst)))
		dst, src = dst[n:], src+n
		if len(dst) > 0 {
			if e := retryFault(m, src, AccessRead); e != 0 {
				return e
			}
		}
	}
	return 0
}

// CopyToUser copies src to user address dst. EFAULT; then part may be copied.
func CopyToUser(m *MM, dst uintptr, src []byte) syscall.Errno {
	if !inUser(dst, len(src)) {
		return syscall.EFAULT
	}
	for len(src) > 0 {
		n := arch.CopyOut(&m.Ctx, dst, unsafe.Pointer(&src[0]), uintptr(len(src)))
		dst, src = dst+n, src[n:]
		if len(src) > 0 {
			if e := retryFault(m, dst, AccessWrite); e != 0 {
				return e
			}
		}
	}
	return 0
}

// zeros is what ClearUser copies from.
var zeros [512]byte

// ClearUser fills [dst, dst+n) with zeros. EFAULT.
func ClearUser(m *MM, dst, n uintptr) syscall.Errno {
	for n > 0 {
		piece := min(n, uintptr(len(zeros)))
		if e := CopyToUser(m, dst, zeros[:piece]); e != 0 {
			return e
		}
		dst, n = dst+piece, n-piece
	}
	return 0
}

// CopyStringFromUser copies the string at addr, up to its NUL, into buf and
// returns its length without the NUL. ENAMETOOLONG when no NUL fits into buf; EFAULT.
func CopyStringFromUser(m *MM, addr uintptr, buf []byte) (n int, e syscall.Errno) {
	for n < len(buf) {
		// Piece by piece to the next page border: beyond the NUL nothing may fault.
		piece := min(len(buf)-n, int(arch.PageSize-addr%arch.PageSize), 256)
		if e := CopyFromUser(m, buf[n:n+piece], addr); e != 0 {
			return 0, e
		}
		if i := bytes.IndexByte(buf[n:n+piece], 0); i >= 0 {
			return n + i, 0
		}
		n, addr = n+piece, addr+uintptr(piece)
	}
	return 0, syscall.ENAMETOOLONG
}

// LoadUser32 reads the word at addr, a multiple of 4. EFAULT. May sleep.
func LoadUser32(m *MM, addr uintptr) (uint32, syscall.Errno) {
	for addr < arch.TaskSize {
		if v, ok := arch.LoadUser32(&m.Ctx, addr); ok {
			return v, 0
		}
		if e := retryFault(m, addr, AccessRead); e != 0 {
			return 0, e
		}
	}
	return 0, syscall.EFAULT
}

// CompareAndSwapUser32 replaces the word at addr, a multiple of 4, by new if it is
// old, and reports whether it was. EFAULT. May sleep.
func CompareAndSwapUser32(m *MM, addr uintptr, old, new uint32) (bool, syscall.Errno) {
	for addr < arch.TaskSize {
		if swapped, ok := arch.CompareAndSwapUser32(&m.Ctx, addr, old, new); ok {
			return swapped, 0
		}
		if e := retryFault(m, addr, AccessWrite); e != 0 {
			return false, e
		}
	}
	return false, syscall.EFAULT
}
