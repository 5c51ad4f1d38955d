package kernels

import (
	"heavytail/internal/conv"
	"heavytail/simd"
)

// convKey is the geometry of a convolution pass: where it reads for each
// output. Equal geometries share their tables.
type convKey struct {
	conv.Shape
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

var convTables geometries[convKey, *convTable]

// tableFor returns the tables of geometry k.
func tableFor(k convKey) *convTable { return convTables.of(k, buildTable) }

// bytes returns the memory that t takes.
func (t *convTable) bytes() int64 {
	n := 0
	for _, p := range t.parts {
		n += len(p.bOff) + len(p.aOff) + len(p.cOff) + len(p.rOff) + 6*len(p.runs)
	}
	return 4 * int64(n)
}

func buildTable(k convKey) *convTable {
	t := &convTable{packTap: k.Mats()}
	for _, p := range k.Parts() {
		t.add(&k, p)
	}
	return t
}

// add appends a part.
func (t *convTable) add(k *convKey, of conv.Part) {
	const rows = simd.TileRows
	l, taps, h, w := of.Lattice, of.Taps, of.ReadH, of.ReadW
	p := convPart{segs: len(taps)}
	for _, u := range taps {
		p.bOff = append(p.bOff, int32(u.Mat*k.read*simd.TileCols))
	}
	wide := k.W // of the image that is written
	if !k.Back {
		wide = k.Out(k.W)
	}
	runs, n := rowRuns(l.H * l.W)
	tiles := 0
	for _, r := range runs[:n] {
		tiles += r.tiles
	}
	p.aOff = make([]int32, 0, tiles*len(taps)*rows)
	p.cOff, p.rOff = make([]int32, 0, tiles*rows), make([]int32, 0, tiles*rows)
	for _, r := range runs[:n] {
		p.runs = append(p.runs, tileRun{p.tileLen, r.tiles, r.height})
		p.tileLen += r.tiles
		for i := range r.tiles {
			var pix [rows]int // pixels of l
			for j := range pix {
				pix[j] = r.row + i*r.height + min(j, r.valid-1)
				at := (pix[j]/l.W*l.Step+l.Y)*wide + pix[j]%l.W*l.Step + l.X
				p.cOff = append(p.cOff, int32(at*k.cPitch))
				p.rOff = append(p.rOff, int32(at*k.rPitch))
			}
			for _, u := range taps {
				for _, q := range pix {
					y, x := q/l.W*u.Mul+u.Y, q%l.W*u.Mul+u.X
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
