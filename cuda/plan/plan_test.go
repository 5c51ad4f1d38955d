package plan

import (
	"encoding/binary"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/cuda/gen"
	"heavytail/internal/conv"
)

// recorder collects launches and what they say of M, H, W, ….
type recorder struct {
	Stream
	all []Launch
}

func newRecorder() *recorder {
	r := &recorder{Stream: Stream{Processors: 132}}
	r.Run = func(l Launch) {
		l.Params = append([]byte{}, l.Params...)
		r.all = append(r.all, l)
	}
	return r
}

// word is parameter i of those of 32 bits, behind n of 64.
func (l Launch) word(n, i int) int { return int(binary.LittleEndian.Uint32(l.Params[8*n+4*i:])) }

func (l Launch) address(i int) uint64 { return binary.LittleEndian.Uint64(l.Params[8*i:]) }

// No launch has more blocks or longer offsets than a GPU takes, and together they
// have all rows, each behind the one before.
func TestLargeBatches(t *testing.T) {
	const base = 1 << 20
	for _, c := range []struct{ n, h, w, c, o int }{
		{3000, 64, 64, 3, 5}, {1 << 17, 16, 16, 16, 64}, {2, 2000, 2000, 300, 4}, {1, 8, 8, 16, 16},
	} {
		x, y := Image{base, c.n, c.h, c.w, c.c, c.c}, Image{base, c.n, c.h, c.w, c.o, c.o}
		r := newRecorder()
		r.Conv(y, x, base, 0, Image{}, conv.Shape{K: 3, Stride: 1, H: c.h, W: c.w})
		p := newRecorder()
		p.Product(Rows(base, x.pixels(), c.o, c.o), Rows(base, x.pixels(), c.c, c.c), base, c.o, 0, Image{}, Batch{})
		for _, all := range [][]Launch{r.all, p.all} {
			rows := 0
			for _, l := range all {
				require.Equal(t, base+4*uint64(rows*c.c), l.address(0), "%+v", c)
				require.Equal(t, base+4*uint64(rows*c.o), l.address(2), "%+v", c)
				m := l.word(5, 0)
				require.LessOrEqual(t, l.Grid[1], uint32(maxY))
				require.LessOrEqual(t, int64(m)*int64(max(c.c, c.o)), int64(maxOffset), "%+v", c)
				require.GreaterOrEqual(t, int(l.Grid[1])*128, m)
				rows += m
			}
			require.Equal(t, x.pixels(), rows, "%+v", c)
		}
	}
}

// The tiles of Winograd's form come in pieces that fit into the cache, all of them
// once, and no piece leaves more of the last round of blocks empty than needed.
func TestWinogradPieces(t *testing.T) {
	for _, c := range []struct{ m, n, h, w, ch int }{{4, 64, 32, 32, 128}, {4, 64, 16, 16, 256}, {4, 64, 8, 8, 256}, {4, 1, 32, 32, 128},
		{conv.Up, 64, 16, 15, 256}, {conv.Up, 64, 5, 4, 256}, {conv.Up, 1, 16, 16, 128}} {
		x := Image{1 << 20, c.n, c.h, c.w, c.ch, c.ch}
		y := x
		if c.m == conv.Up {
			y.H, y.W = 2*x.H, 2*x.W
		}
		r := newRecorder()
		r.Winograd(c.m, y, x, 1<<20, 0, Image{}, 1<<30)
		tiles, names := 0, gen.Winograd(c.m).Names()
		for i := 0; i < len(r.all); i += 3 {
			in, product, out := r.all[i], r.all[i+1], r.all[i+2]
			require.Equal(t, []string{names.In, names.Out}, []string{in.Entry, out.Entry})
			require.EqualValues(t, gen.Winograd(c.m).Points(), product.Grid[2])
			along, each := conv.Along(c.w, c.m), conv.Tiles(c.h, c.w, c.m)
			for _, l := range []struct {
				Launch
				of Image
			}{{in, x}, {out, y}} {
				require.Equal(t, []int{tiles, l.of.H, l.of.W, along, each}, []int{l.word(2, 1), l.word(2, 2), l.word(2, 3), l.word(2, 4), l.word(2, 5)}, "first, sizes and tiles")
			}
			require.Equal(t, in.word(2, 0), out.word(2, 0))
			tiles += in.word(2, 0)
		}
		require.Equal(t, c.n*conv.Tiles(c.h, c.w, c.m), tiles)
		require.LessOrEqual(t, 4*r.WinogradRoom(c.m, y, x), defaultCache)
	}
}

// What a tile is said to cost is what ptxas made of it, to a tenth: instructions of the
// main loop, of copies and of reads of shared memory. Loops of any sizes hold two forms
// of the terms, of which Cost counts one.
func TestCost(t *testing.T) {
	text, err := os.ReadFile("../ptx/loops.txt")
	require.NoError(t, err)
	counted := map[string]int{}
	for _, line := range strings.Split(string(text), "\n") {
		if f := strings.Fields(line); len(f) > 2 && f[1] == "sm_90" {
			counted[f[0]], err = strconv.Atoi(f[2])
			require.NoError(t, err)
		}
	}
	check := func(name string, c gen.Cost) {
		require.InEpsilon(t, counted[name], c.Instructions, 0.1, name)
	}
	for _, g := range gen.SGEMMs {
		if !g.Any {
			check(g.Name, g.Cost())
		}
	}
	for _, g := range gen.Wgrads {
		if !g.Any {
			check(g.Name, g.Cost())
		}
	}
	two := gen.Cost{Instructions: 100, Warps: 2, Wavefronts: 60} // one block has two schedulers, two have four
	require.Equal(t, []int{100, 120, 180}, []int{two.Cycles(1), two.Cycles(2), two.Cycles(3)})
}

// On 132 processors the tilings are those that docs/cuda.md predicts to be the fastest.
func TestTilingsOfAnH100(t *testing.T) {
	s := Stream{Processors: 132}
	for _, c := range []struct {
		m, n, taps int
		plain      bool
		want       string
	}{
		{128, 128, 9, false, "wgrad_taps_64x32"},
		{256, 256, 9, false, "wgrad_taps_128x64"},
		{64, 64, 9, false, "wgrad_taps_32x16"},
		{384, 128, 1, true, "wgrad_32x16"},
		{1024, 512, 1, true, "wgrad_64x64"},
		{1024, 1024, 1, true, "wgrad_128x64"},
		{128, 128, 36 * 6, true, "wgrad_128x64"},
	} {
		require.Equal(t, c.want, s.wgrad(c.m, c.n, c.taps, c.plain, true).Name, "%+v", c)
	}
	for _, c := range []struct {
		m, n, batch int
		want        string
	}{{65536, 128, 1, "sgemm_128x128"}, {4096, 256, 1, "sgemm_128x64"}, {1024, 128, 1, "sgemm_64x64"}, {256, 256, 36, "sgemm_128x64"}} {
		g, _ := s.tiling(c.m, c.n, c.batch, products)
		require.Equal(t, c.want, g.Name, "%+v", c)
	}
}

// A steady state allocates nothing.
func TestAllocates(t *testing.T) {
	s := Stream{Processors: 132, Run: func(Launch) {}}
	x, double := Image{1 << 20, 2, 16, 16, 64, 64}, Image{1 << 20, 2, 32, 32, 64, 64}
	require.Zero(t, testing.AllocsPerRun(10, func() {
		s.Winograd(4, x, x, 1<<20, 0, x, 1<<30)
		s.Winograd(conv.Up, double, x, 1<<20, 0, double, 1<<30)
		s.Product(x, x, 1<<20, 64, 0, x, Batch{})
		s.WeightGradient(1<<20, x, x, conv.Shape{K: 3, Stride: 1, H: 16, W: 16})
		s.Conv(x, x, 1<<20, 0, x, conv.Shape{K: 3, Stride: 1, H: 16, W: 16})
		s.Boxes(1<<20, x)
	}))
}

// Gradients of weights in Winograd's form go over the images in groups, and over the
// tiles of an image that is too large in pieces: all of them once, in order, within the
// room and the limits of a grid, sums of further pieces going on.
func TestWinogradWeightPieces(t *testing.T) {
	const base, room = 1 << 20, 1 << 28
	for _, c := range []struct{ n, h, w, c, o, m, groups, pieces int }{
		{64, 32, 32, 128, 128, 4, 10, 1}, {64, 7, 7, 64, 64, 2, 1, 1}, {5000, 6, 6, 8, 1, 2, 2, 1}, {3, 16, 16, 512, 512, 4, 3, 1},
		{2, 256, 250, 130, 127, 4, 2, 5}, {1, 513, 1, 2048, 2048, 2, 1, 2}, {0, 8, 8, 8, 8, 2, 0, 0},
	} {
		x, dy := Image{base, c.n, c.h, c.w, c.c, c.c}, Image{base, c.n, c.h, c.w, c.o, c.o}
		r, cols, rows := newRecorder(), roundUp(c.o), roundUp(c.c)
		points, each, floats := (c.m+2)*(c.m+2), conv.Tiles(c.h, c.w, c.m), r.WinogradWeightsRoom(c.m, dy, x)
		r.WinogradWeights(c.m, base, dy, x, room)
		images, tiles, groups := 0, 0, 0
		for i := 0; i < len(r.all); i++ {
			l := r.all[i]
			for j, g := range l.Grid {
				require.LessOrEqual(t, int64(g), []int64{1<<31 - 1, maxY, maxY}[j], "%+v: %s", c, l.Entry)
			}
			if l.Threads == gen.WinoSumThreads {
				require.Equal(t, each, tiles, "%+v", c)
				images, tiles, groups = images+l.word(2, 0), 0, groups+1
				continue
			}
			// In, Grad and the product of a piece
			product := r.all[i+2]
			n, k := int(product.Grid[2])/points, product.word(3, 4)
			require.Equal(t, []int{n * k, tiles, n * k, tiles}, []int{l.word(2, 0), l.word(2, 1), r.all[i+1].word(2, 0), r.all[i+1].word(2, 1)}, "%+v", c)
			require.Equal(t, uint64(base+4*images*c.h*c.w*c.c), l.address(1), "%+v", c)
			require.Equal(t, number(tiles > 0), product.word(3, 9), "%+v: goes on", c)
			v, d := room+4*n*points*rows*cols, room+4*n*points*(rows*cols+k*rows)
			require.Equal(t, []uint64{uint64(v), uint64(d), room}, []uint64{product.address(0), product.address(1), product.address(2)}, "%+v", c)
			require.LessOrEqual(t, d+4*n*points*k*cols, room+4*floats, "%+v", c)
			tiles += k
			i += 2
		}
		require.Equal(t, []int{c.n, c.groups, c.pieces * c.groups * 3}, []int{images, groups, len(r.all) - groups}, "%+v", c)
		least := points * (rows*cols + min(each, leastTiles)*(rows+cols))
		require.LessOrEqual(t, floats, max(least, defaultCache/4), "%+v", c)
	}
}
