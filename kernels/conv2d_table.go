package kernels

import (
	"sync"

	"heavytail/internal/shapes"
	"heavytail/simd"
	"heavytail/tensor"
)

// convKey is the geometry of a convolution pass: where it reads for each
// output. Equal geometries share their tables.
type convKey struct {
	back           bool // dx from dy, else y from x
	up             bool
	after          bool // padded below and on the right only
	k, stride      int
	h, w           int // of x, before upsampling
	read           int // channels of the tensor that is read
	aPitch         int // of the tensor that is read
	cPitch, rPitch int // of the tensor that is written and of res
}

// convPart is a set of output pixels that see the same taps: all of them, or
// those of one parity of row and column.
type convPart struct {
	segs    int     // taps
	bOff    []int32 // per tap: offset of its matrix in a packed panel
	aOff    []int32 // [tile][tap][12]: offset of the pixel read, −1 outside
	cOff    []int32 // [tile][12]
	rOff    []int32 // [tile][12]
	runs    []tileRun
	tileLen int // tiles in all
}

// tileRun is a run of equally tall tiles.
type tileRun struct{ first, tiles, height int }

// convTable lists the parts of one image; offsets count from its first pixel.
type convTable struct {
	parts   []convPart
	tiles   int // of all parts
	packTap int // matrices in the packed weight
}

// tap is one term of a convolution seen from an output pixel: matrix number
// mat, input pixel (y·mul + oy, x·mul + ox) where (y, x) counts the part's
// pixels.
type tap struct{ mat, oy, ox, mul int }

// lattice is a set of pixels (y·step + oy, x·step + ox), y < h, x < w.
type lattice struct{ h, w, step, oy, ox int }

// geometries remembers what was built for the latest geometries of kind K.
type geometries[K comparable, T any] struct {
	sync.RWMutex
	m map[K]*T
}

// geometriesKept bounds each cache; a U-Net has about 30 geometries.
const geometriesKept = 256

// of returns what build makes of geometry k.
func (g *geometries[K, T]) of(k K, build func(K) *T) *T {
	g.RLock()
	t := g.m[k]
	g.RUnlock()
	if t != nil {
		return t
	}
	t = build(k)
	g.Lock()
	defer g.Unlock()
	if g.m == nil || len(g.m) >= geometriesKept {
		g.m = make(map[K]*T)
	}
	g.m[k] = t
	return t
}

var convTables geometries[convKey, convTable]

// tableFor returns the tables of geometry k.
func tableFor(k convKey) *convTable { return convTables.of(k, buildTable) }

// outSize returns the height or width of y for n pixels of x.
func (k *convKey) outSize(n int) int {
	return shapes.ConvOut(n, tensor.ConvOpt{Up: k.up, After: k.after, Stride: k.stride})
}

// pad is how many rows and columns of zeros come before the image.
func (k *convKey) pad() int {
	if k.after {
		return 0
	}
	return k.k / 2
}

func buildTable(k convKey) *convTable {
	t := &convTable{packTap: k.k * k.k}
	ho, wo := k.outSize(k.h), k.outSize(k.w)
	if k.up && k.k == 3 {
		t.packTap = 16
	}
	switch {
	case k.up && k.back:
		t.add(&k, lattice{k.h, k.w, 1, 0, 0}, upTapsBack(k.k), ho, wo)
	case k.up:
		for par := range 4 {
			t.add(&k, lattice{k.h, k.w, 2, par / 2, par % 2}, upTaps(k.k, par), k.h, k.w)
		}
	case k.back:
		s := k.stride
		for par := range s * s {
			py, px := par/s, par%s
			l := lattice{(k.h - py + s - 1) / s, (k.w - px + s - 1) / s, s, py, px}
			t.add(&k, l, tapsBack(k.k, s, py+k.pad(), px+k.pad()), ho, wo)
		}
	default:
		var taps []tap
		for i := range k.k * k.k {
			taps = append(taps, tap{i, i/k.k - k.pad(), i%k.k - k.pad(), k.stride})
		}
		t.add(&k, lattice{ho, wo, 1, 0, 0}, taps, k.h, k.w)
	}
	return t
}

// tapsBack lists the taps through which a pixel that lies at (s·y+py, s·x+px)
// of the padded x reaches an output: (ky, kx) with s·y + py − ky divisible by s.
func tapsBack(k, s, py, px int) (taps []tap) {
	for i := range k * k {
		oy, ox := py-i/k, px-i%k
		if oy%s == 0 && ox%s == 0 {
			taps = append(taps, tap{i, oy / s, ox / s, 1})
		}
	}
	return taps
}

// upTaps lists the source pixels that outputs (2y+py, 2x+px) of an upsampled
// convolution see: with k = 3 two per axis, whose weights upSums adds.
func upTaps(k, par int) (taps []tap) {
	if k == 1 {
		return []tap{{0, 0, 0, 1}}
	}
	for i := range 4 {
		taps = append(taps, tap{par*4 + i, i/2 - 1 + par/2, i%2 - 1 + par%2, 1})
	}
	return taps
}

// upTapsBack inverts upTaps: the outputs that source pixel (y, x) reaches.
func upTapsBack(k int) (taps []tap) {
	for par := range 4 {
		for _, u := range upTaps(k, par) {
			taps = append(taps, tap{u.mat, par/2 - 2*u.oy, par%2 - 2*u.ox, 2})
		}
	}
	return taps
}

// add appends the part that writes the pixels l and reads taps from an image
// of h×w pixels.
func (t *convTable) add(k *convKey, l lattice, taps []tap, h, w int) {
	const rows = simd.TileRows
	p := convPart{segs: len(taps)}
	for _, u := range taps {
		p.bOff = append(p.bOff, int32(u.mat*k.read*simd.TileCols))
	}
	wide := k.w // of the image that is written
	if !k.back {
		wide = k.outSize(k.w)
	}
	runs, n := rowRuns(l.h * l.w)
	for _, r := range runs[:n] {
		p.runs = append(p.runs, tileRun{p.tileLen, r.tiles, r.height})
		p.tileLen += r.tiles
		for i := range r.tiles {
			var pix [rows]int // pixels of l
			for j := range pix {
				pix[j] = r.row + i*r.height + min(j, r.valid-1)
				at := (pix[j]/l.w*l.step+l.oy)*wide + pix[j]%l.w*l.step + l.ox
				p.cOff = append(p.cOff, int32(at*k.cPitch))
				p.rOff = append(p.rOff, int32(at*k.rPitch))
			}
			for _, u := range taps {
				for _, q := range pix {
					y, x := q/l.w*u.mul+u.oy, q%l.w*u.mul+u.ox
					off := -1
					if y >= 0 && y < h && x >= 0 && x < w {
						off = (y*w + x) * k.aPitch
					}
					p.aOff = append(p.aOff, int32(off))
				}
			}
		}
	}
	t.parts = append(t.parts, p)
	t.tiles += p.tileLen
}
