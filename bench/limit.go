package bench

import (
	"math/bits"

	"heavytail/internal/conv"
	"heavytail/nn"
)

// Operations of Winograd's transforms as package simd lists them, additions,
// multiplications and multiply-adds alike, those that two rows of G share counted once:
// of the pixels for each tile and channel read, of the taps for each pair of channels, of
// the products for each tile and channel written, the product by −1 of F(2×2) being part
// of a subtraction. Sums of taps are made when a model is opened.
var transforms = map[int]struct{ points, in, taps, out int }{
	2:       {16, 8 * 4, 3*3 + 4*3, 6 * 4},
	4:       {36, 12 * 12, 3*6 + 6*6, 10 * 13},
	conv.Up: {conv.UpMats, 2*3 + 2*3, 0, 4*5 + 4*4},
}

// operations returns the least operations on float32 of the products of a pass over batch
// samples in the form that they take, a multiply-add being one. Of norms, activations,
// exponentials, bias and residual it counts none.
func operations(o Options, op nn.Operation) float64 {
	macs := float64(op.MACs) * float64(o.Batch)
	if op.Name != "convolution" {
		return macs
	}
	h, wd, weight := op.In[0], op.In[1], op.Weight.Tensor
	read, written := weight.Dim(-2), weight.Cols()
	m := conv.Winograd(h, wd, read, weight, op.Opt)
	switch {
	case m == 0 && op.Opt.Up && weight.Dim(0) == 3: // summed taps: four in place of nine
		return macs * 4 / 9
	case m == 0:
		return macs
	}
	t, tiles := transforms[m], float64(o.Batch*conv.Tiles(h, wd, m))
	if m == conv.Up { // whose tiles at the border are not needed whole
		tiles = float64(o.Batch*needed(h)*needed(wd)) / float64(t.points)
	}
	each := float64(t.points*read*written + read*t.in + written*t.out)
	return float64(tiles*each) + float64(read*written*t.taps)
}

// needed is how many points along n pixels outputs inside the image are made of.
func needed(n int) (points int) {
	for _, tile := range conv.UpNeeded(n) {
		points += bits.OnesCount8(tile)
	}
	return points
}

// cached is how many bytes of weights a network may have to be taken for one that the
// caches keep from pass to pass, the last one too, which is faster than memory.
const cached = 64 << 20

// limits sets the least times of rows: what their operations take at the peak and, in a
// network whose weights pass through the caches, what memory takes to deliver the weights,
// whichever is more.
func limits(rows []layerRow, peak, bandwidth float64) {
	weights := 0.0
	for _, r := range rows {
		weights += r.weights
	}
	for i := range rows {
		r := &rows[i]
		if peak > 0 {
			r.least = 2 * r.operations / peak * 1e3
		}
		if bandwidth > 0 && weights > cached {
			r.least = max(r.least, r.weights/bandwidth*1e3)
		}
	}
}
