package mm

import (
	"io"
	"sync/atomic"
	errno "syscall"
	"yolk/arch"
	"yolk/drivers/blk"
)

type Mapping struct{}

func (m *Mapping) Pages() int { return 0 }

var swapperSpace Mapping
var pageCacheSize atomic.Int64

func NrFreePages() int                           { return 0 }
func RunDiskQueue()                              {}
func freePagesOk(p *Page, order int)             {}
func AllocPage(gfp GFP) *Page                    { return nil }
func AllocPages(gfp GFP, order int) *Page        { return nil }
func FreePage(p *Page)                           {}
func FreePages(p *Page, order int)               {}
func LookupSwapCache(e SwapEntry) *Page          { return nil }
func ReadSwapCache(e SwapEntry, wait bool) *Page { return nil }
func SwapinReadahead(e SwapEntry)                {}
func SwapFree(e SwapEntry)                       {}
func SwapDuplicate(e SwapEntry) bool             { return false }
func SwapCount(e SwapEntry) int                  { return 0 }
func IsPageShared(p *Page) bool                  { return false }
func DeleteFromSwapCache(p *Page)                {}
func FreePageAndSwapCache(p *Page)               {}

// Cache is a slab cache. Alloc may sleep (gfp) unless gfp lacks GFPWait; ctor is run on each object handed out.
type Cache[T any] struct{}

func (c *Cache[T]) Init(name string, ctor func(*T)) {}
func (c *Cache[T]) Alloc(gfp GFP) *T                { return new(T) }
func (c *Cache[T]) Free(obj *T)                     {}

type Config struct {
	Bigmem    int // frames at the top of RAM that form the HIGH zone
	HeapPages int
}

func Init(cfg Config)                             {}
func StartKswapd()                                {}
func SwapOn(dev blk.Device, prio int) errno.Errno { return 0 }
func SwapOff(name string) errno.Errno             { return 0 }
func WriteMeminfo(w io.Writer)                    {}
func WriteSwaps(w io.Writer)                      {}
func WriteSlabinfo(w io.Writer)                   {}

// MMListAdd puts a new mm on the mmlist (after parent's place if parent != nil), MMListDel takes it off (mm_users 0, after exit_mmap).
func MMListAdd(m, parent *MM) {}
func MMListDel(m *MM)         {}

// SetOOMKiller: kill asks the owner(s) of victim to die; true if there was one.
func SetOOMKiller(kill func(victim *MM) bool) {}

var _ arch.PFN
