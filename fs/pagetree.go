package fs

import (
	"unsafe"

	"yolk/mm"
)

// pageTree is a radix tree from page numbers to pages: files may be sparse and
// huge, and a tree of small nodes costs 8 bytes for a page wherever it lies.
// Its user locks it. Insertion takes nodes made beforehand, so that nothing is
// allocated under a spinlock.
type pageTree struct {
	root   *pageNode
	height int // levels; 0 is an empty tree
	pages  int
}

const (
	treeShift = 6
	treeFan   = 1 << treeShift
)

// pageNode is one node: its slots are *pageNode, on the lowest level *mm.Page.
type pageNode struct {
	slot [treeFan]unsafe.Pointer
}

// spareNodes are nodes for a coming insertion, linked through slot 0.
type spareNodes struct {
	head *pageNode
	n    int
}

func (s *spareNodes) add() {
	s.head = &pageNode{slot: [treeFan]unsafe.Pointer{unsafe.Pointer(s.head)}}
	s.n++
}

func (s *spareNodes) take() *pageNode {
	n := s.head
	s.head, n.slot[0] = (*pageNode)(n.slot[0]), nil
	s.n--
	return n
}

// treeSpan is the number of pages a tree of that height covers.
func treeSpan(height int) uint64 {
	if height*treeShift >= 64 {
		return ^uint64(0)
	}
	return 1 << (height * treeShift)
}

// get returns page k or nil.
func (t *pageTree) get(k uint64) *mm.Page {
	if k >= treeSpan(t.height) || t.root == nil {
		return nil
	}
	n := t.root
	for level := t.height - 1; level > 0; level-- {
		n = (*pageNode)(n.slot[k>>(level*treeShift)%treeFan])
		if n == nil {
			return nil
		}
	}
	return (*mm.Page)(n.slot[k%treeFan])
}

// needed is a bound on the nodes that put(k) takes.
func (t *pageTree) needed(k uint64) int {
	height := max(t.height, 1)
	for k >= treeSpan(height) {
		height++
	}
	return height - t.height + height
}

// put enters page k, which is not there yet; s holds at least needed(k) nodes.
func (t *pageTree) put(k uint64, p *mm.Page, s *spareNodes) {
	for t.height == 0 || k >= treeSpan(t.height) {
		up := s.take()
		up.slot[0] = unsafe.Pointer(t.root)
		t.root = up
		t.height++
	}
	n := t.root
	for level := t.height - 1; level > 0; level-- {
		slot := &n.slot[k>>(level*treeShift)%treeFan]
		if *slot == nil {
			*slot = unsafe.Pointer(s.take())
		}
		n = (*pageNode)(*slot)
	}
	n.slot[k%treeFan] = unsafe.Pointer(p)
	t.pages++
}

// next finds the first page not below k.
func (t *pageTree) next(k uint64) (uint64, *mm.Page) {
	for t.root != nil && k < treeSpan(t.height) {
		n, level := t.root, t.height-1
		for level > 0 {
			down := (*pageNode)(n.slot[k>>(level*treeShift)%treeFan])
			if down == nil {
				break
			}
			n, level = down, level-1
		}
		if level == 0 && n.slot[k%treeFan] != nil {
			return k, (*mm.Page)(n.slot[k%treeFan])
		}
		step := uint64(1) << (level * treeShift)
		k = (k/step + 1) * step
		if k == 0 { // past the last page there can be
			break
		}
	}
	return 0, nil
}

// del takes page k out and returns it. Nodes stay until the tree goes.
func (t *pageTree) del(k uint64) *mm.Page {
	n := t.root
	for level := t.height - 1; level > 0; level-- {
		n = (*pageNode)(n.slot[k>>(level*treeShift)%treeFan])
	}
	p := (*mm.Page)(n.slot[k%treeFan])
	n.slot[k%treeFan] = nil
	t.pages--
	if t.pages == 0 {
		*t = pageTree{}
	}
	return p
}
