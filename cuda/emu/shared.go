package emu

import "math/bits"

// A sharedWord is what is known of four bytes of shared memory. An epoch is the
// time between two barriers.
type sharedWord struct {
	epoch        int32
	writer       int16  // warp+1 of this epoch; 0: none
	readers      uint64 // warps of this epoch
	wline, rline int32  // lines of the text
	flight       bool   // a cp.async is on its way
	written      bool
}

// shared returns the n bytes at address a of shared memory for a lane, or stops
// the launch.
func (w *warp) shared(a uint64, n, lane int, write bool) []byte {
	c := w.cta
	a &= 0xffffffff
	if a%uint64(n) != 0 {
		w.fail(lane, "misaligned shared address %#x for %d bytes", a, n)
	}
	if a+uint64(n) > uint64(len(c.shared)) {
		w.fail(lane, "shared address %#x (%d bytes) is past the end, %#x", a, n, len(c.shared))
	}
	for i := a / 4; i <= (a+uint64(n)-1)/4; i++ {
		w.watch(int(i), lane, write)
	}
	return c.shared[a : a+uint64(n)]
}

func (w *warp) watch(i, lane int, write bool) {
	c := w.cta
	x := &c.words[i]
	if x.flight {
		w.fail(lane, "the shared word at %#x has a cp.async in flight", 4*i)
	}
	if x.epoch != c.epoch {
		*x = sharedWord{epoch: c.epoch, written: x.written}
	}
	if x.writer != 0 && int(x.writer) != w.id+1 {
		w.fail(lane, "race: the shared word at %#x was written by warp %d in line %d, with no barrier between", 4*i, x.writer-1, x.wline)
	}
	me := uint64(1) << w.id
	if !write {
		if !x.written {
			w.fail(lane, "the shared word at %#x is read before it was written", 4*i)
		}
		x.readers |= me
		x.rline = int32(w.cur.line)
		return
	}
	if others := x.readers &^ me; others != 0 {
		w.fail(lane, "race: the shared word at %#x was read by warp %d in line %d, with no barrier between", 4*i, bits.TrailingZeros64(others), x.rline)
	}
	x.writer, x.wline, x.written = int16(w.id+1), int32(w.cur.line), true
}

// A flight is the bytes of one lane's cp.async: they were read when it was
// issued and land when the thread waits for its group.
type flight struct {
	lane, to int
	data     []byte
}

func (w *warp) takeOff(to uint64, data []byte, lane int) {
	w.shared(to, len(data), lane, true)
	at := int(to & 0xffffffff)
	for i := at / 4; i < (at+len(data))/4; i++ {
		w.cta.words[i].flight = true
	}
	w.open = append(w.open, flight{lane, at, data})
}

func (w *warp) land(group []flight) {
	for _, f := range group {
		copy(w.cta.shared[f.to:], f.data)
		for i := f.to / 4; i < (f.to+len(f.data))/4; i++ {
			w.cta.words[i].flight = false
			w.watch(i, f.lane, true)
		}
	}
}
