package kernels

import (
	"testing"

	"heavytail/internal/numtest"
	"heavytail/tensor"
)

// coldWeights is how many bytes of weights BenchmarkConvWeights goes through: more than
// caches hold.
const coldWeights = 384 << 20

// BenchmarkConvWeights times convolutions as the layers of a network run at small
// batches: each with the next of so many weights that all come from memory (cold), and
// with the same weights every time (hot).
func BenchmarkConvWeights(b *testing.B) {
	for _, s := range []convBench{
		{1, 4, 256, 256, 3, tensor.ConvOpt{}}, {1, 4, 512, 256, 3, tensor.ConvOpt{}}, {1, 4, 128, 64, 3, tensor.ConvOpt{}},
		{1, 8, 256, 256, 3, tensor.ConvOpt{}}, {1, 8, 512, 256, 3, tensor.ConvOpt{}},
		{1, 8, 64, 64, 3, tensor.ConvOpt{}}, {1, 8, 128, 64, 3, tensor.ConvOpt{}}, {1, 7, 96, 96, 3, tensor.ConvOpt{}},
		{1, 16, 256, 256, 3, tensor.ConvOpt{}}, {1, 16, 384, 256, 3, tensor.ConvOpt{}}, {1, 16, 512, 256, 3, tensor.ConvOpt{}},
		{1, 16, 64, 64, 3, tensor.ConvOpt{}}, {1, 14, 64, 64, 3, tensor.ConvOpt{}},
		{1, 32, 128, 128, 3, tensor.ConvOpt{}}, {1, 32, 384, 128, 3, tensor.ConvOpt{}}, {1, 32, 32, 32, 3, tensor.ConvOpt{}}, {1, 28, 32, 32, 3, tensor.ConvOpt{}},
		{4, 4, 256, 256, 3, tensor.ConvOpt{}}, {4, 8, 256, 256, 3, tensor.ConvOpt{}}, {16, 8, 64, 64, 3, tensor.ConvOpt{}},
	} {
		b.Run("weights=cold/"+s.name(), func(b *testing.B) { convWeights(b, s, coldWeights) })
		b.Run("weights=hot/"+s.name(), func(b *testing.B) { convWeights(b, s, 1) })
	}
}

func convWeights(b *testing.B, s convBench, bytes int) {
	s.opt.Normalized = true
	r := numtest.NewRand(1)
	x, w, y, flops := s.tensors()
	bias := view(r, 0, s.o)
	ws := []*tensor.Tensor{w}
	for range bytes / (4 * w.Len()) {
		v := New(1).New(w.Shape()...)
		copy(v.Data(), w.Data())
		ws = append(ws, v)
	}
	c, i := New(1), 0
	for _, w := range ws {
		c.Conv2D(y, x, w, bias, nil, s.opt)
	}
	for b.Loop() {
		c.Conv2D(y, x, ws[i%len(ws)], bias, nil, s.opt)
		i++
	}
	b.ReportMetric(flops*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}
