package proc

import (
	errno "syscall"

	"yolk/arch"
	"yolk/fs"
	"yolk/mm"
)

// loaded is where a program came to lie.
type loaded struct {
	entry, phdr uint64
	phnum       int
	start       uint64 // where it begins to run: entry, or the interpreter's
	base        uint64 // of the interpreter, 0 if there is none
}

// fileSize returns the length of an executable.
func fileSize(f *fs.File) uint64 {
	n, e := f.Ops().End(f)
	if e != 0 || n < 0 {
		return 0
	}
	return uint64(n)
}

// readFull fills p from the file. EIO when it is shorter, as Linux's loader says.
func readFull(f *fs.File, p []byte, off uint64) errno.Errno {
	for len(p) > 0 {
		n, e := f.ReadAt(p, int64(off))
		if e != 0 {
			return e
		}
		if n == 0 {
			return errno.EIO
		}
		p, off = p[n:], off+uint64(n)
	}
	return 0
}

// load maps the image into m, which nobody else uses yet, at the places given, and
// sets m's layout. ENOMEM, and what mapping the file can give. No lock held; sleeps.
func (im *image) load(m *mm.MM, f *fs.File, at *places) (loaded, *execError) {
	bias, xe := im.bias(at.pieBias)
	if xe != nil {
		return loaded{}, xe
	}
	if xe := im.mapAt(m, f, bias); xe != nil {
		return loaded{}, xe
	}
	im.setLayout(m, bias, at.heapGap)
	l := loaded{entry: im.entry + bias, start: im.entry + bias, phnum: im.phnum}
	if im.phdr != 0 {
		l.phdr = im.phdr + bias
	}
	return l, nil
}

// mapAt maps all segments at bias.
func (im *image) mapAt(m *mm.MM, f *fs.File, bias uint64) *execError {
	for i := range im.segments {
		s := im.segments[i]
		s.vaddr += bias
		if e := s.mapInto(m, f); e != 0 {
			return &execError{e, "cannot map a segment"}
		}
	}
	return nil
}

// loadInterp maps an interpreter where mmap would put it, and makes it what the
// program begins with.
func (im *image) loadInterp(m *mm.MM, f *fs.File, l *loaded) *execError {
	start, end := im.span()
	bias := uint64(0)
	if im.dyn {
		// Find the room for all of it; the segments then take its place.
		m.MmapSem.Lock()
		at, e := mm.DoMmap(m, nil, 0, uintptr(end-start), errno.PROT_NONE, errno.MAP_PRIVATE|errno.MAP_ANON, 0)
		if e == 0 {
			e = mm.DoMunmap(m, at, uintptr(end-start))
		}
		m.MmapSem.Unlock()
		if e != 0 {
			return &execError{e, "no room for the interpreter"}
		}
		bias = uint64(at) - start
	}
	if xe := im.mapAt(m, f, bias); xe != nil {
		return xe
	}
	l.start, l.base = im.entry+bias, start+bias
	return nil
}

// setLayout records code, data and brk, as exec does. The heap begins heapGap above
// the program.
func (im *image) setLayout(m *mm.MM, bias uint64, heapGap uintptr) {
	m.MmapSem.Lock()
	defer m.MmapSem.Unlock()
	start, end := im.span()
	m.StartCode, m.EndCode = uintptr(start+bias), uintptr(start+bias)
	for _, s := range im.segments {
		if s.flags&pfX != 0 {
			m.EndCode = max(m.EndCode, uintptr(s.fileEnd()+bias))
		}
		m.StartData, m.EndData = uintptr(s.vaddr+bias), uintptr(s.fileEnd()+bias)
	}
	mm.SetBrk(m, uintptr(end+bias)+heapGap)
}

// mapInto maps one segment: its file part, and zeros behind it.
func (s *segment) mapInto(m *mm.MM, f *fs.File) errno.Errno {
	prot := s.prot()
	bss := s.start() // where whole pages of zeros begin
	if s.filesz != 0 {
		bss = (s.fileEnd() + pageBelow) &^ pageBelow
		if e := mapFixed(m, f, s.start(), bss-s.start(), prot, s.off&^pageBelow); e != 0 {
			return e
		}
	}
	if s.end() > bss {
		if e := mapFixed(m, nil, bss, s.end()-bss, prot, 0); e != 0 {
			return e
		}
	}
	// The rest of the last file page: zeros, if the program may write there.
	if tail := bss - s.fileEnd(); s.filesz != 0 && s.memsz > s.filesz && tail != 0 && prot&errno.PROT_WRITE != 0 {
		return mm.ClearUser(m, uintptr(s.fileEnd()), uintptr(tail))
	}
	return 0
}

func (s *segment) prot() int {
	p := 0
	if s.flags&pfR != 0 {
		p |= errno.PROT_READ
	}
	if s.flags&pfW != 0 {
		p |= errno.PROT_WRITE
	}
	if s.flags&pfX != 0 {
		p |= errno.PROT_EXEC
	}
	return p
}

// mapFixed maps file f, or zeros, privately at exactly addr.
func mapFixed(m *mm.MM, f *fs.File, addr, length uint64, prot int, off uint64) errno.Errno {
	flags := errno.MAP_PRIVATE | errno.MAP_FIXED
	var file mm.File
	if f == nil {
		flags |= errno.MAP_ANON
	} else {
		file = f
	}
	m.MmapSem.Lock()
	defer m.MmapSem.Unlock()
	_, e := mm.DoMmap(m, file, uintptr(addr), uintptr(length), prot, flags, off>>arch.PageShift)
	return e
}
