package ptx

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/cuda/gen"
	"heavytail/kernels"
	"heavytail/simd"
	"heavytail/tensor"
)

// An elementwise call on the CPU, and the parameters that the kernel has besides.
type elementwise struct {
	name  string
	cpu   func(d *kernels.CPU, y *tensor.Tensor, x []*tensor.Tensor)
	extra func(g *gpu, rows, cols int) []any
}

func none(*gpu, int, int) []any { return nil }

var factors = []float32{-1.5, 0.3}
var keys = []uint64{77, 0xfedcba9876543210}

var elementwises = []elementwise{
	{"fill", func(d *kernels.CPU, y *tensor.Tensor, _ []*tensor.Tensor) { d.Fill(y, -2.5) },
		func(*gpu, int, int) []any { return []any{float32(-2.5)} }},
	{"copy", func(d *kernels.CPU, y *tensor.Tensor, x []*tensor.Tensor) { d.Copy(y, x[0]) }, none},
	{"add", func(d *kernels.CPU, y *tensor.Tensor, x []*tensor.Tensor) { d.Add(y, x[0], x[1]) }, none},
	{"scale", func(d *kernels.CPU, y *tensor.Tensor, x []*tensor.Tensor) { d.Copy(y, x[0]); d.Scale(y, 0.37) },
		func(*gpu, int, int) []any { return []any{float32(0.37)} }},
	{"lerp", func(d *kernels.CPU, y *tensor.Tensor, x []*tensor.Tensor) {
		a, b := d.New(y.Rows(), y.Cols()), d.New(y.Rows(), y.Cols())
		d.Copy(a, x[0])
		d.Copy(b, x[1])
		d.Lerp(a, b, 0.999)
		d.Copy(y, a)
	}, func(*gpu, int, int) []any { return []any{float32(0.999), float32(1 - 0.999)} }},
	{"silu", func(d *kernels.CPU, y *tensor.Tensor, x []*tensor.Tensor) { d.SiLU(y, x[0]) }, none},
	{"silu_backward", func(d *kernels.CPU, y *tensor.Tensor, x []*tensor.Tensor) { d.SiLUBackward(y, x[0], x[1]) }, none},
	{"scale_samples", func(d *kernels.CPU, y *tensor.Tensor, x []*tensor.Tensor) {
		shape := []int{len(factors), y.Rows() / len(factors), y.Cols()}
		a := d.New(shape...)
		d.Upload(a, values(d, x[0]))
		d.ScaleSamples(a, a, factors)
		d.Upload(y, values(d, a))
	}, func(g *gpu, rows, _ int) []any { return []any{g.put(factors), rows / len(factors)} }},
	{"add_channels", func(d *kernels.CPU, y *tensor.Tensor, x []*tensor.Tensor) {
		a := d.New(2, y.Rows()/2, 1, y.Cols())
		d.Upload(a, values(d, x[0]))
		v := d.New(2, y.Cols())
		d.Upload(v, random(v.Len(), 6))
		d.AddChannels(a, a, v)
		d.Upload(y, values(d, a))
	}, func(g *gpu, rows, cols int) []any { return []any{g.put(random(2*cols, 6)), cols, rows / 2} }},
	{"embedding", func(d *kernels.CPU, y *tensor.Tensor, x []*tensor.Tensor) {
		table := d.New(3, y.Cols())
		d.Upload(table, odd(random(table.Len(), 6)))
		d.Copy(y, x[0])
		d.Embedding(y, table, ids(y.Rows()))
	}, func(g *gpu, rows, cols int) []any {
		return []any{g.put(odd(random(3*cols, 6))), cols, g.put(words32(ids(rows)))}
	}},
	lossBackward("loss_squared_backward", tensor.Squared, 0),
	lossBackward("loss_huber_backward", tensor.Huber, 0),
	lossBackward("loss_pnorm_backward", tensor.PNorm, 1.3),
	{"noise_product", func(d *kernels.CPU, y *tensor.Tensor, x []*tensor.Tensor) {
		a, b := values(d, x[0]), values(d, x[1])
		simd.Scale(b, b, math.Sqrt2)
		simd.Clamp(b, b, 0, 1.25)
		simd.Mul(a, a, b)
		simd.Clamp(a, a, -1.5, 1.5)
		for i, v := range a {
			if v == 0 {
				a[i] = float32(math.Copysign(math.SmallestNonzeroFloat32, float64(v)))
			}
		}
		d.Upload(y, a)
	}, func(*gpu, int, int) []any { return []any{float32(1.25), float32(1.5)} }},
	{"dropout", func(d *kernels.CPU, y *tensor.Tensor, x []*tensor.Tensor) {
		a := d.New(len(keys), y.Rows()/len(keys), y.Cols())
		d.Upload(a, values(d, x[0]))
		d.Dropout(a, a, 0.3, 0x123456789abcdef0, keys)
		d.Upload(y, values(d, a))
	}, func(g *gpu, rows, cols int) []any {
		p := float32(0.3)
		return []any{g.put(keys), rows / len(keys), cols, uint32(0x9abcdef0), uint32(0x12345678), uint32(math.Ceil(float64(p) * (1 << 32))), float32(1 / (1 - float64(p)))}
	}},
}

var weights = []float64{0.7, -1.3}

// lossBackward is the gradient of a loss, x[0] the prediction.
func lossBackward(name string, kind tensor.LossKind, p float64) elementwise {
	return elementwise{name, func(d *kernels.CPU, y *tensor.Tensor, x []*tensor.Tensor) {
		shape := []int{len(weights), y.Rows() / len(weights), y.Cols()}
		a, b, c := d.New(shape...), d.New(shape...), d.New(shape...)
		d.Upload(a, values(d, x[0]))
		d.Upload(b, values(d, x[1]))
		d.LossBackward(c, a, b, kind, p, weights)
		d.Upload(y, values(d, c))
	}, func(g *gpu, rows, cols int) []any { return lossWeights(g, kind, p, rows/len(weights), cols) }}
}

// lossWeights are the parameters of the gradient of a loss.
func lossWeights(g *gpu, kind tensor.LossKind, p float64, per, cols int) []any {
	var w32 []float32
	var w64 []float64
	for _, w := range weights {
		s := w / float64(per*cols)
		if kind == tensor.Squared {
			w32 = append(w32, float32(2*s))
		} else {
			w32 = append(w32, float32(s))
		}
		w64 = append(w64, s*p)
	}
	if kind == tensor.PNorm {
		return []any{g.put(w64), per, p - 1}
	}
	return []any{g.put(w32), per}
}

// ids are −1, 0, 1, 2 in turn.
func ids(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i%4 - 1
	}
	return out
}

func values(d *kernels.CPU, x *tensor.Tensor) []float32 {
	v := make([]float32, x.Len())
	d.Download(v, x)
	return v
}

// Every elementwise kernel gives the CPU's bits, dense and between other columns,
// one and four elements to a thread, and writes nothing beside.
func TestPointwise(t *testing.T) {
	require.Len(t, elementwises, len(gen.Pointwises))
	for i, p := range gen.Pointwises {
		e := elementwises[i]
		require.Equal(t, p.Name, e.name)
		for _, shape := range [][4]int{{2, 3, 0, 1}, {6, 33, 2, 1}, {6, 33, 2, 3}, {4, 64, 0, 4}, {10, 36, 8, 4}} {
			rows, cols, beside, seed := shape[0], shape[1], shape[2], int64(shape[3])
			width := 1
			if cols%4 == 0 && beside%4 == 0 {
				width = 4
			}
			for _, w := range []int{1, width} {
				pointwise(t, p, e, rows, cols, beside, w, seed)
			}
		}
	}
}

func pointwise(t *testing.T, p gen.Pointwise, e elementwise, rows, cols, beside, width int, seed int64) {
	t.Helper()
	pitch := cols + beside
	g := &gpu{t: t}
	var in []*tensor.Tensor
	fill := make([]float32, rows*pitch)
	y := g.put(fill)
	params := []any{y, pitch}
	for k := range p.Inputs {
		x := odd(random(rows*pitch, int64(k+1)))
		for i := range x {
			x[i] *= float32(math.Pow(3, float64(i%9-3))) // the whole range of silu
		}
		in = append(in, onCPU(x, rows, pitch).Columns(0, cols))
		params = append(params, g.put(x), pitch)
	}
	count := rows * cols / width
	params = append(append(params, count, cols/width), e.extra(g, rows, cols)...)
	whole := cpu.New(rows, pitch)
	e.cpu(cpu, whole.Columns(0, cols), in)
	l := launch(up(count, 256), 1, 256, 0, seed)
	l.Count = beside == 0 && width == 4 && cols%8 == 0 // rows of whole sectors
	st := g.run(p.Name, p.EntryName(width), l, params...)
	if l.Count {
		require.GreaterOrEqual(t, float64(st.GlobalBytes), 0.85*32*float64(st.GlobalSectors), "%s: share of the sectors' bytes that is used", p.Name)
	}
	same(t, values(cpu, whole), g.floats(y, rows*pitch), "%s %d×%d in %d, width %d", p.Name, rows, cols, pitch, width)
}

// SiLU agrees over all exponents, NaN and infinities.
func TestSiLURange(t *testing.T) {
	var x []float32
	for i := uint32(0); i < 1<<32-400009; i += 400009 {
		x = append(x, math.Float32frombits(i))
	}
	x = x[:len(x)/4*4]
	n := len(x) / 4
	y := cpu.New(1, len(x))
	cpu.SiLU(y, onCPU(x, 1, len(x)))
	g := &gpu{t: t}
	at := g.room(len(x))
	l := launch(up(n, 256), 1, 256, 0, 1)
	l.Count = true
	st := g.run("silu", "silu_4", l, at, len(x), g.put(x), len(x), n, n)
	same(t, y.Data(), g.floats(at, len(x)), "silu")
	require.GreaterOrEqual(t, float64(st.GlobalBytes), 0.85*32*float64(st.GlobalSectors), "share of the sectors' bytes that is used")
}
