package shapes

import (
	"fmt"

	"heavytail/tensor"
)

// Channels panics unless v [N,C] fits x [N,H,W,C].
func Channels(op string, x, v *tensor.Tensor) {
	if x.Rank() < 2 || v.Rank() != 2 || v.Dim(0) != x.Dim(0) || v.Cols() != x.Cols() {
		panic(fmt.Sprintf("tensor: %s: x %v with rows %v", op, x.Shape(), v.Shape()))
	}
}

// Samples panics unless x has n samples.
func Samples(op string, x *tensor.Tensor, n int) {
	if n != x.Dim(0) || x.Rank() < 2 {
		panic(fmt.Sprintf("tensor: %s: %d values for a batch %v", op, n, x.Shape()))
	}
}

// GroupNorm panics unless gamma, beta [C], ss [N,2C] or nil and stats [N,2C] fit
// x, y [N,H,W,C] and C is so many whole groups.
func GroupNorm(op string, y, x, gamma, beta, ss, stats *tensor.Tensor, groups int) {
	n, c := x.Dim(0), x.Cols()
	if x.Rank() < 2 || groups < 1 || c%groups != 0 {
		panic(fmt.Sprintf("tensor: %s: x %v in %d groups", op, x.Shape(), groups))
	}
	Match(op, y, x)
	Flat(op, gamma, c)
	Flat(op, beta, c)
	Flat(op, stats, n*2*c)
	if ss != nil {
		Flat(op, ss, n*2*c)
	}
}

// GroupNormBackward panics unless the gradients fit too; dss is not looked at where
// ss is nil, and dgamma and dbeta may both be nil.
func GroupNormBackward(dx, dgamma, dbeta, dss, dy, x, gamma, beta, ss, stats *tensor.Tensor, groups int) {
	const op = "GroupNormBackward"
	GroupNorm(op, dy, x, gamma, beta, ss, stats, groups)
	Match(op, dx, x)
	normParams(op, dgamma, dbeta, x.Cols())
	if ss != nil {
		Flat(op, dss, x.Dim(0)*2*x.Cols())
	}
}

// normParams panics unless the gradients fit c columns or are both nil.
func normParams(op string, dgamma, dbeta *tensor.Tensor, c int) {
	if (dgamma == nil) != (dbeta == nil) {
		panic(fmt.Sprintf("tensor: %s: dgamma %v and dbeta %v; want both or neither", op, of(dgamma), of(dbeta)))
	}
	if dgamma != nil {
		Flat(op, dgamma, c)
		Flat(op, dbeta, c)
	}
}

// LayerNorm panics unless gamma, beta [C] and stats [M,2] fit x, y [M,C].
func LayerNorm(op string, y, x, gamma, beta, stats *tensor.Tensor) {
	if x.Cols() == 0 {
		panic(fmt.Sprintf("tensor: %s: x %v has no columns", op, x.Shape()))
	}
	Match(op, y, x)
	Flat(op, gamma, x.Cols())
	Flat(op, beta, x.Cols())
	Flat(op, stats, 2*x.Rows())
}

// LayerNormBackward panics unless the gradients fit too; dgamma and dbeta may both be nil.
func LayerNormBackward(dx, dgamma, dbeta, dy, x, gamma, beta, stats *tensor.Tensor) {
	const op = "LayerNormBackward"
	LayerNorm(op, dy, x, gamma, beta, stats)
	Match(op, dx, x)
	normParams(op, dgamma, dbeta, x.Cols())
}

// Attention panics unless y [N,T,C] fits qkv [N,T,3C] of so many heads.
func Attention(op string, y, qkv *tensor.Tensor, heads int) {
	if qkv.Rank() != 3 || y.Rank() != 3 || heads < 1 || y.Dim(0) != qkv.Dim(0) || y.Dim(1) != qkv.Dim(1) ||
		qkv.Cols() != 3*y.Cols() || y.Cols()%heads != 0 {
		panic(fmt.Sprintf("tensor: %s: y %v, qkv %v, %d heads", op, y.Shape(), qkv.Shape(), heads))
	}
}

// AttentionBackward panics unless dqkv fits too.
func AttentionBackward(dqkv, dy, qkv *tensor.Tensor, heads int) {
	if !tensor.SameShape(dqkv, qkv) {
		panic(fmt.Sprintf("tensor: AttentionBackward: dqkv %v for qkv %v", dqkv.Shape(), qkv.Shape()))
	}
	Attention("AttentionBackward", dy, qkv, heads)
}

// Timestep panics unless y [N,D] has room for the embeddings of n times: D even,
// and the shift 0 or less than D/2.
func Timestep(y *tensor.Tensor, n int, opt tensor.TimeOpt) {
	d := y.Cols()
	if d%2 != 0 || y.Rows() != n || opt.Shift < 0 || opt.Shift > 0 && opt.Shift >= d/2 {
		panic(fmt.Sprintf("tensor: TimestepEmbedding: y %v for %d times, shift %d", y.Shape(), n, opt.Shift))
	}
}

// Embedding panics unless y [N,C], table [K,C] and N ids below K fit.
func Embedding(op string, y, table *tensor.Tensor, ids []int) {
	if table.Rank() != 2 || !table.Dense() || y.Cols() != table.Cols() || y.Rows() != len(ids) {
		panic(fmt.Sprintf("tensor: %s: y %v, table %v, %d ids", op, y.Shape(), table.Shape(), len(ids)))
	}
	for _, id := range ids {
		if id >= table.Rows() {
			panic(fmt.Sprintf("tensor: %s: id %d for table %v", op, id, table.Shape()))
		}
	}
}

// Dropout panics unless y and x match, 0 ≤ p < 1 and there is a key for each
// sample.
func Dropout(y, x *tensor.Tensor, p float32, keys int) {
	Match("Dropout", y, x)
	if !(p >= 0 && p < 1) || keys != x.Dim(0) || x.Rank() < 2 {
		panic(fmt.Sprintf("tensor: Dropout: p = %v, %d keys for shape %v", p, keys, x.Shape()))
	}
}

// Loss panics unless pred and target match, have n samples, and the kind is known.
func Loss(op string, pred, target *tensor.Tensor, kind tensor.LossKind, n int) {
	Match(op, pred, target)
	Samples(op, pred, n)
	if kind < tensor.Squared || kind > tensor.PNorm {
		panic(fmt.Sprintf("tensor: %s: unknown kind %d", op, kind))
	}
}

// AdamW panics unless all are dense and of equal length and steps count from 1.
func AdamW(p, g, m, v *tensor.Tensor, step int) {
	for _, t := range [...]*tensor.Tensor{p, g, m, v} {
		Flat("AdamW", t, p.Len())
	}
	if step < 1 {
		panic(fmt.Sprintf("tensor: AdamW: step %d: steps count from 1", step))
	}
}

// ScaleSamples panics unless y and x match and there are as many factors as samples.
func ScaleSamples(y, x *tensor.Tensor, factors int) {
	Match("ScaleSamples", y, x)
	if factors != x.Dim(0) {
		panic(fmt.Sprintf("tensor: ScaleSamples: %d factors for shape %v", factors, x.Shape()))
	}
}
