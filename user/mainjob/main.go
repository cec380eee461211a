// Command mainjob is Yolk's main job: it maps several times the machine's memory,
// writes a pattern to every page from concurrent goroutines, and reads all of it
// back through swap, page by page, while other goroutines keep the garbage
// collector, timers and channels busy. It ends with the counts, the kernel's
// paging counters among them, and exits with 1 if a single word was wrong.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

const (
	pageSize     = 4096
	wordsPerPage = pageSize / 8
)

func main() {
	size := flag.String("size", "", "bytes to map, with K, M or G (default: -times the machine's memory)")
	times := flag.Int("times", 4, "how many times the machine's memory to map")
	workers := flag.Int("workers", 4, "goroutines that write and read")
	seed := flag.Uint64("seed", 1, "of the pattern")
	flag.Parse()

	bytes, err := bytesToMap(*size, *times)
	if err == nil {
		err = run(bytes, *workers, *seed)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "mainjob:", err)
		os.Exit(1)
	}
}

func run(bytes, workers int, seed uint64) error {
	if workers < 1 || bytes < pageSize {
		return fmt.Errorf("need a worker and a page at least")
	}
	data, err := syscall.Mmap(-1, 0, bytes, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_PRIVATE|syscall.MAP_ANON|syscall.MAP_NORESERVE)
	if err != nil {
		return fmt.Errorf("mapping %d bytes: %w", bytes, err)
	}
	a := &area{words: unsafe.Slice((*uint64)(unsafe.Pointer(&data[0])), bytes/8), seed: seed, pages: bytes / pageSize}
	fmt.Printf("mapped %d pages (%d MiB), %d workers\n", a.pages, bytes>>20, workers)

	busy := startBusy()
	began := time.Now()
	a.inParallel(workers, a.writePage)
	wrote := time.Since(began)
	fmt.Printf("written %d pages in %.2fs\n", a.pages, wrote.Seconds())
	began = time.Now()
	a.inParallel(workers, a.checkPage)
	read := time.Since(began)
	rounds := busy.stop()

	fmt.Printf("verified %d pages in %.2fs\n", a.verified.Load(), read.Seconds())
	fmt.Printf("mismatches %d\n", a.wrong.Load())
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	fmt.Printf("busy rounds %d, garbage collections %d\n", rounds, mem.NumGC)
	if err := printCounters(os.Stdout); err != nil {
		return err
	}
	if n := a.wrong.Load(); n > 0 || a.verified.Load() != int64(a.pages) {
		return fmt.Errorf("%d pages of %d are wrong", n, a.pages)
	}
	return syscall.Munmap(data)
}

// area is the mapped memory. Each page is written and read by one worker.
type area struct {
	words    []uint64
	pages    int
	seed     uint64
	verified atomic.Int64
	wrong    atomic.Int64
}

func (a *area) page(i int) []uint64 { return a.words[i*wordsPerPage:][:wordsPerPage] }

// inParallel gives page i to worker i mod n: the workers fault side by side in
// the same parts of the area, and each walks all of it.
func (a *area) inParallel(n int, do func(page int)) {
	var group sync.WaitGroup
	for w := range n {
		group.Go(func() {
			for i := w; i < a.pages; i += n {
				do(i)
			}
		})
	}
	group.Wait()
}

// next is the step of a splitmix64 generator: a page's words follow from its
// number, and no two pages are alike.
func next(x uint64) (state, word uint64) {
	x += 0x9e3779b97f4a7c15
	z := (x ^ x>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return x, z ^ z>>31
}

func (a *area) start(page int) uint64 { return a.seed<<40 + uint64(page)<<9 }

func (a *area) writePage(page int) {
	state := a.start(page)
	p := a.page(page)
	for i := range p {
		state, p[i] = next(state)
	}
}

func (a *area) checkPage(page int) {
	state, want := a.start(page), uint64(0)
	for i, got := range a.page(page) {
		if state, want = next(state); got != want {
			if a.wrong.Add(1) <= 10 {
				fmt.Fprintf(os.Stderr, "mainjob: page %d word %d is %#x, want %#x\n", page, i, got, want)
			}
			return
		}
	}
	a.verified.Add(1)
}
