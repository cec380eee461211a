package syscall

import (
	errno "syscall"
	"unsafe"

	"yolk/fs"
	"yolk/mm"
	"yolk/proc"
)

// structBytes views *v, which must hold no pointers, as memory.
func structBytes[T any](v *T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(v)), unsafe.Sizeof(*v))
}

// getStruct fills *v, which must fit t.Scratch, from user address addr. EFAULT.
// It goes through the task's scratch buffer, so that *v can stay on the caller's
// stack.
func getStruct[T any](t *proc.Task, v *T, addr uintptr) errno.Errno {
	b := t.Scratch[:unsafe.Sizeof(*v)]
	if e := mm.CopyFromUser(t.MM, b, addr); e != 0 {
		return e
	}
	copy(structBytes(v), b)
	return 0
}

// putStruct stores *v at user address addr. EFAULT. As getStruct.
func putStruct[T any](t *proc.Task, addr uintptr, v *T) errno.Errno {
	b := t.Scratch[:unsafe.Sizeof(*v)]
	copy(b, structBytes(v))
	return mm.CopyToUser(t.MM, addr, b)
}

// pathFromUser copies a path name from user memory. EFAULT; ENAMETOOLONG; ENOENT
// when it is empty.
func pathFromUser(t *proc.Task, addr uintptr) (string, errno.Errno) {
	var buf [fs.PathMax]byte
	n, e := mm.CopyStringFromUser(t.MM, addr, buf[:])
	if e == 0 && n == 0 {
		e = errno.ENOENT
	}
	return string(buf[:n]), e
}
