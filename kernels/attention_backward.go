package kernels

import "heavytail/simd"

// attnRows is how many queries are scored at a time, in backwardRows and forwardRows: four
// tiles, and a fifth where nothing else would be left. That many rows of scores are
// their largest workspace; there is no T×T matrix. Forward cuts its queries into parts
// of a multiple of it, whether it goes by rows or by columns.
const (
	attnRows = 4 * simd.TileRows
	attnMost = attnRows + simd.TileRows
)

// queries returns how many of so many queries that are left are scored next.
func queries(left int) int {
	if left <= attnMost {
		return left
	}
	return attnRows
}

// backward computes dq, dk and dv of one (sample, head).
func (j *attnJob) backward(i int) {
	if j.byColumns() {
		j.backwardColumns(i)
	} else {
		j.backwardRows(i)
	}
	dk := j.gradients(i)[j.d:]
	for t := range j.t {
		row := dk[t*j.dqkv.Pitch():][:j.d]
		simd.Scale(row, row, j.scale)
	}
}

// scaleKeys sets rows, j.d values each, to k·scale.
func (j *attnJob) scaleKeys(rows, k []float32) {
	for t := range j.t {
		simd.Scale(rows[t*j.d:][:j.d], k[t*j.qkv.Pitch():][:j.d], j.scale)
	}
}

// gradients returns dq of a (sample, head), and dk and dv behind it.
func (j *attnJob) gradients(i int) []float32 {
	n, h := i/j.heads, i%j.heads
	return j.dqkv.Data()[n*j.t*j.dqkv.Pitch()+3*h*j.d:]
}

// backwardRows computes a block of queries at a time, each a row of scores.
func (j *attnJob) backwardRows(i int) {
	q, k, v, dy := j.head(i)
	dp, dq := j.dqkv.Pitch(), j.gradients(i)
	dk, dv := dq[j.d:], dq[2*j.d:]
	pitch, width := j.qkv.Pitch(), panels(j.t)*simd.TileCols
	most := min(j.t, attnMost) * width
	s := getScratch(2*width*j.d+j.d*j.t+2*most+16, 0)
	defer s.free()
	keys, at := s.cut(0, width*j.d)  // (k·scale)ᵀ
	vals, at := s.cut(at, width*j.d) // vᵀ
	rows, at := s.cut(at, j.d*j.t)   // k·scale
	prob, at := s.cut(at, most)
	grad, _ := s.cut(at, most) // dP, then dS
	packKeys(keys, k, j.t, j.d, pitch, j.scale)
	packKeys(vals, v, j.t, j.d, pitch, 1)
	j.scaleKeys(rows, k)
	m := 0
	for row := 0; row < j.t && !j.stop.Now(); row += m {
		m = queries(j.t - row)
		dyRow := dy[row*j.y.Pitch():]
		j.probabilities(prob, q[row*pitch:], keys, m, width)
		j.rowScores(grad, dyRow, vals, m, width, j.y.Pitch())
		simd.SoftmaxBackwardRows(grad, prob, grad, m, width, j.t)
		p := product{a: grad, ai: width, ak: 1, b: rows, bPanel: simd.TileCols, kb: j.d,
			c: dq[row*dp:], ci: dp, k: j.t, cols: j.d}
		p.run(0, m, 0, panels(j.d))
		// dk and dv: rows are keys, the sum runs over this block's queries
		p = product{a: grad, ai: 1, ak: width, b: q[row*pitch:], bPanel: simd.TileCols, kb: pitch,
			c: dk, ci: dp, k: m, cols: j.d, acc: row > 0}
		p.run(0, j.t, 0, panels(j.d))
		p.a, p.b, p.kb, p.c = prob, dyRow, j.y.Pitch(), dv
		p.run(0, j.t, 0, panels(j.d))
	}
}

// probabilities sets n rows of p, width apart, to the softmax of q·keys.
func (j *attnJob) probabilities(p, q, keys []float32, n, width int) {
	j.rowScores(p, q, keys, n, width, j.qkv.Pitch())
	simd.SoftmaxRows(p, n, width, j.t)
}

// rowScores sets n rows of s to q·keys, keys in panels of 32 tokens.
func (j *attnJob) rowScores(s, q, keys []float32, n, width, pitch int) {
	p := product{
		a: q, ai: pitch, ak: 1, b: keys, bPanel: j.d * simd.TileCols, kb: simd.TileCols,
		c: s, ci: width, k: j.d, cols: j.t,
	}
	p.run(0, n, 0, panels(j.t))
}
