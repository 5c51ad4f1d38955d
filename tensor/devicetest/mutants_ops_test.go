package devicetest

import (
	"math"
	"slices"
	"strings"

	"heavytail/internal/ref64"
	"heavytail/tensor"
)

func (b broken) Upload(dst *tensor.Tensor, src []float32) {
	if b.is("upload: 11 bits") {
		src = append([]float32(nil), src...)
		for i := range src {
			src[i] = math.Float32frombits(math.Float32bits(src[i]) &^ 0xfff)
		}
	}
	b.Device.Upload(dst, src)
}

func (b broken) Copy(dst, src *tensor.Tensor) {
	b.Device.Copy(dst, src)
	if b.is("copy: last element") {
		edit(dst, func(x []float64) { x[len(x)-1] = 0 })
	}
}

func (b broken) Fill(t *tensor.Tensor, v float32) {
	if b.is("fill: half") && v != canary {
		t = t.Columns(0, t.Cols()/2)
	}
	b.Device.Fill(t, v)
}

func (b broken) Add(dst, x, y *tensor.Tensor) {
	if b.is("add: overwritten operand") {
		b.Device.Copy(dst, x)
		x = dst
	}
	b.Device.Add(dst, x, y)
	if b.is("view: writes beside") && dst.Offset() > 0 {
		dst.Handle().([]float64)[dst.Offset()+(dst.Rows()-1)*dst.Pitch()+dst.Cols()] = 0
	}
}

func (b broken) Scale(x *tensor.Tensor, s float32) {
	b.Device.Scale(x, s)
	if b.is("scale: twice") {
		b.Device.Scale(x, s)
	}
}

func (b broken) ScaleSamples(y, x *tensor.Tensor, s []float32) {
	if b.is("scale samples: one factor for all") {
		s = slices.Repeat(s[:1], len(s))
	}
	b.Device.ScaleSamples(y, x, s)
}

func (b broken) SumSq(x *tensor.Tensor) float64 {
	s := b.Device.SumSq(x)
	if b.is("sumsq: no last") {
		v := ref64.Values(x)
		s -= v[len(v)-1] * v[len(v)-1]
	}
	return s
}

func (b broken) Linear(y, x, w, bias *tensor.Tensor) {
	switch b.mutant {
	case "linear: no bias":
		bias = nil
	case "linear: 11 bits":
		x, w = rounded(x, 11), rounded(w, 11)
	case "linear: old weight":
		if b.old[w] == nil {
			b.old[w] = rounded(w, 53)
		}
		w = b.old[w]
	}
	b.Device.Linear(y, x, w, bias)
	if b.is("linear: swallows NaN") {
		edit(y, func(x []float64) {
			for i := range x {
				x[i] = math.Min(x[i], math.Inf(1))
				if x[i] != x[i] {
					x[i] = 0
				}
			}
		})
	}
}

func (b broken) LinearBackward(dx, dw, db, dy, x, w *tensor.Tensor) {
	switch b.mutant {
	case "linear: dw overwritten":
		zeroed(dw)
	case "linear: db overwritten":
		zeroed(db)
	case "linear: order by batch": // adds the sum of the batch, rounded once, instead of continuing the chain
		if dw == nil {
			break
		}
		t := b.New(dw.Shape()...)
		b.Device.LinearBackward(dx, t, db, dy, x, w)
		ref64.SetValues(t, ref64.Values(rounded(t, 24)))
		b.Device.Add(dw, dw, t)
		return
	case "linear: nothing without dw":
		if dw == nil {
			return
		}
	}
	if dx != nil && b.is("linear: dx added") {
		t := rounded(dx, 53)
		b.Device.LinearBackward(dx, dw, db, dy, x, w)
		b.Device.Add(dx, dx, t)
		return
	}
	b.Device.LinearBackward(dx, dw, db, dy, x, w)
}

func (b broken) Conv2D(y, x, w, bias, res *tensor.Tensor, opt tensor.ConvOpt) {
	if opt.Normalized && strings.HasPrefix(b.mutant, "winograd:") {
		b.winograd(y, x, w, bias, res)
		return
	}
	if opt.Up && w.Dim(0) == 3 && strings.HasPrefix(b.mutant, "up:") {
		b.up(y, x, w, bias, res)
		return
	}
	switch b.mutant {
	case "conv: padded before":
		if x.Dim(1)%2 == 0 && x.Dim(2)%2 == 0 { // else the result has another size
			opt.After = false
		}
	case "conv: no residual":
		res = nil
	case "conv: no bias":
		bias = nil
	case "conv: 11 bits":
		x = rounded(x, 11)
	case "conv: flipped":
		w = flipped(w)
	case "conv: swapped sides":
		x = x.Reshape(x.Dim(0), x.Dim(2), x.Dim(1), x.Dim(3))
		y = y.Reshape(y.Dim(0), y.Dim(2), y.Dim(1), y.Dim(3))
		if res != nil {
			res = res.Reshape(y.Shape()...)
		}
	}
	b.Device.Conv2D(y, x, w, bias, res, opt)
}

// flipped returns w [k,k,C,O] with its taps in reverse order.
func flipped(w *tensor.Tensor) *tensor.Tensor {
	k, per := w.Dim(0)*w.Dim(1), w.Dim(2)*w.Dim(3)
	c := rounded(w, 53)
	v := ref64.Values(w)
	edit(c, func(x []float64) {
		for i := range x {
			x[i] = v[(k-1-i/per)*per+i%per]
		}
	})
	return c
}

func (b broken) Conv2DBackward(dx, dw, db, dy, x, w *tensor.Tensor, opt tensor.ConvOpt) {
	switch b.mutant {
	case "conv: dw overwritten":
		zeroed(dw)
	case "conv: nothing without dw":
		if dw == nil {
			return
		}
	case "conv: no db without dx":
		if dx == nil {
			db = nil
		}
	}
	if f, outside := b.winogradWeight(); f.M > 0 && opt.Normalized && dw != nil {
		s := ref64.ConvShape{N: x.Dim(0), H: x.Dim(1), W: x.Dim(2), C: x.Cols(), O: w.Cols(), K: 3, Stride: 1}
		edit(dw, func(v []float64) { f.Weight(v, ref64.Values(x), ref64.Values(dy), s, outside) })
		dw = like(dw)
	}
	if b.is("conv: boxes without the last row") && opt.Up {
		b.Device.Conv2DBackward(nil, like(dw), db, dy, x, w, opt)
		db, dy = nil, rounded(dy, 53)
		edit(dy, func(v []float64) { clear(v[len(v)-dy.Dim(2)*dy.Cols():]) })
	}
	b.Device.Conv2DBackward(dx, dw, db, dy, x, w, opt)
	if b.is("winograd: taps not flipped") && opt.Normalized && dx != nil {
		b.Device.Conv2DBackward(dx, like(dw), nil, dy, x, flipped(w), opt)
	}
	if b.is("conv: dx of stride") && opt.Stride == 2 && dx != nil { // forgets the last column
		edit(dx, func(x []float64) { clear(x[len(x)-dx.Cols():]) })
	}
}

// winogradWeight returns the form with the fault of b in which it sums the gradient of
// a weight, and the gradient beyond the image; none without a fault there.
func (b broken) winogradWeight() (f ref64.Winograd, outside float64) {
	switch b.mutant {
	case "winograd: none":
		return ref64.NewWinograd(4), 0
	case "winograd: dw coefficient":
		f = ref64.NewWinograd(4)
		f.AT[1][2] *= 1 + 0x1p-8
	case "winograd: dw edge not zero":
		f, outside = ref64.NewWinograd(2), 0.01
	case "winograd: dw transposed": // F(2×2) with the last two points of A in each other's place
		f = ref64.NewWinograd(2)
		f.AT[1][1], f.AT[1][2] = f.AT[1][2], f.AT[1][1]
	}
	return f, outside
}

// winograd computes Conv2D by F(4×4, 3×3) with the fault of b.
func (b broken) winograd(y, x, w, bias, res *tensor.Tensor) {
	f, outside := ref64.NewWinograd(4), 0.0
	s := ref64.ConvShape{N: x.Dim(0), H: x.Dim(1), W: x.Dim(2), C: x.Cols(), O: w.Cols(), K: 3, Stride: 1}
	switch b.mutant {
	case "winograd: coefficient":
		f.BT[1][2] *= 1 + 0x1p-8
	case "winograd: edge not zero":
		outside = 0.01
	case "winograd: no bias":
		bias = nil
	}
	out := make([]float64, y.Len())
	f.Conv2D(out, ref64.Values(x), ref64.Values(w), s, outside)
	switch n := s.H * s.W * s.O; b.mutant {
	case "winograd: tile off by one": // the last column of tiles takes the pixels before its own
		for i := len(out)/n*n - 1; i >= s.O; i-- {
			if col := i / s.O % s.W; col >= (s.W-1)/4*4 && col > 0 {
				out[i] = out[i-s.O]
			}
		}
	case "winograd: transposed": // rows and columns of a tile's outputs
		for i := range out {
			row, col := i/s.O/s.W%s.H, i/s.O%s.W
			if r := row/4*4 + col%4; col%4 > row%4 && r < s.H && row%4+col/4*4 < s.W {
				k := i - (row*s.W+col)*s.O + (r*s.W+col/4*4+row%4)*s.O
				out[i], out[k] = out[k], out[i]
			}
		}
	}
	ref64.SetValues(y, sum(out, bias, res))
}

// up computes Conv2D of a doubled image in the form of fewer products with the fault of b.
func (b broken) up(y, x, w, bias, res *tensor.Tensor) {
	f, outside := ref64.NewUp(), 0.0
	s := ref64.ConvShape{N: x.Dim(0), H: x.Dim(1), W: x.Dim(2), C: x.Cols(), O: w.Cols(), K: 3, Stride: 1, Up: true}
	switch b.mutant {
	case "up: coefficient":
		f.BT[3][1] *= 1 + 0x1p-8
	case "up: one tap for two":
		f.G[4] = f.G[3]
	case "up: neighbours swapped":
		f.AT[1], f.AT[2] = f.AT[2], f.AT[1]
	case "up: edge not zero":
		outside = 0.01
	case "up: no residual":
		res = nil
	}
	out := make([]float64, y.Len())
	f.Conv2D(out, ref64.Values(x), ref64.Values(w), s, outside)
	ref64.SetValues(y, sum(out, bias, res))
}

// sum adds bias, a row, and res to out; either may be nil.
func sum(out []float64, bias, res *tensor.Tensor) []float64 {
	if bias != nil {
		for i := range out {
			out[i] += ref64.Values(bias)[i%bias.Len()]
		}
	}
	if res != nil {
		for i, v := range ref64.Values(res) {
			out[i] += v
		}
	}
	return out
}

// like returns a tensor of zeros of t's shape.
func like(t *tensor.Tensor) *tensor.Tensor {
	if t == nil {
		return nil
	}
	return ref64.New().New(t.Shape()...)
}

func (b broken) GroupNorm(y, x, gamma, beta, ss, stats *tensor.Tensor, opt tensor.NormOpt) {
	switch b.mutant {
	case "groupnorm: no eps":
		opt.Eps = 0
	case "groupnorm: one group":
		opt.Groups = 1
	case "groupnorm: scale and shift swapped":
		ss = swapHalves(ss)
	case "groupnorm: no silu":
		opt.SiLU = false
	case "groupnorm: sample variance":
		if n := float64(x.Rows() / x.Dim(0) * x.Cols() / opt.Groups); n > 1 {
			gamma = rounded(gamma, 53)
			edit(gamma, func(g []float64) {
				for i := range g {
					g[i] *= math.Sqrt((n - 1) / n)
				}
			})
		}
	case "groupnorm: mean of batch":
		n, p := x.Dim(0), x.Rows()/x.Dim(0)
		x, y, stats = x.Reshape(1, n, p, x.Cols()), y.Reshape(1, n, p, x.Cols()), nil
		ss = nil
	}
	b.Device.GroupNorm(y, x, gamma, beta, ss, stats, opt)
}

func (b broken) GroupNormBackward(dx, dgamma, dbeta, dss, dy, x, gamma, beta, ss, stats *tensor.Tensor, opt tensor.NormOpt) {
	switch b.mutant {
	case "groupnorm: dx overwritten":
		opt.AddDX = false
	case "groupnorm: dgamma overwritten":
		zeroed(dgamma)
	case "groupnorm: nothing without dgamma":
		if dgamma == nil {
			return
		}
	}
	b.Device.GroupNormBackward(dx, dgamma, dbeta, dss, dy, x, gamma, beta, ss, stats, opt)
	if b.is("groupnorm: dss swapped") && dss != nil {
		ref64.SetValues(dss, ref64.Values(swapHalves(dss)))
	}
}

func (b broken) LayerNorm(y, x, gamma, beta, stats *tensor.Tensor, opt tensor.NormOpt) {
	opt.SiLU = opt.SiLU && !b.is("layernorm: no silu")
	b.Device.LayerNorm(y, x, gamma, beta, stats, opt)
}

func (b broken) LayerNormBackward(dx, dgamma, dbeta, dy, x, gamma, beta, stats *tensor.Tensor, opt tensor.NormOpt) {
	switch b.mutant {
	case "layernorm: dx overwritten":
		opt.AddDX = false
	case "layernorm: dbeta overwritten":
		zeroed(dbeta)
	case "layernorm: nothing without dgamma":
		if dgamma == nil {
			return
		}
	}
	b.Device.LayerNormBackward(dx, dgamma, dbeta, dy, x, gamma, beta, stats, opt)
}

func (b broken) SiLU(y, x *tensor.Tensor) {
	b.Device.SiLU(y, x)
	if b.is("silu: coarse") {
		ref64.SetValues(y, ref64.Values(rounded(y, 18)))
	}
}

func (b broken) SiLUBackward(dx, dy, x *tensor.Tensor) {
	b.Device.SiLUBackward(dx, dy, x)
	if b.is("silu: derivative") {
		b.Device.SiLU(dx, x)
	}
}
