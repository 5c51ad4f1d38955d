package ptx

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/cuda/emu"
	"heavytail/cuda/gen"
	"heavytail/internal/ref64"
	"heavytail/tensor"
)

// A backward is a gradient of attention: its operands, of which a kernel sees every
// bit, what it is in float64, and by how much it may be off.
type backward struct {
	ref64.AttnShape
	tf32        bool
	qkv, dy     []float32
	want, bound []float64
}

// newBackward has normal numbers; q is multiplied by sharp. Products of the operands
// are exact then, and what is rounded by u of itself, 2⁻⁸ in bfloat16 and 2⁻¹⁰ in tf32,
// is p and ds on their way to dv, dq and dk: those are off by u·Σ p·|dy|, u·Σ|ds·k|/√d
// and u·Σ|ds·q|/√d, and by what devicetest allows float32, twice since additions of
// tensor cores may err by 2⁻²³.
func newBackward(s ref64.AttnShape, tf32 bool, sharp float32) *backward {
	b := &backward{AttnShape: s, tf32: tf32, qkv: random(s.N*s.T*3*s.C, 9), dy: random(s.N*s.T*s.C, 10)}
	d := s.C / s.Heads
	for i := range b.qkv {
		if i%(3*d) < d {
			b.qkv[i] *= sharp
		}
	}
	u := 0x1p-8
	for _, x := range [][]float32{b.qkv, b.dy} {
		for i, v := range x {
			x[i] = tensor.FromBF16(tensor.ToBF16(v))
			if tf32 {
				x[i], u = math.Float32frombits(math.Float32bits(v)&^0x1fff), 0x1p-10
			}
		}
	}
	b.want, b.bound = make([]float64, len(b.qkv)), make([]float64, len(b.qkv))
	ref64.AttentionBackward(b.want, ref64.Float64s(b.dy), ref64.Float64s(b.qkv), s)
	for n := range s.N {
		for h := range s.Heads {
			b.head(n, h, u)
		}
	}
	return b
}

// head bounds the errors of a head.
func (b *backward) head(n, h int, u float64) {
	d, T := b.C/b.Heads, b.T
	part := func(x []float32, i, parts, part int) []float32 {
		return x[(n*T+i)*parts*b.C+(h*parts+part)*d:][:d]
	}
	dot := func(x, y []float32) (sum, size float64) {
		for i, v := range x {
			sum += float64(v) * float64(y[i])
			size += math.Abs(float64(v) * float64(y[i]))
		}
		return sum, size
	}
	root, worst := math.Sqrt(float64(d)), 0.0
	p, dp, g := make([][]float64, T), make([]float64, T), make([]float64, T)
	for i := range p {
		p[i] = make([]float64, T)
		top, sum := math.Inf(-1), 0.0
		for j := range p[i] {
			s, size := dot(part(b.qkv, i, 3, 0), part(b.qkv, j, 3, 1))
			p[i][j], worst, top = s/root, max(worst, size/root), max(top, s/root)
		}
		for j := range p[i] {
			p[i][j] = math.Exp(p[i][j] - top)
			sum += p[i][j]
		}
		for j := range p[i] {
			p[i][j] /= sum
		}
	}
	fuzz := (4*(2*float64(d+8)*worst+float64(T)+16) + 4*float64(T+d) + 32) * 0x1p-24
	for i := range p {
		D, inner := 0.0, 0.0
		for j, w := range p[i] {
			dp[j], g[j] = dot(part(b.dy, i, 1, 0), part(b.qkv, j, 3, 2))
			D, inner = D+w*dp[j], inner+w*g[j]
		}
		for j, w := range p[i] {
			ds := w * (u*math.Abs(dp[j]-D) + fuzz*(g[j]+inner)) / root
			for e := range d {
				b.bound[(n*T+i)*3*b.C+3*h*d+e] += ds * math.Abs(float64(part(b.qkv, j, 3, 1)[e]))
				b.bound[(n*T+j)*3*b.C+(3*h+1)*d+e] += ds * math.Abs(float64(part(b.qkv, i, 3, 0)[e]))
				b.bound[(n*T+j)*3*b.C+(3*h+2)*d+e] += w * (u + fuzz) * math.Abs(float64(part(b.dy, i, 1, 0)[e]))
			}
		}
	}
}

// beside is what lies in the columns beside a gradient.
const beside = 777.25

// run runs both kernels, one of which may be another than the committed, and compares.
func (b *backward) run(g *gpu, seed int64, kernel func(f gen.FlashBack) *emu.Kernel, seen func(f gen.FlashBack, st *emu.Stats)) error {
	put := func(x []float32) uint64 {
		if b.tf32 {
			return g.put(x)
		}
		return g.put(half(x))
	}
	pitch := 3*b.C + 2
	out := make([]float32, b.N*b.T*pitch)
	for i := range out {
		out[i] = beside
	}
	at, x, dy, stats := g.put(out), put(b.qkv), put(b.dy), g.room(2*b.N*b.Heads*up(b.T, gen.FlashRows)*gen.FlashRows)
	for _, keys := range []bool{false, true} {
		f := gen.FlashBack{Head: b.C / b.Heads, TF32: b.tf32, Keys: keys}
		k, l := kernel(f), launch(up(b.T, gen.FlashRows), b.N*b.Heads, 128, f.Shared(), seed)
		l.Params, l.Count = pack(g.t, k, at, x, dy, stats, b.T, b.Heads, 3*b.C, b.C, pitch), seen != nil
		st, err := k.Run(&g.m, l)
		if err != nil {
			return err
		}
		if seen != nil {
			seen(f, st)
		}
	}
	for i, v := range g.floats(at, len(out)) {
		row, col := i/pitch, i%pitch
		if col >= 3*b.C {
			if v != beside {
				return fmt.Errorf("row %d: column %d beside the gradient is %v", row, col, v)
			}
			continue
		}
		if e := row*3*b.C + col; !(math.Abs(float64(v)-b.want[e]) <= b.bound[e]) {
			return fmt.Errorf("row %d column %d is %v, want %v ± %.2g", row, col, v, b.want[e], b.bound[e])
		}
	}
	return nil
}

func committed(t testing.TB) func(f gen.FlashBack) *emu.Kernel {
	return func(f gen.FlashBack) *emu.Kernel { return parsed(t, f.Name()).Kernels[f.Name()] }
}

// The gradients of attention against float64: lengths on both sides of a tile, one
// token, several heads and samples, mild scores and such as leave little but one key.
// No bank of shared memory is waited for.
func TestFlashBack(t *testing.T) {
	for _, d := range gen.FlashBackHeads {
		for _, tf32 := range []bool{false, true} {
			for i, c := range []struct {
				n, t, h int
				sharp   float32
			}{{1, 65, 2, 1}, {1, 130, 1, 4}, {2, 49, 1, 1}, {1, 64, 1, 1}, {2, 1, 1, 1}} {
				b := newBackward(ref64.AttnShape{N: c.n, T: c.t, C: c.h * d, Heads: c.h}, tf32, c.sharp)
				for seed := range int64(max(1, 3-2*i)) {
					err := b.run(&gpu{t: t}, seed, committed(t), func(f gen.FlashBack, st *emu.Stats) { clean(t, f.Name(), f.Name(), st) })
					require.NoError(t, err, "%+v, tf32 %v, seed %d", b.AttnShape, tf32, seed)
				}
			}
		}
	}
}

// tryFlashBack is the gradient of one token and of 130, of one head, with one kernel
// broken.
func tryFlashBack(head int, tf32 bool) func(g *gpu, k *emu.Kernel, seed int64) error {
	return func(g *gpu, k *emu.Kernel, seed int64) error {
		for _, tokens := range []int{1, 130} {
			b := newBackward(ref64.AttnShape{N: 1, T: tokens, C: head, Heads: 1}, tf32, 1)
			err := b.run(g, seed, func(f gen.FlashBack) *emu.Kernel {
				if f.Name() == k.Name {
					return k
				}
				return committed(g.t)(f)
			}, nil)
			if err != nil {
				return err
			}
		}
		return nil
	}
}

func flashBackMutant(name string, f gen.FlashBack, mutate func(string) string) mutant {
	return mutant{name, f.Name(), f.Name(), tryFlashBack(f.Head, f.TF32), mutate}
}

// flashBackMutants break gradients of attention on tensor cores.
var flashBackMutants = func() []mutant {
	q, k := gen.FlashBack{Head: 16}, gen.FlashBack{Head: 16, Keys: true}
	q32, k32 := gen.FlashBack{Head: 32}, gen.FlashBack{Head: 32, Keys: true} // a warp copies rows of another
	qt, kt := gen.FlashBack{Head: 16, TF32: true}, gen.FlashBack{Head: 16, TF32: true, Keys: true}
	return []mutant{
		flashBackMutant("barrier before the own rows removed", q32, nth("bar.sync 0;", "", 0)),
		flashBackMutant("barrier after the own rows removed", q32, nth("bar.sync 0;", "", 1)),
		flashBackMutant("barrier of the first loop removed", q, nth("bar.sync 0;", "", 2)),
		flashBackMutant("barrier of the second loop removed", q, nth("bar.sync 0;", "", 3)),
		flashBackMutant("wait of the first loop removed", q, nth("cp.async.wait_group 0;", "", 1)),
		flashBackMutant("keys past the end counted in the sums", q, nth("0fFF800000;", "0f00000000;", 0)),
		flashBackMutant("keys past the end counted in the gradient", q, func(s string) string {
			i := len(s) / 2
			return s[:i] + each(`0fFF800000;\n`, "0f00000000;\n")(s[i:])
		}),
		flashBackMutant("a lane of masked keys only", q, each("0fFF7FFFFF", "0fFF800000")),
		flashBackMutant("largest score of other lanes", q, nth("bfly.b32", "down.b32", 1)),
		flashBackMutant("sum of powers of other lanes", q, nth("bfly.b32", "down.b32", 3)),
		flashBackMutant("D of other lanes", q, nth("bfly.b32", "down.b32", 5)),
		flashBackMutant("sums not corrected as scores grow", q, each(`mul\.rn\.f32 %f2, %f2, %f\d+;`, "mul.rn.f32 %f2, %f2, 0f3F800000;")),
		flashBackMutant("the second pass goes on where the first ended", q, nth("mov.u32 %r15, 0;", "mov.u32 %r15, 64;", 1)),
		flashBackMutant("queries past the end counted", q, each(`selp\.f32 (%f\d+), (%f\d+), 0fFF800000,`, "selp.f32 $1, $2, $2,")),
		flashBackMutant("D left out", q, each(`selp\.f32 (%f\d+), %f\d+, 0f00000000,`, "selp.f32 $1, 0f00000000, 0f00000000,")),
		flashBackMutant("matrices not transposed", q, each(`x4\.trans`, "x4")),
		flashBackMutant("scale left out", q, each(`, 0f3E800000;`, ", 0f3F800000;")),
		flashBackMutant("barrier after the own rows removed", k32, nth("bar.sync 0;", "", 1)),
		flashBackMutant("barrier of the loop removed", k, nth("bar.sync 0;", "", 2)),
		flashBackMutant("wait of the loop removed", k, nth("cp.async.wait_group 0;", "", 1)),
		flashBackMutant("half of what is known of the queries", k, each(`(setp\.lt\.u32 %p\d+, %r\d+,) 32;`, "$1 16;")),
		flashBackMutant("what is known of the next two queries", k, nth("ld.shared.v4.f32 {%f32, %f33, %f34, %f35}", "ld.shared.v4.f32 {%f34, %f35, %f32, %f33}", 0)),
		flashBackMutant("tiles a row too far apart", k, each(`add\.u32 (%r\d+), %r15, 64;`, "add.u32 $1, %r15, 65;")),
		flashBackMutant("rows past the last stored", k, each(`@(%p\d+) st\.global`, "@!$1 st.global")),
		flashBackMutant("halves exchanged", k, each(`cvt\.rn\.bf16x2\.f32 (%r\d+), (%f\d+), (%f\d+);`, "cvt.rn.bf16x2.f32 $1, $3, $2;")),
		flashBackMutant("rows in the order of the columns", qt, each(`mad\.lo\.u32 (%r\d+), (%r\d+), 160,`, "mad.lo.u32 $1, $2, 80,")),
		flashBackMutant("columns not in the order of the rows", kt, each(`(mov\.b32 %r\d+, )(%f\d+);(\s+mov\.b32 %r\d+, )(%f\d+);(\s+mov\.b32 %r\d+, )(%f\d+);(\s+mov\.b32)`, "$1$2;$3$6;$5$4;$7")),
		flashBackMutant("next row", kt, each(`\+5200\]`, "+5280]")),
	}
}()
