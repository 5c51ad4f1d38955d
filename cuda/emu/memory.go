package emu

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sort"
)

// Memory is the memory of a device: allocations with gaps between them, so
// that an address past the end of one is in none.
type Memory struct {
	blocks []*block
	next   uint64
	launch int32
}

type block struct {
	base  uint64
	data  []byte
	words []globalWord
}

// A globalWord is what is known of four bytes: whether anybody wrote them, and
// which blocks of the current launch read and wrote them.
type globalWord struct {
	written        bool
	launch         int32
	reader, writer int32 // block+1; 0: none; many: more than one
}

const (
	many      = -1
	firstByte = 0x7000_0000_0000
	gap       = 4096
)

// Alloc takes n bytes that nobody wrote yet and returns their address, a
// multiple of 512.
func (g *Memory) Alloc(n int) uint64 {
	if g.next == 0 {
		g.next = firstByte
	}
	at := g.next
	g.Place(at, n)
	g.next += uint64(n+511)&^511 + gap
	return at
}

// Place takes the n bytes at an address, which nobody wrote yet. It panics if a
// part of them is taken.
func (g *Memory) Place(at uint64, n int) {
	i := sort.Search(len(g.blocks), func(i int) bool { return g.blocks[i].base >= at })
	if i > 0 && g.blocks[i-1].base+uint64(len(g.blocks[i-1].data)) > at || i < len(g.blocks) && at+uint64(n) > g.blocks[i].base {
		panic(fmt.Sprintf("emu: %d bytes at %#x overlap an allocation", n, at))
	}
	b := &block{base: at, data: make([]byte, n), words: make([]globalWord, (n+3)/4)}
	for i := range b.data {
		b.data[i] = 0xFF // NaN
	}
	g.blocks = slices.Insert(g.blocks, i, b)
}

// Free gives back what lies at an address. It panics if no allocation begins there.
func (g *Memory) Free(at uint64) {
	i := sort.Search(len(g.blocks), func(i int) bool { return g.blocks[i].base >= at })
	if i == len(g.blocks) || g.blocks[i].base != at {
		panic(fmt.Sprintf("emu: no allocation begins at %#x", at))
	}
	g.blocks = slices.Delete(g.blocks, i, i+1)
}

// find returns the allocation with the n bytes at address a, or nil.
func (g *Memory) find(a uint64, n int) (b *block, off int) {
	i := sort.Search(len(g.blocks), func(i int) bool { return g.blocks[i].base > a })
	if i == 0 {
		return nil, 0
	}
	b = g.blocks[i-1]
	if o := a - b.base; o <= uint64(len(b.data)) && uint64(n) <= uint64(len(b.data))-o {
		return b, int(o)
	}
	return nil, 0
}

// Write copies from the host. It panics if the bytes lie in no allocation.
func (g *Memory) Write(a uint64, src []byte) {
	b, off := g.find(a, len(src))
	if b == nil {
		panic(fmt.Sprintf("emu: a write of %d bytes to %#x, which is in no allocation", len(src), a))
	}
	copy(b.data[off:], src)
	for i := off / 4; i < (off+len(src)+3)/4; i++ {
		b.words[i].written = true
	}
}

// Read returns a copy of n bytes for the host. It panics if they lie in no
// allocation.
func (g *Memory) Read(a uint64, n int) []byte {
	b, off := g.find(a, n)
	if b == nil {
		panic(fmt.Sprintf("emu: a read of %d bytes from %#x, which is in no allocation", n, a))
	}
	return append([]byte(nil), b.data[off:off+n]...)
}

// global returns the n bytes at address a for a lane, or stops the launch.
func (w *warp) global(a uint64, n, lane int, write bool) []byte {
	return w.globalPart(a, n, n, lane, write)
}

// globalPart is global for the first n bytes of an access of size bytes.
func (w *warp) globalPart(a uint64, size, n, lane int, write bool) []byte {
	if a%uint64(size) != 0 {
		w.fail(lane, "misaligned global address %#x for %d bytes", a, size)
	}
	g := w.cta.memory
	b, off := g.find(a, n)
	if b == nil {
		w.fail(lane, "global address %#x (%d bytes) is outside of every allocation", a, n)
	}
	me := w.cta.serial + 1
	for i := off / 4; i <= (off+n-1)/4; i++ {
		x := &b.words[i]
		if x.launch != g.launch {
			x.launch, x.reader, x.writer = g.launch, 0, 0
		}
		if x.writer != 0 && x.writer != me {
			w.fail(lane, "race: the word at %#x was written by block %d of this launch", b.base+uint64(4*i), x.writer-1)
		}
		if write {
			if x.reader != 0 && x.reader != me {
				w.fail(lane, "race: the word at %#x was read by another block of this launch", b.base+uint64(4*i))
			}
			x.writer, x.written = me, true
			continue
		}
		if !x.written {
			w.fail(lane, "the global word at %#x is read and nobody wrote it", b.base+uint64(4*i))
		}
		if x.reader == 0 {
			x.reader = me
		} else if x.reader != me {
			x.reader = many
		}
	}
	return b.data[off : off+n]
}

// load and store are one element of n bytes.
func load(m []byte, n int) uint64 {
	switch n {
	case 2:
		return uint64(binary.LittleEndian.Uint16(m))
	case 4:
		return uint64(binary.LittleEndian.Uint32(m))
	}
	return binary.LittleEndian.Uint64(m)
}

func store(m []byte, n int, v uint64) {
	switch n {
	case 2:
		binary.LittleEndian.PutUint16(m, uint16(v))
	case 4:
		binary.LittleEndian.PutUint32(m, uint32(v))
	default:
		binary.LittleEndian.PutUint64(m, v)
	}
}
