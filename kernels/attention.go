package kernels

import (
	"math"

	"heavytail/internal/par"
	"heavytail/internal/shapes"
	"heavytail/tensor"
)

// attnJob computes attention, forward or backward, one (sample, head, range
// of queries) per part.
type attnJob struct {
	y, qkv, dqkv *tensor.Tensor // y is dy backward
	t, d, heads  int
	chunks       int
	scale        float32
	stop         *tensor.Stop
}

var attnPool par.Pool[attnJob]

// Attention sets y = softmax(s)·v per head with s = q·(k·scale)ᵀ and
// scale = float32(1/√d), d = C/heads; the keys are scaled (and rounded) before
// the product. qkv is [N,T,3C], head-major, inside each head q, k, v; y is
// [N,T,C]. Sums run over d and over keys in ascending order; the softmax is
// simd.SoftmaxRow. It panics on other shapes.
func (c *CPU) Attention(y, qkv *tensor.Tensor, heads int) {
	shapes.Attention("Attention", y, qkv, heads)
	j := newAttn(y, qkv, heads)
	j.stop = c.stop
	defer y.Touch()
	parts, threads := qkv.Dim(0)*heads, c.width()
	want := partsFor(threads, parts*j.t*j.t*j.d*2)
	if want == 1 {
		threads = 1
	}
	// every chunk of queries packs the keys again: few chunks, and only for a
	// small batch
	j.chunks = min((want+parts-1)/max(parts, 1), (j.t+2*attnRows-1)/(2*attnRows))
	j.chunks = max(1, j.chunks)
	par.Run(threads, parts*j.chunks, j)
	j.release()
}

// AttentionBackward sets dqkv from dy, recomputing the probabilities P:
// dv = Pᵀ·dy, dP = dy·vᵀ, dS = P∘(dP − Σ P∘dP), dq = dS·(k·scale) and
// dk = (dSᵀ·q)·scale, sums over queries ascending. It panics on other shapes.
func (c *CPU) AttentionBackward(dqkv, dy, qkv *tensor.Tensor, heads int) {
	shapes.AttentionBackward(dqkv, dy, qkv, heads)
	j := newAttn(dy, qkv, heads)
	defer dqkv.Touch()
	j.dqkv, j.stop = dqkv, c.stop
	parts, threads := qkv.Dim(0)*heads, c.width()
	if partsFor(threads, parts*j.t*j.t*j.d*5) == 1 {
		threads = 1
	}
	par.Run(threads, parts, j)
	j.release()
}

func newAttn(y, qkv *tensor.Tensor, heads int) *attnJob {
	j := attnPool.Get()
	j.y, j.qkv, j.t, j.heads = y, qkv, y.Dim(1), heads
	j.d = y.Cols() / heads
	j.scale = float32(1 / math.Sqrt(float64(j.d)))
	return j
}

func (j *attnJob) release() {
	attnPool.Free(j)
}

// Do computes one part.
func (j *attnJob) Do(part int) {
	if j.t == 0 || j.d == 0 || j.stop.Now() {
		return
	}
	if j.dqkv != nil {
		j.backward(part)
		return
	}
	j.forward(part)
}

// head returns q, k, v (rows pitch apart) and the rows of y of a (sample,
// head).
func (j *attnJob) head(i int) (q, k, v, y []float32) {
	n, h := i/j.heads, i%j.heads
	base := j.qkv.Data()[n*j.t*j.qkv.Pitch()+3*h*j.d:]
	return base, base[j.d:], base[2*j.d:], j.y.Data()[n*j.t*j.y.Pitch()+h*j.d:]
}

// share returns the queries of a chunk, in blocks of size.
func (j *attnJob) share(chunk, size int) (lo, hi int) {
	blocks := (j.t + size - 1) / size
	return blocks * chunk / j.chunks * size, min(j.t, blocks*(chunk+1)/j.chunks*size)
}
