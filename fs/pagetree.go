package fs

import "unsafe"

// pageTree is a radix tree from page numbers to the slots of pages, as mm.ShmObject
// wants them: files may be sparse and huge, and a tree of small nodes costs 8 bytes
// for a page wherever it lies. shm_lock guards it. Insertion takes nodes made
// beforehand, so that nothing is allocated under a spinlock.
type pageTree struct {
	root   unsafe.Pointer // *pageNode, or *pageLeaf when height is 1
	height int            // levels; 0 is an empty tree
	pages  int            // slots that are not empty
}

const (
	treeShift = 6
	treeFan   = 1 << treeShift
)

// pageNode is one node: its slots are *pageNode, just above the leaves *pageLeaf.
type pageNode struct {
	slot [treeFan]unsafe.Pointer
}

// pageLeaf is a node of the lowest level; the garbage collector need not look at it.
type pageLeaf struct {
	slot [treeFan]uint64
}

// spareNodes are nodes for a coming insertion, linked through slot 0, and a leaf.
type spareNodes struct {
	head *pageNode
	n    int
	leaf *pageLeaf
}

// fill makes a leaf, and nodes until there are n.
func (s *spareNodes) fill(n int) {
	if s.leaf == nil {
		s.leaf = new(pageLeaf)
	}
	for ; s.n < n; s.n++ {
		s.head = &pageNode{slot: [treeFan]unsafe.Pointer{unsafe.Pointer(s.head)}}
	}
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

// slot returns the slot of page k, or nil when it has none.
func (t *pageTree) slot(k uint64) *uint64 {
	if k >= treeSpan(t.height) {
		return nil
	}
	at := t.root
	for level := t.height - 1; level > 0; level-- {
		if at == nil {
			return nil
		}
		at = (*pageNode)(at).slot[k>>(level*treeShift)%treeFan]
	}
	if at == nil {
		return nil
	}
	return &(*pageLeaf)(at).slot[k%treeFan]
}

// needed is a bound on the nodes, besides a leaf, that put(k) takes.
func (t *pageTree) needed(k uint64) int {
	height := max(t.height, 1)
	for k >= treeSpan(height) {
		height++
	}
	return height - t.height + height
}

// put returns the slot of page k, which is empty, and counts it as used; s holds at
// least needed(k) nodes and a leaf, unless the slot is there already.
func (t *pageTree) put(k uint64, s *spareNodes) *uint64 {
	if t.height == 0 {
		t.height = 1
	}
	for k >= treeSpan(t.height) {
		if t.root != nil {
			up := s.take()
			up.slot[0] = t.root
			t.root = unsafe.Pointer(up)
		}
		t.height++
	}
	at := &t.root
	for level := t.height - 1; level > 0; level-- {
		if *at == nil {
			*at = unsafe.Pointer(s.take())
		}
		at = &(*pageNode)(*at).slot[k>>(level*treeShift)%treeFan]
	}
	if *at == nil {
		*at, s.leaf = unsafe.Pointer(s.leaf), nil
	}
	t.pages++
	return &(*pageLeaf)(*at).slot[k%treeFan]
}

// next finds the first slot that is not empty, of a page not below k.
func (t *pageTree) next(k uint64) (uint64, *uint64) {
	for t.root != nil && k < treeSpan(t.height) {
		at, level := t.root, t.height-1
		for level > 0 {
			down := (*pageNode)(at).slot[k>>(level*treeShift)%treeFan]
			if down == nil {
				break
			}
			at, level = down, level-1
		}
		if level == 0 {
			if slot := &(*pageLeaf)(at).slot[k%treeFan]; *slot != 0 {
				return k, slot
			}
		}
		step := uint64(1) << (level * treeShift)
		k = (k/step + 1) * step
		if k == 0 { // past the last page there can be
			break
		}
	}
	return 0, nil
}

// del notes that a slot has been emptied. Nodes stay until the tree goes.
func (t *pageTree) del() {
	t.pages--
	if t.pages == 0 {
		*t = pageTree{}
	}
}
