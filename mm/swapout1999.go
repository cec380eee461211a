package mm

import "yolk/locks"

// swapoutOf1999 selects the form that the document describes, for those who
// want to see why it was replaced the next day (-append swapout=1999). There the
// driver's method got the vma, after the vmlist lock had been dropped, and had to
// "snapshot all the vma fields it needs before going to sleep": the vma lived on
// only because the stealer had held kernel_lock ever since it looked the vma up,
// and because do_munmap took kernel_lock before it gave a vma up. Today's form
// takes the file under the lock, never shows the vma, and needs neither.
//
// Set before the first page is stolen.
var swapoutOf1999 bool

// SelectSwapout1999 chooses the form. Called from start-up only.
func SelectSwapout1999(on bool) { swapoutOf1999 = on }

// interlockSwapout waits until no stealer is between its vmlist_access_unlock and
// the snapshot of a vma of m, which has just left the list. In today's form there
// is nothing to wait for. No spinlock held; may sleep.
func interlockSwapout() {
	if swapoutOf1999 {
		locks.LockKernel()
		locks.UnlockKernel()
	}
}

// handOver prepares what the driver will need for a page of the vma being
// scanned. vmlist lock held.
func (s *steal) handOver(p *Page) afterwards {
	if swapoutOf1999 {
		return afterwards{page: p, vma: s.v}
	}
	s.v.VMFile.GetFile()
	return afterwards{page: p, file: s.v.VMFile, swapout: s.swapout()}
}

// snapshot reads the vma, in the form of 1999: after the vmlist lock was dropped,
// with kernel_lock, before anything sleeps. So all pages of a batch come before the
// first is written.
func (a *afterwards) snapshot() {
	if v := a.vma; v != nil {
		a.file, a.swapout, a.vma = v.VMFile, v.VMOps.Swapout, nil
		a.file.GetFile()
	}
}
