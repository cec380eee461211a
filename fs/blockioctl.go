package fs

import (
	"encoding/binary"
	"syscall"

	"yolk/arch"
	"yolk/drivers/blk"
	"yolk/mm"
)

// Requests of ioctl about disks and where files lie on them.
const (
	FIBMAP       = 1
	FIGETBSZ     = 2
	BLKROGET     = 0x125e
	BLKGETSIZE   = 0x1260
	BLKFLSBUF    = 0x1261
	BLKSSZGET    = 0x1268
	BLKGETSIZE64 = 0x80081272
)

// Ioctl tells the size of the disk. EFAULT, ENOTTY.
func (d *diskFile) Ioctl(_ *File, req uint32, u UserMem, arg uintptr) (uintptr, syscall.Errno) {
	switch req {
	case BLKGETSIZE64:
		return 0, putInt64(u, arg, d.dev.Sectors()*blk.SectorSize)
	case BLKGETSIZE:
		return 0, putInt64(u, arg, d.dev.Sectors())
	case BLKSSZGET:
		return 0, putInt32(u, arg, blk.SectorSize)
	case BLKROGET:
		ro := int32(0)
		if d.dev.ReadOnly() {
			ro = 1
		}
		return 0, putInt32(u, arg, ro)
	case BLKFLSBUF:
		return 0, 0 // nothing is buffered
	}
	return 0, syscall.ENOTTY
}

// Ioctl tells where the file's blocks are on the disk. EFAULT, ENOTTY; EINVAL a
// negative block; EIO, EUCLEAN.
func (o *extOpen) Ioctl(_ *File, req uint32, u UserMem, arg uintptr) (uintptr, syscall.Errno) {
	n := (*extInode)(o)
	perPage := n.fs.x.BlocksPerPage()
	switch req {
	case FIGETBSZ:
		return 0, putInt32(u, arg, int32(arch.PageSize/perPage))
	case FIBMAP:
		block, e := getInt32(u, arg)
		if e != 0 {
			return 0, e
		}
		if block < 0 {
			return 0, syscall.EINVAL
		}
		var at mm.PageBlocks
		if e := n.GetBlocks(uint64(block)/uint64(perPage), 0, &at); e != 0 {
			return 0, e
		}
		sector := at.Sector[int(block)%perPage]
		return 0, putInt32(u, arg, int32(sector/uint64(arch.PageSize/perPage/blk.SectorSize)))
	}
	return 0, syscall.ENOTTY
}

func putInt64(u UserMem, addr uintptr, v uint64) syscall.Errno {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], v)
	return u.CopyOut(addr, b[:])
}
