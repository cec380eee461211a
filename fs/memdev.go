package fs

import (
	"crypto/sha256"
	"encoding/binary"
	"syscall"

	"yolk/arch"
	"yolk/locks"
	"yolk/mm"
)

// The memory devices: major number 1, as on Linux.

func init() {
	for minor, ops := range map[uint32]FileOps{
		3: nullDev{}, 5: zeroDev{}, 7: fullDev{}, 8: randomDev{}, 9: randomDev{},
	} {
		RegisterDevice(syscall.S_IFCHR, Makedev(1, minor), func(f *File) syscall.Errno {
			f.ops, f.kind = ops, kindAny
			return 0
		})
	}
}

// nullDev is /dev/null.
type nullDev struct{ NoFile }

// Read is at its end.
func (nullDev) Read(*File, []byte, int64) (int, syscall.Errno) { return 0, 0 }

// Write takes everything.
func (nullDev) Write(_ *File, p []byte, _ int64) (int, int64, syscall.Errno) { return len(p), 0, 0 }

// zeroDev is /dev/zero; a private mapping of it is anonymous memory.
type zeroDev struct{ nullDev }

// Read gives zeros.
func (zeroDev) Read(_ *File, p []byte, _ int64) (int, syscall.Errno) {
	clear(p)
	return len(p), 0
}

// Map makes v anonymous memory. ENODEV: a shared mapping.
func (zeroDev) Map(_ *File, v *mm.VMA) syscall.Errno {
	if v.VMFlags&mm.VMShared != 0 {
		return syscall.ENODEV
	}
	v.VMOps = nil
	return 0
}

// fullDev is /dev/full.
type fullDev struct{ zeroDev }

// Write finds no room.
func (fullDev) Write(*File, []byte, int64) (int, int64, syscall.Errno) {
	return 0, 0, syscall.ENOSPC
}

// Map refuses.
func (fullDev) Map(*File, *mm.VMA) syscall.Errno { return syscall.ENODEV }

// randomDev is /dev/random and /dev/urandom.
type randomDev struct{ NoFile }

// Read gives random bytes.
func (randomDev) Read(_ *File, p []byte, _ int64) (int, syscall.Errno) {
	Random(p)
	return len(p), 0
}

// Write stirs nothing in, and takes everything.
func (randomDev) Write(_ *File, p []byte, _ int64) (int, int64, syscall.Errno) { return len(p), 0, 0 }

// pool is the state of the random generator: its key is hashed forward with
// each request, so that earlier output cannot be computed from it.
var pool struct {
	lock  locks.SpinLock // guards key and count
	key   [sha256.Size]byte
	count uint64
}

func init() { pool.lock.Init(locks.PipeLock) }

// Random fills p with random bytes, for getrandom, AT_RANDOM and /dev/urandom.
func Random(p []byte) {
	var seed [sha256.Size]byte
	arch.Random(seed[:])
	var block [sha256.Size + 8 + sha256.Size]byte
	copy(block[sha256.Size+8:], seed[:])
	for len(p) > 0 {
		pool.lock.Lock()
		copy(block[:], pool.key[:])
		pool.count++
		binary.LittleEndian.PutUint64(block[sha256.Size:], pool.count)
		pool.lock.Unlock()
		out := sha256.Sum256(block[:])
		p = p[copy(p, out[:len(out)/2]):]
		pool.lock.Lock()
		copy(pool.key[:], out[len(out)/2:])
		pool.lock.Unlock()
	}
}
