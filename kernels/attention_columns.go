package kernels

import "heavytail/simd"

// attnPanels is how many panels of queries backwardColumns computes before it adds them
// to dk and dv: a tile of those loads and stores its sums once for all. With 64 channels
// in a head one panel takes 1.03 of the time, four the same.
const attnPanels = 2

// A panelGrad is what backwardColumns computes in.
type panelGrad struct {
	keys, vals []float32 // (k·scale)ᵀ and vᵀ as scores reads them
	rows       []float32 // k·scale
	query, out []float32 // 32 columns
	prob, grad []float32 // attnPanels panels of P, and of dP, then of dS

	panelAt, rowAt []int32 // where panels begin, and their queries

	tiles simd.Tiles
	soft  simd.ColSoftmax
}

// newPanelGrad returns one for the keys k and the values v.
func (j *attnJob) newPanelGrad(k, v []float32) (g panelGrad, s *scratch) {
	const w, rounded = simd.TileCols, 6 * 16
	room, pitch := j.room(), j.qkv.Pitch()
	s = getScratch(2*room*j.d+j.t*j.d+2*j.d*w+2*attnPanels*room*w+rounded, 2*attnPanels)
	at := 0
	cut := func(n int) (f []float32) {
		f, at = s.cut(at, n)
		return f
	}
	g.keys, g.vals, g.rows = cut(room*j.d), cut(room*j.d), cut(j.t*j.d)
	g.query, g.out = cut(j.d*w), cut(j.d*w)
	g.prob, g.grad = cut(attnPanels*room*w), cut(attnPanels*room*w)
	g.panelAt, g.rowAt = s.i[:attnPanels], s.i[attnPanels:][:attnPanels]
	for t := 0; t < j.t; t += attnKeys {
		m := min(attnKeys, j.t-t)
		simd.Transpose(g.keys[t*j.d:], k[t*pitch:], m, j.d, attnKeys, pitch, j.scale)
		simd.Transpose(g.vals[t*j.d:], v[t*pitch:], m, j.d, attnKeys, pitch, 1)
	}
	j.scaleKeys(g.rows, k)
	g.tiles = columnTiles()
	return g, s
}

// backwardColumns is backward with queries as columns of panels, as forwardColumns is
// forward: a softmax and its gradient fold no vector, and dq has whole tiles for heads
// of any size. dk and dv have as many columns as a head.
func (j *attnJob) backwardColumns(i int) {
	const w = simd.TileCols
	q, k, v, dy := j.head(i)
	dq, pitch := j.gradients(i), j.dqkv.Pitch()
	dk, dv, room := dq[j.d:], dq[2*j.d:], j.room()*w
	g, s := j.newPanelGrad(k, v)
	defer s.free()
	for lo := 0; lo < j.t && !j.stop.Now(); lo += attnPanels * w {
		q, dy := q[lo*j.qkv.Pitch():], dy[lo*j.y.Pitch():]
		n := min(attnPanels*w, j.t-lo)
		for at := 0; at < n; at += w {
			prob, grad := g.prob[at/w*room:], g.grad[at/w*room:]
			j.panel(&g, prob, grad, q[at*j.qkv.Pitch():], dy[at*j.y.Pitch():], dq[(lo+at)*pitch:], min(w, n-at))
		}
		j.addKeys(dk, &g, g.grad, q, j.qkv.Pitch(), n, lo > 0)
		j.addKeys(dv, &g, g.prob, dy, j.y.Pitch(), n, lo > 0)
	}
}

// panel sets a panel of P, one of dS and rows of dq from n queries q and their dy.
func (j *attnJob) panel(g *panelGrad, prob, grad, q, dy, dq []float32, n int) {
	transpose(g.query, q, n, j.d, j.qkv.Pitch(), 1)
	j.exponentials(&g.tiles, &g.soft, prob, g.keys, g.query, n)
	transpose(g.query, dy, n, j.d, j.y.Pitch(), 1)
	j.scores(&g.tiles, grad, g.vals, g.query, nil, j.t, n)
	g.soft.Grad(prob, grad, j.t, n)
	j.outputs(&g.tiles, dq, g.out, grad, g.rows, j.dqkv.Pitch(), j.d, nil, n)
}

// addKeys sets rows of c, one for each key, to the sums of the products of n queries'
// columns of p with the rows of x, xp apart, or adds those.
func (j *attnJob) addKeys(c []float32, g *panelGrad, p, x []float32, xp, n int, acc bool) {
	const w = simd.TileCols
	room := j.room() * w
	o := product{
		a: p, ai: w, ak: 1, b: x, bPanel: w, kb: xp, c: c, ci: j.dqkv.Pitch(), k: min(n, w), cols: j.d, acc: acc,
	}
	if n == attnPanels*w {
		o.aSeg, o.bSeg = g.panelAt, g.rowAt
		for i := range attnPanels {
			o.aSeg[i], o.bSeg[i] = int32(i*room), int32(i*w*xp)
		}
	}
	o.run(0, j.t, 0, panels(j.d))
	if left := n - w; left > 0 && left < w { // of two panels
		o.a, o.b, o.k, o.acc = p[room:], x[w*xp:], left, true
		o.run(0, j.t, 0, panels(j.d))
	}
}
