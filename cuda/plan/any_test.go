package plan

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/cuda/gen"
	"heavytail/internal/conv"
)

// tile is how many rows and columns a block of a kernel makes, and how many
// addresses come before its M and N.
type tile struct{ rows, cols, addresses int }

// tiles are those of products, convolutions and gradients of weights.
func tiles() map[string]tile {
	m := map[string]tile{}
	for _, g := range gen.SGEMMs {
		m[g.Name] = tile{g.BM, g.BN, 5}
	}
	for _, g := range gen.MMAs {
		m[g.Name] = tile{g.BM, g.BN, 4}
	}
	for _, g := range gen.Wgrads {
		m[g.Name] = tile{g.BM, g.BN, 3}
	}
	for _, g := range gen.MMAWeights {
		m[g.Name] = tile{g.BM, g.BN, 3}
	}
	return m
}

// anyImage is an image of about elements values or fewer, some of them as large as a
// GPU's memory, dense or a part of the columns of another, at odd addresses too.
func anyImage(r *rand.Rand, elements int) Image {
	some := func(limit int) int { // up to limit, small ones as often as large ones
		return 1 + int(float64(limit)*math.Exp(-r.Float64()*math.Log(float64(limit)+1)))%max(limit, 1)
	}
	m := Image{At: 1<<20 + 4*uint64(r.IntN(5)), C: some(min(4096, elements))}
	if r.IntN(2) == 0 {
		m.C = (m.C + 31) / 32 * 32
		m.At = 1 << 20
	}
	left := elements / m.C
	m.W = some(min(1<<16, max(left, 1)))
	left /= m.W
	m.H = some(min(1<<16, max(left, 1)))
	left /= m.H
	m.N = some(max(left, 1))
	m.Pitch = m.C + []int{0, 0, 1, 4}[r.IntN(4)]
	return m
}

// launches runs f and returns what it launched, having checked that a GPU takes it:
// grids within its limits, blocks that cover the M×N outputs and none beside them. If
// there is something that no GPU takes, refused must hold, and nothing is returned.
func launches(t *testing.T, of map[string]tile, refused bool, f func(s *Stream)) (all []Launch) {
	over := false
	s := Stream{Processors: 132}
	s.Run = func(l Launch) {
		if max(l.Grid[1], l.Grid[2]) > maxY {
			require.True(t, refused, "%s is refused", l.Entry)
			over = true
			return
		}
		require.Less(t, l.Grid[0], uint32(math.MaxInt32), l.Entry)
		require.Positive(t, l.Threads)
		if g, ok := of[l.Entry]; ok {
			m, n := l.word(g.addresses, 0), l.word(g.addresses, 1)
			require.Equal(t, up(n, g.cols), int(l.Grid[0]), l.Entry)
			require.Equal(t, up(m, g.rows), int(l.Grid[1]), l.Entry)
		}
		l.Params = append([]byte{}, l.Params...)
		all = append(all, l)
	}
	f(&s)
	if over {
		return nil
	}
	return all
}

// whole checks that the M of all launches, unless they were refused, are want.
func whole(t *testing.T, of map[string]tile, want int, all []Launch, name string) {
	rows := 0
	for _, l := range all {
		rows += l.word(of[l.Entry].addresses, 0)
	}
	if all != nil {
		require.Equal(t, want, rows, name)
	}
}

// Products, convolutions of every kind, their gradients, and all of that on tensor
// cores: for images of any size, what is launched is what a GPU can run, and makes
// every output once.
func TestAnyShape(t *testing.T) {
	of, r := tiles(), rand.New(rand.NewPCG(1, 2))
	most := min(math.MaxInt/64, 1<<36) // of an int of 32 bits, or of a GPU's memory
	count, refused := 0, 0
	for i := range 4000 {
		x := anyImage(r, 1<<r.IntN(max(1, min(37, int(math.Log2(float64(most)))))))
		sh := conv.Shape{K: 1 + 2*r.IntN(2), Stride: 1 + r.IntN(2), H: x.H, W: x.W}
		sh.Up = sh.Stride == 1 && r.IntN(3) == 0
		sh.After = sh.Stride == 2 && sh.K == 3 && r.IntN(2) == 0
		y := anyImage(r, 1)
		y.C = 1 + r.IntN(300)
		if r.IntN(2) == 0 {
			y.C, y.At = (y.C+31)/32*32, 1<<20
		}
		y.Pitch = y.C + 4*r.IntN(2)
		y.N, y.H, y.W = x.N, sh.Out(x.H), sh.Out(x.W)
		if y.pixels() > most/y.Pitch || x.pixels() > most/x.Pitch {
			continue
		}
		// One image is more than a launch takes: tiles of 64 rows, offsets of 32 bits.
		large := max(x.H*x.W, y.H*y.W) > maxY*64 || int64(max(x.H*x.W*x.Pitch, y.H*y.W*y.Pitch, x.pixels(), y.pixels())) > maxOffset
		name := fmt.Sprintf("%d: %+v %+v %+v", i, x, y, sh)
		if count++; large {
			refused++
		}
		require.NotPanics(t, func() {
			forward := launches(t, of, large, func(s *Stream) { s.Conv(y, x, 1<<20, 0, Image{}, sh) })
			whole(t, of, y.pixels(), forward, name)
			back, grad := sh, y
			back.Back = true
			if sh.Up {
				grad = BoxesOf(y)
				grad.At = 1 << 20
				large = large || int64(grad.H*grad.W*grad.C) > maxOffset || int64(grad.pixels()) > maxOffset
				boxes(t, large, name, y, grad)
			}
			whole(t, of, x.pixels(), launches(t, of, large, func(s *Stream) { s.Conv(x, grad, 1<<20, 0, Image{}, back) }), name)
			product := launches(t, of, large, func(s *Stream) {
				s.Product(Rows(y.At, y.pixels(), y.C, y.Pitch), Rows(y.At, y.pixels(), x.C, x.Pitch), 1<<20, y.C, 0, Image{}, Batch{})
			})
			whole(t, of, y.pixels(), product, name)
			gradient := launches(t, of, large, func(s *Stream) { s.WeightGradient(1<<20, grad, x, sh) })
			if !large {
				require.Len(t, gradient, 1, name)
				require.Equal(t, sh.K*sh.K, int(gradient[0].Grid[2]), name)
			}
			cores(t, of, large, name, y, x, grad, sh)
		}, name)
	}
	t.Log(count, "shapes,", refused, "of them too large for one launch")
	require.Greater(t, count, 2000)
}

// boxes is the part of TestAnyShape that sums boxes: every element of every image once.
func boxes(t *testing.T, large bool, name string, y, grad Image) {
	images := 0
	for _, l := range launches(t, nil, large, func(s *Stream) { require.Equal(t, grad, s.Boxes(grad.At, y), name) }) {
		require.Equal(t, grad.At+4*uint64(images*grad.H*grad.W*grad.C), l.address(0), name)
		require.Equal(t, y.At+4*uint64(images*y.H*y.W*y.Pitch), l.address(1), name)
		require.GreaterOrEqual(t, 256*int64(l.Grid[0]), int64(grad.H*grad.W*grad.C), name)
		require.Equal(t, grad.H*grad.W*grad.C, l.word(2, 0), name)
		images += int(l.Grid[1])
	}
	if !large {
		require.Equal(t, y.N, images, name)
	}
}

// cores is the part of TestAnyShape on tensor cores.
func cores(t *testing.T, of map[string]tile, large bool, name string, y, x, grad Image, sh conv.Shape) {
	if Halves(y, x, Image{}) {
		whole(t, of, y.pixels(), launches(t, of, large, func(s *Stream) { s.Conv16(y, x, 1<<20, 0, Image{}, sh) }), name)
		groups := 0
		for _, l := range launches(t, of, large, func(s *Stream) { s.ToBF16(1<<20, x) }) {
			require.GreaterOrEqual(t, 256*int(l.Grid[0]), l.word(2, 2), name)
			groups += l.word(2, 2)
		}
		require.Equal(t, x.pixels()*x.C/4, groups, name)
	}
	if TF32(y, x, Image{}) {
		whole(t, of, y.pixels(), launches(t, of, large, func(s *Stream) { s.ConvTF32(y, x, 1<<20, 0, Image{}, sh) }), name)
	}
	for _, tf32 := range []bool{false, true} {
		s := Stream{Processors: 132}
		p, ok := s.Parted(grad, x, sh, tf32)
		if !ok {
			continue
		}
		seen := min(x.pixels(), grad.pixels())
		require.GreaterOrEqual(t, p.Parts*p.chunk, seen, name)
		require.Less(t, (p.Parts-1)*p.chunk, seen, name)
		require.Zero(t, p.chunk%p.mma.BK, name)
		all := launches(t, of, large, func(s *Stream) { s.WeightParts(1<<20, grad, x, sh, p) })
		require.Len(t, all, 1, name)
		require.Equal(t, p.Parts*sh.K*sh.K, int(all[0].Grid[2]), name)
	}
}

// Numbers that have not 32 bits are refused, not cut.
func TestRefuses(t *testing.T) {
	n := 1 << 16
	if n*n == 0 {
		t.Skip("an int has 32 bits")
	}
	r := newRecorder()
	r.UpSums(1<<20, 1<<20, n, n)
	r.Product(Rows(1<<20, n, n, n), Rows(1<<20, n, 1, n*n), 1<<20, n, 0, Image{}, Batch{})
	for _, l := range r.all {
		require.Equal(t, uint32(math.MaxUint32), l.Grid[0], l.Entry)
	}
	require.Len(t, r.all, 2)
	r.UpSums(1<<20, 1<<20, n, 1)
	require.Equal(t, uint32(n/256), r.all[2].Grid[0])
}
