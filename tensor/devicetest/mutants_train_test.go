package devicetest

import (
	"math"

	"heavytail/internal/ref64"
	"heavytail/tensor"
)

func (b broken) Attention(y, qkv *tensor.Tensor, heads int) {
	switch b.mutant {
	case "attention: scale": // 1/d instead of 1/√d: scale q by 1/√d again
		qkv = rounded(qkv, 53)
		d := qkv.Cols() / 3 / heads
		for h := range heads {
			edit(qkv.Columns(h*3*d, h*3*d+d), func(x []float64) {
				for i := range x {
					x[i] /= math.Sqrt(float64(d))
				}
			})
		}
	case "attention: narrow heads": // q·k over 256 channels of a head at most
		qkv = rounded(qkv, 53)
		d := qkv.Cols() / 3 / heads
		for h := range heads {
			edit(qkv.Columns(h*3*d+min(d, 256), h*3*d+d), func(x []float64) { clear(x) })
		}
	case "attention: coarse":
		qkv = rounded(qkv, 11)
	case "attention: order": // q, k, v major instead of head major
		c := rounded(qkv, 53)
		d := qkv.Cols() / 3 / heads
		for i := range 3 * heads {
			at := i%3*heads + i/3
			ref64.SetValues(c.Columns(i*d, i*d+d), ref64.Values(qkv.Columns(at*d, at*d+d)))
		}
		qkv = c
	}
	b.Device.Attention(y, qkv, heads)
}

func (b broken) AttentionBackward(dqkv, dy, qkv *tensor.Tensor, heads int) {
	b.Device.AttentionBackward(dqkv, dy, qkv, heads)
	if b.is("attention: gradient") {
		d := qkv.Cols() / 3 / heads
		edit(dqkv.Columns(d, 2*d), func(x []float64) { x[0] *= 1.001 })
	}
}

func (b broken) TimestepEmbedding(y *tensor.Tensor, t []float32, opt tensor.TimeOpt) {
	switch b.mutant {
	case "time: unscaled":
		opt.Scale = 1
	case "time: one order":
		opt.SinFirst = false
	case "time: no shift":
		opt.Shift = 0
	}
	b.Device.TimestepEmbedding(y, t, opt)
	if b.is("time: sin first") {
		ref64.SetValues(y, ref64.Values(swapHalves(y)))
	}
}

func (b broken) Embedding(y, table *tensor.Tensor, ids []int) {
	switch b.mutant {
	case "embedding: overwrites":
		zeroed(y)
	case "embedding: negative id":
		ids = append([]int(nil), ids...)
		for i := range ids {
			ids[i] = max(ids[i], 0)
		}
	}
	b.Device.Embedding(y, table, ids)
}

func (b broken) EmbeddingBackward(dtable, dy *tensor.Tensor, ids []int) {
	if b.is("embedding: gradient overwritten") {
		zeroed(dtable)
	}
	b.Device.EmbeddingBackward(dtable, dy, ids)
}

func (b broken) Dropout(y, x *tensor.Tensor, p float32, seed uint64, keys []uint64) {
	if b.is("dropout: seed ignored") {
		seed = 0
	}
	if b.is("dropout: by batch") { // the mask depends on the place in the batch
		keys = append([]uint64(nil), keys...)
		for i := range keys {
			keys[i] += uint64(i)
		}
	}
	b.Device.Dropout(y, x, p, seed, keys)
	if b.is("dropout: no scale") {
		b.Device.Scale(y, 1-p)
	}
}

func (b broken) Loss(out []float64, pred, target *tensor.Tensor, kind tensor.LossKind, p float64) {
	if b.is("loss: squared for all") {
		kind = tensor.Squared
	}
	b.Device.Loss(out, pred, target, kind, p)
	if b.is("loss: sum") {
		for i := range out {
			out[i] *= float64(pred.Len() / pred.Dim(0))
		}
	}
}

func (b broken) LossBackward(dpred, pred, target *tensor.Tensor, kind tensor.LossKind, p float64, w []float64) {
	if b.is("loss: weight") {
		w = append([]float64(nil), w...)
		w[len(w)-1] = w[0] + 1
	}
	b.Device.LossBackward(dpred, pred, target, kind, p, w)
}

func (b broken) AdamW(p, g, m, v *tensor.Tensor, opt tensor.AdamWOpt) {
	switch b.mutant {
	case "adamw: no correction":
		opt.Step = 1 << 20
	case "adamw: no clip":
		opt.GradScale = 1
	case "adamw: coupled decay":
		pv := ref64.Values(p)
		g = rounded(g, 53)
		edit(g, func(x []float64) {
			for i := range x {
				x[i] += opt.WeightDecay * pv[i]
			}
		})
		opt.WeightDecay = 0
	}
	b.Device.AdamW(p, g, m, v, opt)
}

func (b broken) Lerp(dst, src *tensor.Tensor, mu float64) {
	if b.is("lerp: swapped") {
		mu = 1 - mu
	}
	b.Device.Lerp(dst, src, mu)
}
