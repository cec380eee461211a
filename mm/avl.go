package mm

// The AVL tree of an address space's vmas, keyed by VMEnd, beside the sorted
// list. It is built when the list reaches avlMinMapSize. All functions here are
// pure pointer work: called under vmlistModifyLock, they allocate nothing.
//
// Invariant at every release of the lock: the tree holds exactly the vmas of
// the list, in the same order; |height(left) - height(right)| <= 1.

// avlMaxHeight bounds the path from the root: 41 levels hold far more than MaxMapCount.
const avlMaxHeight = 41

func heightOf(v *VMA) int16 {
	if v == nil {
		return 0
	}
	return v.avlHeight
}

// avlPath is the way from the root to a place in the tree: the links passed.
type avlPath struct {
	link [avlMaxHeight]**VMA
	n    int
}

func (p *avlPath) push(l **VMA) {
	p.link[p.n] = l
	p.n++
}

// avlRebalance restores heights and balance along the path, from the bottom up.
func avlRebalance(p *avlPath) {
	for p.n > 0 {
		p.n--
		link := p.link[p.n]
		node := *link
		l, r := node.avlLeft, node.avlRight
		hl, hr := heightOf(l), heightOf(r)
		switch {
		case hr+1 < hl:
			*link = rotateRight(node, l)
		case hl+1 < hr:
			*link = rotateLeft(node, r)
		default:
			h := 1 + max(hl, hr)
			if h == node.avlHeight {
				return
			}
			node.avlHeight = h
		}
	}
}

func setHeight(v *VMA) { v.avlHeight = 1 + max(heightOf(v.avlLeft), heightOf(v.avlRight)) }

// rotateRight lifts l, the too high left child of node, and returns the new root.
func rotateRight(node, l *VMA) *VMA {
	if heightOf(l.avlLeft) >= heightOf(l.avlRight) {
		node.avlLeft, l.avlRight = l.avlRight, node
		setHeight(node)
		setHeight(l)
		return l
	}
	lr := l.avlRight
	l.avlRight, node.avlLeft = lr.avlLeft, lr.avlRight
	lr.avlLeft, lr.avlRight = l, node
	setHeight(l)
	setHeight(node)
	setHeight(lr)
	return lr
}

// rotateLeft lifts r, the too high right child of node, and returns the new root.
func rotateLeft(node, r *VMA) *VMA {
	if heightOf(r.avlRight) >= heightOf(r.avlLeft) {
		node.avlRight, r.avlLeft = r.avlLeft, node
		setHeight(node)
		setHeight(r)
		return r
	}
	rl := r.avlLeft
	r.avlLeft, node.avlRight = rl.avlRight, rl.avlLeft
	rl.avlRight, rl.avlLeft = r, node
	setHeight(r)
	setHeight(node)
	setHeight(rl)
	return rl
}

// avlInsertNeighbours puts v into the tree and returns those before and after it.
func avlInsertNeighbours(v *VMA, root **VMA) (prev, next *VMA) {
	var path avlPath
	link := root
	for *link != nil {
		path.push(link)
		if v.VMEnd < (*link).VMEnd {
			next = *link
			link = &next.avlLeft
		} else {
			prev = *link
			link = &prev.avlRight
		}
	}
	v.avlLeft, v.avlRight, v.avlHeight = nil, nil, 1
	*link = v
	avlRebalance(&path)
	return prev, next
}

// avlInsert puts v into the tree.
func avlInsert(v *VMA, root **VMA) { avlInsertNeighbours(v, root) }

// avlRemove takes v out of the tree. Its predecessor takes its place.
func avlRemove(v *VMA, root **VMA) {
	var path avlPath
	link := root
	for *link != v {
		if *link == nil {
			panic("mm: avlRemove: vma not in tree")
		}
		path.push(link)
		if v.VMEnd < (*link).VMEnd {
			link = &(*link).avlLeft
		} else {
			link = &(*link).avlRight
		}
	}
	if v.avlLeft == nil {
		*link = v.avlRight
	} else {
		path.push(link)
		below := path.n // the place whose link becomes the new node's avlLeft
		at := &v.avlLeft
		for (*at).avlRight != nil {
			path.push(at)
			at = &(*at).avlRight
		}
		heir := *at
		*at = heir.avlLeft
		heir.avlLeft, heir.avlRight, heir.avlHeight = v.avlLeft, v.avlRight, v.avlHeight
		*link = heir
		if path.n > below {
			path.link[below] = &heir.avlLeft
		}
	}
	v.avlLeft, v.avlRight, v.avlHeight = nil, nil, 0
	avlRebalance(&path)
}

// buildMmapAVL makes the tree of a list that has grown long enough.
func buildMmapAVL(m *MM) {
	m.mmapAVL = nil
	for v := m.mmap; v != nil; v = v.vmNext {
		avlInsert(v, &m.mmapAVL)
	}
}
