package mm

// GFP says how an allocation may be satisfied (brief §1.7).
type GFP uint32

const (
	GFPWait   GFP = 1 << iota // __GFP_WAIT: the caller may sleep and reclaim
	GFPLow                    // __GFP_LOW: an ordinary request, first to be refused
	GFPMed                    // __GFP_MED: may dip below the min watermark
	GFPHigh                   // __GFP_HIGH: may dip deep below the min watermark
	GFPIO                     // __GFP_IO: reclaim may start I/O and call into file systems
	GFPSwap                   // __GFP_SWAP: the request comes from the stealer
	GFPBigmem                 // __GFP_BIGMEM: a frame of the artificial high zone will do
	GFPDMA                    // __GFP_DMA: only a frame below 16 MiB will do
	GFPZero                   // ours: hand the frame out cleared
)

// The combinations that callers use.
const (
	GFPAtomic   = GFPHigh
	GFPBuffer   = GFPLow | GFPWait
	GFPUser     = GFPLow | GFPWait | GFPIO
	GFPHighUser = GFPUser | GFPBigmem
	GFPKernel   = GFPMed | GFPWait | GFPIO
	GFPNFS      = GFPHigh | GFPWait | GFPIO
	GFPKswapd   = GFPIO | GFPSwap
)
