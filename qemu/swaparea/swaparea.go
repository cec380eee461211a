// Package swaparea reads and writes the header of a swap area as mkswap(8) does:
// the first page holds, behind 1024 bytes left for a boot block, the version, the
// number of the last usable page, a UUID and a label, and ends in a signature.
package swaparea

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The layout of version 1 (swap_header in Linux's include/linux/swap.h).
const (
	pageSize      = 4096
	infoOffset    = 1024
	uuidOffset    = infoOffset + 12
	labelOffset   = uuidOffset + 16
	labelLen      = 16
	signature     = "SWAPSPACE2"
	signatureOff  = pageSize - len(signature)
	headerVersion = 1

	// MinSize is the smallest area that mkswap makes: ten pages.
	MinSize = 10 * pageSize
	// maxSize keeps last_page in its 32 bits.
	maxSize = pageSize << 32
)

// ErrOtherContent is for a file that is neither a swap area nor blank.
var ErrOtherContent = errors.New("holds something other than swap space; to use it all the same run mkswap on it first")

// Format writes the header of an area of size bytes.
func Format(w io.WriterAt, size int64, label string) error {
	if err := checkSize(size); err != nil {
		return err
	}
	var page [pageSize]byte
	info := page[infoOffset:]
	binary.LittleEndian.PutUint32(info[0:], headerVersion)
	binary.LittleEndian.PutUint32(info[4:], uint32(size/pageSize-1)) // last_page
	binary.LittleEndian.PutUint32(info[8:], 0)                       // nr_badpages
	uuid := page[uuidOffset:labelOffset]
	_, _ = rand.Read(uuid)        // never fails
	uuid[6] = uuid[6]&0x0f | 4<<4 // version 4,
	uuid[8] = uuid[8]&0x3f | 0x80 // of RFC 9562's variant
	copy(page[labelOffset:][:labelLen-1], label)
	copy(page[signatureOff:], signature)
	_, err := w.WriteAt(page[:], 0)
	return err
}

// State is what Inspect found.
type State uint8

const (
	Ready State = iota // carries a header that fits
	Blank              // zeros only: may be formatted
)

// Inspect looks at a file of size bytes that someone means to swap to.
func Inspect(r io.ReaderAt, size int64) (State, error) {
	if err := checkSize(size); err != nil {
		return 0, err
	}
	var page [pageSize]byte
	if _, err := r.ReadAt(page[:], 0); err != nil {
		return 0, err
	}
	if string(page[signatureOff:]) != signature {
		return Blank, checkBlank(r, size)
	}
	version := binary.LittleEndian.Uint32(page[infoOffset:])
	last := binary.LittleEndian.Uint32(page[infoOffset+4:])
	switch {
	case version != headerVersion:
		return 0, fmt.Errorf("swap header of version %d, want %d", version, headerVersion)
	case (int64(last)+1)*pageSize > size:
		return 0, fmt.Errorf("its swap header speaks of %d pages but it has %d", int64(last)+1, size/pageSize)
	case (int64(last)+1)*pageSize < MinSize:
		return 0, fmt.Errorf("its swap header speaks of %d pages; at least %d are needed", int64(last)+1, MinSize/pageSize)
	}
	return Ready, nil
}

func checkSize(size int64) error {
	switch {
	case size < MinSize:
		return fmt.Errorf("%d bytes are too small for swap: at least %dK are needed", size, MinSize>>10)
	case size > maxSize:
		return fmt.Errorf("%d bytes are too large for swap: at most %dT can be used", size, int64(maxSize)>>40)
	}
	return nil
}

// checkBlank wants zeros wherever file systems, partition tables and archives
// keep what makes them recognisable: the first MiB and the last.
func checkBlank(r io.ReaderAt, size int64) error {
	const window = 1 << 20
	for _, at := range []int64{0, max(size-window, 0)} {
		b, err := io.ReadAll(io.NewSectionReader(r, at, window))
		if err != nil {
			return err
		}
		if len(bytes.Trim(b, "\x00")) != 0 {
			return ErrOtherContent
		}
	}
	return nil
}
