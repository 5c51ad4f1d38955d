package kernels

import "heavytail/simd"

// backward computes dq, dk and dv of one (sample, head).
func (j *attnJob) backward(i int) {
	q, k, v, dy := j.head(i)
	n, h := i/j.heads, i%j.heads
	dp := j.dqkv.Pitch()
	dq := j.dqkv.Data()[n*j.t*dp+3*h*j.d:]
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
	for t := range j.t {
		simd.Scale(rows[t*j.d:][:j.d], k[t*pitch:][:j.d], j.scale)
	}
	m := 0
	for row := 0; row < j.t && !j.stop.Now(); row += m {
		m = queries(j.t - row)
		dyRow := dy[row*j.y.Pitch():]
		j.probabilities(prob, q[row*pitch:], keys, m, width)
		j.scores(grad, dyRow, vals, m, width, j.y.Pitch())
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
	for t := range j.t {
		row := dk[t*dp:][:j.d]
		simd.Scale(row, row, j.scale)
	}
}
