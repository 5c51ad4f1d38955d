package kernels

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
	"heavytail/internal/ref64"
	"heavytail/tensor"
)

// alike returns images of normal numbers, neighbouring pixels alike.
func alike(r *numtest.Rand, n, size, c int) *tensor.Tensor {
	x := New(1).New(n, size, size, c)
	normal := func() float64 { return (r.Float64() + r.Float64() + r.Float64() + r.Float64()) * math.Sqrt(0.75) }
	d := x.Data()
	for i := range d {
		v := normal()
		if i%(size*c) >= c {
			v = (v + normal()) / math.Sqrt2
		}
		d[i] = float32(v)
	}
	for i := len(d) - 1; i >= size*c; i-- {
		d[i] = (d[i] + d[i-size*c]) / math.Sqrt2
	}
	return x
}

// normalized returns images as layers see them: neighbouring pixels alike,
// after a normalisation and SiLU.
func normalized(r *numtest.Rand, n, size, c int) *tensor.Tensor {
	x := alike(r, n, size, c)
	d := x.Data()
	for i, v := range d {
		d[i] = float32(float64(v) / (1 + math.Exp(-float64(v))))
	}
	return x
}

// rootAndWorst returns the root mean square and the largest of the errors of
// the first columns of y.
func rootAndWorst(y *tensor.Tensor, want []float64) (rms, worst float64) {
	for i, g := range dense(y) {
		d := math.Abs(float64(g) - want[i])
		rms += d * d
		worst = max(worst, d)
	}
	return math.Sqrt(rms / float64(len(want))), worst
}

// For every size and number of channels that the networks' layers read, and others
// between them, the chosen form is off by at most twice as much as the direct one in the
// root mean square, and three times at worst.
func TestWinogradErrors(t *testing.T) {
	reads := []int{8, 16, 32, 64, 96, 128, 192, 256, 384, 512}
	if testing.Short() {
		reads = []int{32, 128}
	}
	var shapes [][2]int
	for _, size := range []int{32, 28, 16, 14, 8, 7, 6, 4} {
		for _, read := range reads {
			shapes = append(shapes, [2]int{size, read})
		}
	}
	if !testing.Short() {
		shapes = with(t, shapes, func(c netConv) ([2]int, bool) { return [2]int{c.size, c.read}, c.opt.Normalized && !c.opt.Up })
	}
	judged := 0
	for _, shape := range shapes {
		size, read := shape[0], shape[1]
		form := winogradForm(size, size, read, New(1).New(3, 3, 1, 1), tensor.ConvOpt{Normalized: true})
		if form == 0 {
			continue
		}
		judged++
		const o = 32
		n := max(1, 16000/(size*size*o)) // enough outputs for the statistics to mean something
		s := ref64.ConvShape{N: n, H: size, W: size, C: read, O: o, K: 3, Stride: 1}
		r := numtest.NewRand(uint64(size*1000 + read))
		x, w, c := normalized(r, n, size, read), view(r, 0, 3, 3, read, o), New(1)
		y, want := c.New(n, size, size, o), make([]float64, n*size*size*o)
		ref64.Conv2D(want, values(x), values(w), nil, nil, s)
		c.Conv2D(y, x, w, nil, nil, tensor.ConvOpt{})
		rms, worst := rootAndWorst(y, want)
		c.Conv2D(y, x, w, nil, nil, tensor.ConvOpt{Normalized: true})
		rmsForm, worstForm := rootAndWorst(y, want)
		t.Logf("%d², %d channels: form %d, rms %.2f, worst %.2f of the direct form's", size, read, form, rmsForm/rms, worstForm/worst)
		require.LessOrEqual(t, rmsForm, 2*rms, "%d², %d channels", size, read)
		require.LessOrEqual(t, worstForm, 3*worst, "%d², %d channels", size, read)
	}
	require.Positive(t, judged)
}

// The same of the gradients of the input, for every shape of the networks' layers.
// The gradients of the output are normal numbers here, neighbours alike. Where the channels
// are just enough for F(4×4), 32 of them or 64 at 8², the root mean square is 1.9 to 2.1
// times the direct form's, by the numbers drawn; of the gradients that the networks
// themselves have it is at most twice, TestFormErrorsInNets of package nn.
func TestWinogradInputErrors(t *testing.T) {
	if testing.Short() {
		t.Skip("sums in float64 take seconds")
	}
	shapes := with(t, [][2]int{{16, 32}}, func(c netConv) ([2]int, bool) { return [2]int{c.size, c.write}, c.opt.Normalized && !c.opt.Up })
	judged := 0
	for _, shape := range shapes {
		size, read := shape[0], shape[1] // of dy
		form := winogradForm(size, size, read, New(1).New(3, 3, 1, 1), tensor.ConvOpt{Normalized: true})
		if form == 0 {
			continue
		}
		judged++
		const o = 32
		n := max(1, 32000/(size*size*o))
		s := ref64.ConvShape{N: n, H: size, W: size, C: o, O: read, K: 3, Stride: 1}
		r := numtest.NewRand(uint64(size*1000 + read))
		dy, w, x, c := alike(r, n, size, read), view(r, 0, 3, 3, o, read), New(1).New(n, size, size, o), New(1)
		dx, want := c.New(n, size, size, o), make([]float64, x.Len())
		ref64.Conv2DBackward(want, nil, nil, values(dy), values(x), values(w), s)
		c.Conv2DBackward(dx, nil, nil, dy, x, w, tensor.ConvOpt{})
		rms, worst := rootAndWorst(dx, want)
		c.Conv2DBackward(dx, nil, nil, dy, x, w, tensor.ConvOpt{Normalized: true})
		rmsForm, worstForm := rootAndWorst(dx, want)
		t.Logf("%d², %d channels: form %d, rms %.2f, worst %.2f of the direct form's", size, read, form, rmsForm/rms, worstForm/worst)
		most := 2.0
		if read == 32 || read == 64 && size == 8 { // see above
			most = 2.1
		}
		require.LessOrEqual(t, rmsForm, most*rms, "%d², %d channels", size, read)
		require.LessOrEqual(t, worstForm, 3*worst, "%d², %d channels", size, read)
	}
	require.Positive(t, judged)
}
