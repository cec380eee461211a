package fs

import (
	"math/rand/v2"
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
		registerDevice(syscall.S_IFCHR, Makedev(1, minor), func(f *File) syscall.Errno {
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

// pool is the state of the random generator. Not of crypto/rand or sha256: these
// pull in 32 MiB of static memory with the standard library's FIPS module.
var pool struct {
	lock locks.SpinLock // guards gen
	gen  rand.ChaCha8
}

func init() { pool.lock.Init(locks.PipeLock) }

// Random fills p with random bytes, for getrandom, AT_RANDOM and /dev/urandom.
// Each call sets the generator forward with its own output and fresh words of
// the machine's, so that earlier output cannot be computed from its state.
func Random(p []byte) {
	var seed, old [32]byte
	for first := true; len(p) > 0 || first; first = false {
		arch.Random(seed[:])
		n := min(len(p), 512)
		pool.lock.Lock()
		_, _ = pool.gen.Read(old[:])
		for i := range seed {
			seed[i] ^= old[i]
		}
		pool.gen.Seed(seed)
		_, _ = pool.gen.Read(p[:n])
		pool.lock.Unlock()
		p = p[n:]
	}
}
