package simd

import (
	"fmt"
	"math"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"heavytail/internal/isa"
	"heavytail/internal/numtest"
)

// The assembly reads the fields of Tiles at these offsets (asm/gemm, asm/neon).
func TestTilesLayout(t *testing.T) {
	if math.MaxInt == math.MaxInt32 {
		t.Skip("there is no assembly for 32 bits")
	}
	var x Tiles
	for i, off := range []uintptr{
		unsafe.Offsetof(x.A), unsafe.Offsetof(x.B), unsafe.Offsetof(x.C), unsafe.Offsetof(x.Bias),
		unsafe.Offsetof(x.Res), unsafe.Offsetof(x.Zero), unsafe.Offsetof(x.AOff), unsafe.Offsetof(x.BOff),
		unsafe.Offsetof(x.COff), unsafe.Offsetof(x.ROff),
	} {
		require.EqualValues(t, 24*i, off)
	}
	for i, off := range []uintptr{
		unsafe.Offsetof(x.N), unsafe.Offsetof(x.Rows), unsafe.Offsetof(x.Cols), unsafe.Offsetof(x.Segs),
		unsafe.Offsetof(x.K), unsafe.Offsetof(x.KA), unsafe.Offsetof(x.KB), unsafe.Offsetof(x.AStep),
		unsafe.Offsetof(x.CStep), unsafe.Offsetof(x.RStep), unsafe.Offsetof(x.AInc), unsafe.Offsetof(x.CInc),
		unsafe.Offsetof(x.RInc), unsafe.Offsetof(x.BInc), unsafe.Offsetof(x.Acc),
	} {
		require.EqualValues(t, 240+8*i, off)
	}
	require.EqualValues(t, unsafe.Offsetof(x.Acc)+1, unsafe.Offsetof(x.Packed))
	require.EqualValues(t, unsafe.Offsetof(x.Acc)+2, unsafe.Offsetof(x.Beside))
	require.EqualValues(t, 360, unsafe.Offsetof(x.Next))
	require.EqualValues(t, 384, unsafe.Offsetof(x.Soon))
	require.EqualValues(t, 385, unsafe.Offsetof(x.Far))
}

// tilesCase is the shape of one test of Tiles.
type tilesCase struct {
	n, rows, valid, cols, segs, k, ka, pad int
	bInc                                   int
	bias, res, inPlace, acc                bool
	beside                                 bool // rows are neighbours in A, ka apart at least: A is transposed
	packed                                 bool // B is a panel
}

func (c tilesCase) String() string {
	return fmt.Sprintf("n=%d,rows=%d/%d,cols=%d,segs=%d,k=%d,ka=%d,bias=%v,res=%v/%v,acc=%v,beside=%v,packed=%v",
		c.n, c.valid, c.rows, c.cols, c.segs, c.k, c.ka, c.bias, c.res, c.inPlace, c.acc, c.beside, c.packed)
}

// tilesMemory is where a test's slices lie: against guard pages.
type tilesMemory struct {
	a, b, c, bias, res, zero []float32
	front                    bool
}

func newTilesMemory(t *testing.T, front bool) *tilesMemory {
	g := func(n int) []float32 { return numtest.Guarded(t, n, front) }
	return &tilesMemory{g(1 << 14), g(1 << 14), g(1 << 13), g(64), g(1 << 13), g(1 << 10), front}
}

// piece returns n floats of buf next to its guard page.
func (m *tilesMemory) piece(buf []float32, n int) []float32 {
	if m.front {
		return buf[:n:n]
	}
	return buf[len(buf)-n:]
}

// build fills the tiles of case c with values from fill; every third entry of
// the row table is a zero row. Tiles lie one after the other, rows in the
// reverse order, pad floats between what is used.
func (c tilesCase) build(m *tilesMemory, fill func([]float32)) *Tiles {
	t := &Tiles{N: c.n, Rows: c.rows, Cols: c.cols, Segs: c.segs, K: c.k, KA: c.ka, KB: c.cols + c.pad, Acc: c.acc, Packed: c.packed, Beside: c.beside && c.valid == c.rows}
	span, width := (c.k-1)*c.ka+1, c.cols+c.pad
	unread := c.pad // of the last row of B
	if c.packed {
		t.KB, unread = TileCols, 0
	}
	row := func(i int) int { return c.valid - 1 - min(i, c.valid-1) }
	t.AStep, t.CStep, t.RStep = c.segs*TileRows, 0, c.rows
	for n := range c.n {
		for s := range c.segs {
			for i := range TileRows {
				off := (s*c.valid+row(i))*span + n*c.pad
				if c.beside {
					off = s*c.k*c.ka + min(i, c.valid-1) + n*c.pad
				} else if (n+s+row(i))%3 == 2 {
					off = -1 - i
				}
				t.AOff = append(t.AOff, int32(off))
			}
		}
		for i := range c.rows {
			t.ROff = append(t.ROff, int32((n*c.valid+row(i))*width))
		}
	}
	for i := range c.rows {
		t.COff = append(t.COff, int32(row(i)*width))
	}
	for s := range c.segs {
		t.BOff = append(t.BOff, int32((c.segs-1-s)*c.k*t.KB))
	}
	t.CInc, t.BInc = c.valid*width, c.bInc
	t.A = m.piece(m.a, max(0, c.segs*c.valid*span+(c.n-1)*c.pad))
	if c.beside {
		t.A = m.piece(m.a, (c.segs*c.k-1)*c.ka+c.valid+(c.n-1)*c.pad)
	}
	t.B = m.piece(m.b, max(0, c.segs*c.k*t.KB-unread+(c.n-1)*c.bInc))
	t.C = m.piece(m.c, c.n*c.valid*width-c.pad)
	t.Zero = m.piece(m.zero, span)
	clear(t.Zero)
	fill(t.A)
	fill(t.B)
	fill(t.C)
	if c.k%3 > 0 { // before a page that cannot be read: what is fetched beyond it must not matter
		t.Next, t.Soon = t.B[len(t.B)-min(len(t.B), c.k):], c.k%3 > 1
	}
	t.Far = c.k%2 > 0
	if c.bias {
		t.Bias = m.piece(m.bias, c.cols)
		fill(t.Bias)
	}
	if c.res {
		t.Res = m.piece(m.res, len(t.C))
		fill(t.Res)
		if c.inPlace {
			t.Res, t.RInc, t.RStep, t.ROff = t.C, t.CInc, t.CStep, t.COff
		}
	}
	return t
}

// tilesTwin returns what C must hold, in float64, and for each value the sum
// of the magnitudes of its terms.
func tilesTwin(t *Tiles) (want, size []float64) {
	for _, v := range t.C {
		want, size = append(want, float64(v)), append(size, 0)
	}
	for n := range t.N {
		for i := range t.Rows {
			c := n*t.CInc + int(t.COff[n*t.CStep+i])
			for j := range t.Cols {
				sum, abs := 0.0, 0.0
				add := func(v float64) { sum, abs = sum+v, abs+math.Abs(v) }
				if t.Acc {
					add(float64(t.C[c+j]))
				}
				for s := range t.Segs {
					for k := range t.K {
						if off := t.AOff[n*t.AStep+s*TileRows+i]; off >= 0 {
							add(float64(t.A[n*t.AInc+int(off)+k*t.KA]) * float64(t.B[n*t.BInc+int(t.BOff[s])+k*t.KB+j]))
						}
					}
				}
				if t.Bias != nil {
					add(float64(t.Bias[j]))
				}
				if t.Res != nil {
					add(float64(t.Res[n*t.RInc+int(t.ROff[n*t.RStep+i])+j]))
				}
				want[c+j], size[c+j] = sum, abs
			}
		}
	}
	return want, size
}

// tilesWrong reports the first element of C that differs from the twin by
// more than the rounding of its chain, or that run changed between the rows.
func tilesWrong(t *Tiles, run func(*Tiles)) error {
	want, size := tilesTwin(t)
	run(t)
	terms := float64(t.Segs*t.K + 3)
	for i, w := range want {
		if d := math.Abs(float64(t.C[i]) - w); !(d <= terms*0x1p-24*size[i]) {
			return fmt.Errorf("element %d: %v, want %v", i, t.C[i], w)
		}
	}
	return nil
}

// tilesCases covers every height, width and option.
func tilesCases() []tilesCase {
	var out []tilesCase
	for cols := 1; cols <= TileCols; cols++ {
		for _, rows := range []int{4, 8, 12} {
			i := len(out)
			out = append(out, tilesCase{n: 1 + i%3, rows: rows, valid: rows - (i%4)*(i/7%2), cols: cols, segs: 1 + i%2, k: 1 + i%5,
				ka: 1 + i/3%2*2, pad: i % 3, bInc: i / 2 % 3 * 40, bias: i%2 == 0, res: i%3 > 0, inPlace: i%3 == 2, acc: i%5 == 1})
		}
	}
	for i, cols := range []int{1, 2, 3, 4, 8, 16, 31, 32} {
		for _, rows := range []int{4, 8, 12} {
			for _, k := range []int{3, 4, 7, 9} {
				out = append(out, tilesCase{n: 2, rows: rows, valid: rows - i%2, cols: cols, segs: 2, k: k, ka: 1, pad: i % 3, acc: i%2 == 0},
					tilesCase{n: 2, rows: rows, valid: rows, cols: cols, segs: 2, k: k, ka: 14, pad: 1, res: true, beside: true})
			}
		}
	}
	for _, cols := range []int{1, 9, 16, 17, 32} { // terms of panels are added four at a time
		for _, rows := range []int{4, 8, 12} {
			for _, k := range []int{1, 4, 7, 12} {
				out = append(out, tilesCase{n: 2, rows: rows, valid: rows - k%2, cols: cols, segs: 2, k: k, ka: 1 + k%7/5, pad: 1,
					bInc: 32 * k, bias: k == 4, acc: k == 7, packed: true})
			}
		}
	}
	for i, cols := range []int{1, 2, 3, 4, 6, 8, 13, 16, 24, 32} { // sums of so many terms that a turn adds 8, 16 or 32
		for _, k := range []int{8, 16, 21, 36} {
			for _, rows := range []int{4, 8, 12} {
				out = append(out, tilesCase{n: 2, rows: rows, valid: rows - i%3, cols: cols, segs: 2, k: k, ka: 1, pad: i % 3, bias: k == 21, acc: i%2 == 0})
			}
			out = append(out, tilesCase{n: 1, rows: 4, valid: 1, cols: cols, segs: 2, k: k, ka: 1, pad: 1, bias: k > 16, res: k < 21, inPlace: k == 8, acc: k > 21})
		}
		for _, rows := range []int{4, 8, 12} {
			for _, k := range []int{9, 41} {
				out = append(out, tilesCase{n: 2, rows: rows, valid: rows, cols: cols, segs: 2, k: k, ka: 12, pad: i % 2, bias: true, res: i%2 == 0, acc: i%3 == 0, beside: true, packed: k == 9})
			}
		}
	}
	return append(out,
		tilesCase{n: 1, rows: 12, valid: 11, cols: 32, segs: 3, k: 10, ka: 12, beside: true},
		tilesCase{n: 2, rows: 12, valid: 12, cols: 32, segs: 9, k: 33, ka: 1, bias: true, res: true},
		tilesCase{n: 2, rows: 12, valid: 12, cols: 32, segs: 3, k: 64, ka: 3, acc: true},
		tilesCase{n: 1, rows: 4, valid: 1, cols: 7, segs: 2, k: 3, ka: 1, res: true, inPlace: true},
		tilesCase{n: 1, rows: 8, valid: 5, cols: 32, segs: 0, k: 1, ka: 1, bias: true},
		tilesCase{n: 1, rows: 12, valid: 9, cols: 20, segs: 0, k: 1, ka: 1, acc: true})
}

func TestTiles(t *testing.T) {
	for _, front := range []bool{false, true} {
		m := newTilesMemory(t, front)
		for i, c := range tilesCases() {
			var first []float32
			for _, l := range isa.Available() {
				restore := isa.Force(l)
				r := numtest.NewRand(uint64(i))
				x := c.build(m, func(v []float32) { r.Fill(v, 1) })
				err := tilesWrong(x, (*Tiles).Run)
				restore()
				require.NoError(t, err, "%v at %v", c, l)
				if first == nil {
					first = append(first, x.C...)
				}
				numtest.SameBits(t, first, x.C, fmt.Sprintf("%v at %v", c, l))
			}
		}
	}
}

// Values over all exponents, infinities and NaN give the same bits everywhere.
func TestTilesWild(t *testing.T) {
	m := newTilesMemory(t, false)
	for i, c := range tilesCases() {
		var first []float32
		for _, l := range isa.Available() {
			restore := isa.Force(l)
			r := numtest.NewRand(uint64(i))
			x := c.build(m, func(v []float32) { r.Wild(v, i%4 == 0) })
			x.Run()
			restore()
			if first == nil {
				first = append(first, x.C...)
			}
			numtest.SameBits(t, first, x.C, fmt.Sprintf("%v at %v", c, l))
		}
	}
}

// looseWrong reports what run, of tiles whose columns are not full, does to the columns
// that exist and to those behind the vectors in which they end.
func looseWrong(m *tilesMemory, rows, cols, k int, run func(*Tiles)) error {
	c := tilesCase{n: 2, rows: rows, valid: rows, cols: TileCols, segs: 1, k: k, ka: 12, beside: true, packed: true}
	r := numtest.NewRand(5)
	x := c.build(m, func(v []float32) { r.Fill(v, 1) })
	x.Cols = cols
	want := append([]float32(nil), x.C...)
	exact := *x
	exact.C = want
	exact.Run()
	x.Loose = true
	run(x)
	for i, v := range x.C {
		if at := i % TileCols; (at < cols || at >= (cols+15)&^15) && math.Float32bits(v) != math.Float32bits(want[i]) {
			return fmt.Errorf("%d rows, %d columns: element %d: %v, want %v", rows, cols, i, v, want[i])
		}
	}
	return nil
}

func TestLooseTiles(t *testing.T) {
	for _, front := range []bool{false, true} {
		m := newTilesMemory(t, front)
		numtest.EachLevel(t, func(t *testing.T) {
			for cols := 1; cols <= TileCols; cols++ {
				for _, rows := range []int{4, 8, 12} {
					require.NoError(t, looseWrong(m, rows, cols, 1+cols%9, (*Tiles).Run))
				}
			}
		})
	}
	m := newTilesMemory(t, false)
	for name, run := range map[string]func(*Tiles){
		"short columns": func(x *Tiles) { x.Cols, x.Loose = x.Cols-1, false; x.Run() },
		"all columns":   func(x *Tiles) { x.Cols = TileCols; x.Run() },
	} {
		require.Error(t, looseWrong(m, 8, 13, 5, run), name)
	}
}

// TestTiles must reject kernels that are broken in these ways.
func TestTilesMutants(t *testing.T) {
	mutants := map[string]func(*Tiles){
		"no-op":           func(*Tiles) {},
		"short columns":   func(x *Tiles) { x.Cols--; x.Run() },
		"short sum":       func(x *Tiles) { x.K--; x.Run() },
		"short segments":  func(x *Tiles) { x.Segs--; x.Run() },
		"last tile lost":  func(x *Tiles) { x.N--; x.Run() },
		"no bias":         func(x *Tiles) { x.Bias = nil; x.Run() },
		"no residual":     func(x *Tiles) { x.Res = nil; x.Run() },
		"sum restarted":   func(x *Tiles) { x.Acc = false; x.Run() },
		"rows swapped":    func(x *Tiles) { x.COff[0], x.COff[1] = x.COff[1], x.COff[0]; x.Run() },
		"zero row loaded": func(x *Tiles) { x.AOff[2] = 0; x.Run() },
		"one B for all":   func(x *Tiles) { x.BInc = 0; x.Run() },
		"one past end":    func(x *Tiles) { x.Run(); x.C[x.Cols]++ },
		"NaN":             func(x *Tiles) { x.Run(); x.C[0] = float32(math.NaN()) },
	}
	c := tilesCase{n: 2, rows: 8, valid: 8, cols: 21, segs: 3, k: 5, ka: 1, pad: 2, bInc: 64, bias: true, res: true, acc: true}
	m := newTilesMemory(t, false)
	for name, run := range mutants {
		r := numtest.NewRand(3)
		x := c.build(m, func(v []float32) { r.Fill(v, 1) })
		require.Error(t, tilesWrong(x, run), name)
	}
}

func TestTilesChecksAndAllocates(t *testing.T) {
	c := tilesCase{n: 2, rows: 12, valid: 12, cols: 32, segs: 1, k: 3, ka: 1}
	m := newTilesMemory(t, false)
	numtest.EachLevel(t, func(t *testing.T) {
		x := c.build(m, func(v []float32) { clear(v) })
		require.Zero(t, testing.AllocsPerRun(20, func() { y := *x; y.Run() }))
		for _, breakIt := range []func(*Tiles){
			func(x *Tiles) { x.Rows = 6 }, func(x *Tiles) { x.Cols = 0 }, func(x *Tiles) { x.Cols = 33 },
			func(x *Tiles) { x.K = 0 }, func(x *Tiles) { x.BOff = nil }, func(x *Tiles) { x.N = 4 },
			func(x *Tiles) { x.Bias = x.A[:5] }, func(x *Tiles) { x.KB, x.Packed = 33, true }, func(x *Tiles) { x.Res, x.ROff = x.C, nil },
			func(x *Tiles) { x.Loose = true }, func(x *Tiles) { x.KB, x.Packed, x.Loose, x.Bias = 32, true, true, x.A },
			func(x *Tiles) { x.KB, x.Packed, x.Loose, x.Res, x.ROff = 32, true, true, x.C, x.COff },
		} {
			y := *x
			breakIt(&y)
			require.Panics(t, y.Run)
		}
		y := *x
		y.N = 0
		y.Run()
		require.Positive(t, PeakFlops(10))
	})
}

// What a caller takes for fetched is what the level's kernel asks for: a line with four
// terms of a segment of a tile, four or three lines where AVX-512 is to hurry, one from each
// part of the tile where AVX2 is.
func TestFetched(t *testing.T) {
	for _, l := range isa.Available() {
		restore := isa.Force(l)
		x := Tiles{N: 2, Segs: 3, K: 9, Rows: 8, Cols: 17}
		require.Equal(t, 2*3*2*16, x.Fetched(), l)
		x.Soon = true
		for rows, lines := range map[int]int{4: 1, 8: 4, 12: 3} {
			if l == isa.AVX2 {
				lines = map[int]int{4: 2, 8: 4, 12: 4}[rows]
			} else if l != isa.AVX512 {
				lines = 1
			}
			x.Rows = rows
			require.Equal(t, 2*3*2*16*lines, x.Fetched(), l)
		}
		restore()
	}
}
