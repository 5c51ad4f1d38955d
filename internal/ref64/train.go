package ref64

import (
	"fmt"
	"math"

	"heavytail/tensor"
)

// Loss returns kind's function of r and its derivative. p is the exponent of
// PNorm. At r = 0 the derivative of |r|^p is taken as 0.
func Loss(r float64, kind tensor.LossKind, p float64) (f, df float64) {
	a := math.Abs(r)
	switch kind {
	case tensor.Squared:
		return r * r, 2 * r
	case tensor.Huber:
		if a < 1 {
			return r * r / 2, r
		}
		return a - 0.5, math.Copysign(1, r)
	case tensor.PNorm:
		if a == 0 {
			return 0, 0
		}
		return math.Pow(a, p), math.Copysign(p*math.Pow(a, p-1), r)
	}
	panic(fmt.Sprintf("ref64: loss kind %d", kind))
}

// Loss sets out[i] to the mean of kind over sample i.
func (Device) Loss(out []float64, pred, target *tensor.Tensor, kind tensor.LossKind, p float64) {
	check("Loss", "target", target, pred.Shape()...)
	sameLen("Loss", pred.Dim(0), len(out))
	a, b := Values(pred), Values(target)
	per := len(a) / max(len(out), 1)
	clear(out)
	for i := range a {
		f, _ := Loss(a[i]-b[i], kind, p)
		out[i/per] += f / float64(per)
	}
}

// LossBackward sets dpred = w[i]·∂out[i]/∂pred.
func (Device) LossBackward(dpred, pred, target *tensor.Tensor, kind tensor.LossKind, p float64, w []float64) {
	check("LossBackward", "target", target, pred.Shape()...)
	check("LossBackward", "dpred", dpred, pred.Shape()...)
	sameLen("LossBackward", pred.Dim(0), len(w))
	a, b := Values(pred), Values(target)
	per := len(a) / max(len(w), 1)
	for i := range a {
		_, df := Loss(a[i]-b[i], kind, p)
		a[i] = w[i/per] * df / float64(per)
	}
	SetValues(dpred, a)
}

// AdamW makes one step of Loshchilov and Hutter's AdamW as PyTorch writes it:
//
//	g ← GradScale·g
//	p ← p·(1 − LR·WeightDecay)
//	m ← β1·m + (1−β1)·g
//	v ← β2·v + (1−β2)·g²
//	p ← p − LR/(1−β1^t) · m / (√v/√(1−β2^t) + Eps)
func (Device) AdamW(p, g, m, v *tensor.Tensor, opt tensor.AdamWOpt) {
	for _, t := range []*tensor.Tensor{g, m, v} {
		sameLen("AdamW", p.Len(), t.Len())
	}
	ps, gs, ms, vs := Values(p), Values(g), Values(m), Values(v)
	c1 := 1 - math.Pow(opt.Beta1, float64(opt.Step))
	c2 := 1 - math.Pow(opt.Beta2, float64(opt.Step))
	for i := range ps {
		gi := opt.GradScale * gs[i]
		ps[i] *= 1 - opt.LR*opt.WeightDecay
		ms[i] = opt.Beta1*ms[i] + (1-opt.Beta1)*gi
		vs[i] = opt.Beta2*vs[i] + (1-opt.Beta2)*gi*gi
		ps[i] -= opt.LR / c1 * ms[i] / (math.Sqrt(vs[i])/math.Sqrt(c2) + opt.Eps)
	}
	SetValues(p, ps)
	SetValues(m, ms)
	SetValues(v, vs)
}

// Lerp sets dst = mu·dst + (1−mu)·src.
func (Device) Lerp(dst, src *tensor.Tensor, mu float64) {
	sameLen("Lerp", dst.Len(), src.Len())
	a := Values(dst)
	for i, s := range Values(src) {
		a[i] = mu*a[i] + (1-mu)*s
	}
	SetValues(dst, a)
}

// Dropout sets y = x·mask/(1−p). Element j of sample i is dropped when word
// j mod 4 of Philox under the key seed at the counter (j/4, keys[i]) is less
// than p·2³².
func (Device) Dropout(y, x *tensor.Tensor, p float32, seed uint64, keys []uint64) {
	check("Dropout", "y", y, x.Shape()...)
	sameLen("Dropout", x.Dim(0), len(keys))
	v := Values(x)
	per := len(v) / max(len(keys), 1)
	for i := range v {
		j, key := i%per, keys[i/per]
		w := Philox([4]uint32{uint32(j / 4), uint32(uint64(j) / 4 >> 32), uint32(key), uint32(key >> 32)}, seed)
		if float64(w[j%4]) < float64(p)*(1<<32) {
			v[i] = 0
		} else {
			v[i] /= 1 - float64(p)
		}
	}
	SetValues(y, v)
}
