package bench

import (
	"strings"

	"heavytail/internal/conv"
	"heavytail/kernels"
	"heavytail/nn"
)

// Operations of Winograd's transforms as package simd lists them, additions,
// multiplications and multiply-adds alike, those that two rows of G share counted once:
// of the pixels for each tile and channel read, of the taps for each pair of channels, of
// the products for each tile and channel written.
var transforms = map[int]struct{ in, taps, out int }{
	2: {8 * 4, 3*3 + 4*3, 6 * 5},
	4: {12 * 12, 3*6 + 6*6, 10 * 13},
}

// operations returns the least operations on float32 of the products of a pass over batch
// samples in the form that they take, a multiply-add being one. Of norms, activations,
// exponentials, bias and residual it counts none.
func operations(o Options, op nn.Operation) float64 {
	macs := float64(op.MACs) * float64(o.Batch)
	if op.Name != "convolution" {
		return macs
	}
	h, w, w0 := op.In[0], op.In[1], op.Weight.Tensor
	if strings.HasPrefix(o.Device.(*kernels.CPU).Form(h, w, w0, op.Opt), "summed") {
		return macs * 4 / 9
	}
	m := conv.Winograd(h, w, w0.Dim(-2), w0, op.Opt)
	if m == 0 {
		return macs
	}
	c, d, t := w0.Dim(-2), w0.Cols(), transforms[m]
	tiles, points := o.Batch*conv.Tiles(h, w, m), (m+2)*(m+2)
	return float64(points*tiles*c*d + tiles*(c*t.in+d*t.out) + c*d*t.taps)
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
