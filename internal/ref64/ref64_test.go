package ref64

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/tensor"
)

func TestPhiloxKnownAnswers(t *testing.T) {
	for _, c := range []struct {
		ctr  [4]uint32
		key  uint64
		want [4]uint32
	}{
		{[4]uint32{}, 0, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{[4]uint32{1<<32 - 1, 1<<32 - 1, 1<<32 - 1, 1<<32 - 1}, 1<<64 - 1, [4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{[4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0x299f31d0a4093822, [4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
		{[4]uint32{1}, 42, [4]uint32{0xfcdb2127, 0x53ba6cfd, 0x838f5a6e, 0x744e06fb}},
	} {
		require.Equal(t, c.want, Philox(c.ctr, c.key))
	}
}

// Two steps worked out by hand from PyTorch's definition, p=1, g=0.5 then 1
// with lr 0.1, betas 0.9 and 0.99, eps 1e-8, weight decay 0.2, scale 0.5.
func TestAdamWByHand(t *testing.T) {
	d := New()
	p, g, m, v := d.New(1), d.New(1), d.New(1), d.New(1)
	SetValues(p, []float64{1})
	opt := tensor.AdamWOpt{LR: 0.1, Beta1: 0.9, Beta2: 0.99, Eps: 1e-8, WeightDecay: 0.2, GradScale: 0.5, Step: 1}
	SetValues(g, []float64{0.5})
	d.AdamW(p, g, m, v, opt)
	// g = 0.25: m = 0.025, v = 0.000625; m̂ = 0.25, √v̂ = 0.25, so the step is lr.
	require.InDelta(t, 0.98-0.1*0.25/(0.25+1e-8), Values(p)[0], 1e-15)
	require.InDelta(t, 0.025, Values(m)[0], 1e-16)
	require.InDelta(t, 0.000625, Values(v)[0], 1e-17)
	opt.Step = 2
	SetValues(g, []float64{1})
	p1 := Values(p)[0]
	d.AdamW(p, g, m, v, opt)
	// g = 0.5: m = 0.0725, v = 0.00311875; m̂ = m/0.19, v̂ = v/0.0199.
	require.InDelta(t, 0.98*p1-0.1*(0.0725/0.19)/(math.Sqrt(0.00311875/0.0199)+1e-8), Values(p)[0], 1e-14)
}

// A convolution and an attention small enough to check by eye.
func TestForwardByHand(t *testing.T) {
	// 1×1×3 image 1 2 3, kernel rows: only the middle row meets the image.
	y := make([]float64, 3)
	w := []float64{9, 9, 9, 10, 1, 100, 9, 9, 9}
	Conv2D(y, []float64{1, 2, 3}, w, []float64{0.5}, nil, ConvShape{1, 1, 3, 1, 1, 3, 1, false, false})
	require.Equal(t, []float64{201.5, 312.5, 23.5}, y)

	y = make([]float64, 2)
	Conv2D(y, []float64{1, 2, 3}, w, nil, nil, ConvShape{1, 1, 3, 1, 1, 3, 2, false, false})
	require.Equal(t, []float64{201, 23}, y)

	// Upsampling 1×1 makes 2×2 of the same pixel: 4 taps each.
	y = make([]float64, 4)
	Conv2D(y, []float64{2}, []float64{1, 2, 3, 4, 5, 6, 7, 8, 9}, nil, nil, ConvShape{1, 1, 1, 1, 1, 3, 1, true, false})
	require.Equal(t, []float64{2 * (5 + 6 + 8 + 9), 2 * (4 + 5 + 7 + 8), 2 * (2 + 3 + 5 + 6), 2 * (1 + 2 + 4 + 5)}, y)

	// Two tokens, one head of width 1: scores q·k.
	y = make([]float64, 2)
	Attention(y, []float64{0, 5, 10, math.Log(3), 1, 20}, AttnShape{1, 2, 1, 1})
	require.InDelta(t, 15, y[0], 1e-12)        // q = 0: the mean of the values
	p := 1 / (1 + math.Exp(math.Log(3)*(1-5))) // keys 5 and 1
	require.InDelta(t, 10*p+20*(1-p), y[1], 1e-12)

	// Head-major order: two heads of width 1, T = 1, so y is v of each head.
	Attention(y, []float64{1, 2, 3, 4, 5, 6}, AttnShape{1, 1, 2, 2})
	require.Equal(t, []float64{3, 6}, y)

	// Mean 2, variance 1, then gamma 3, beta 1, scale 1, shift 10.
	GroupNorm(y, []float64{1, 3}, []float64{3, 3}, []float64{1, 1}, []float64{1, 1, 10, 10}, NormShape{1, 1, 2, 1, 0, false})
	require.Equal(t, []float64{(-3+1)*2 + 10, (3+1)*2 + 10}, y)
}

func TestViewsReachTheRightElements(t *testing.T) {
	d := New()
	a := d.New(3, 2, 5)
	x := make([]float64, 30)
	for i := range x {
		x[i] = float64(i)
	}
	SetValues(a, x)
	v := a.Batch(1, 3).Columns(1, 4).Reshape(4, 3)
	require.Equal(t, []float64{11, 12, 13, 16, 17, 18, 21, 22, 23, 26, 27, 28}, Values(v))
	d.Fill(v.Batch(1, 2).Columns(2, 3), -1)
	require.Equal(t, -1.0, Values(a)[18])
	got := make([]float32, 2)
	d.Download(got, a.Columns(3, 4).Batch(2, 3).Reshape(2, 1))
	require.Equal(t, []float32{23, 28}, got)
}

func TestEmbeddings(t *testing.T) {
	d := New()
	y := d.New(2, 4)
	d.TimestepEmbedding(y, []float32{0, 0.5}, tensor.TimeOpt{Scale: 1000})
	require.InDeltaSlice(t, []float64{1, 1, 0, 0, math.Cos(500), math.Cos(5), math.Sin(500), math.Sin(5)}, Values(y), 1e-12)

	table := d.New(3, 4)
	d.Fill(table.Batch(2, 3), 7)
	d.Fill(y, 1)
	d.Embedding(y, table, []int{2, -1})
	require.Equal(t, []float64{8, 8, 8, 8, 1, 1, 1, 1}, Values(y))
	d.EmbeddingBackward(table, y, []int{2, 2})
	require.Equal(t, 7+8+1.0, Values(table)[8])
}

func TestWrongShapesPanic(t *testing.T) {
	d := New()
	require.PanicsWithValue(t, "ref64: Linear: y [2 9], x [2 3], w [3 5]", func() {
		d.Linear(d.New(2, 9), d.New(2, 3), d.New(3, 5), nil)
	})
}
