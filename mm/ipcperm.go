package mm

// IPCPerm is kern_ipc_perm: who may do what to a System V object.
type IPCPerm struct {
	Key                  int32
	UID, GID, CUID, CGID uint32
	Mode                 uint32
	Seq                  uint16
}

// IPCCred is who asks.
type IPCCred struct {
	UID, GID  uint32 // effective
	Groups    []uint32
	PID       int32
	IPCOwner  bool // CAP_IPC_OWNER
	SysAdmin  bool // CAP_SYS_ADMIN
	MayLock   bool // CAP_IPC_LOCK
	LockLimit uint64
}

// The flags of the get calls, and the key that always makes a new object.
const (
	IPCCreat   = 0o1000
	IPCExcl    = 0o2000
	IPCPrivate = 0
)

// permits reports whether c has what flag asks for, in any of its three groups of
// mode bits (ipcperms).
func (p *IPCPerm) permits(c *IPCCred, flag uint32) bool {
	want := flag>>6 | flag>>3 | flag
	have := p.Mode
	switch {
	case c.UID == p.CUID || c.UID == p.UID:
		have >>= 6
	case c.inGroup(p.CGID) || c.inGroup(p.GID):
		have >>= 3
	}
	return want&^have&7 == 0 || c.IPCOwner
}

// owns reports whether c is the owner or the creator.
func (p *IPCPerm) owns(c *IPCCred) bool { return c.UID == p.UID || c.UID == p.CUID }

func (c *IPCCred) inGroup(gid uint32) bool {
	if c.GID == gid {
		return true
	}
	for _, g := range c.Groups {
		if g == gid {
			return true
		}
	}
	return false
}
