package kernels

import "heavytail/simd"

// products adds the terms k…k+n−1 to the products of so many points from first on, whose
// transformed taps u begins with, step apart.
func (w *winoBlock) products(p, k, n, first, points int, u []float32, step int) {
	const cols = simd.TileCols
	t := simd.WinoMany{
		U: u, Points: points, Pitch: w.pitch, UStep: step, K: n, Cols: min(cols, w.cols-p*cols), Acc: k > 0, Off: w.tables,
	}
	all := w.form.Points()
	for tile := w.t0; tile < w.t1; tile += t.N {
		if t.N = w.t1 - tile; w.nextTap < w.mats()-1 { // each Run fetches of one tap
			t.N = min(t.First(), simd.TileRows)
		}
		at := (tile-w.t0)*all + first
		t.V, t.M, t.Next = w.pixels[at*w.pitch+k-w.k0:], w.prods[at*cols:], w.next
		t.Run(w.form)
		w.fetched(t.Fetched())
	}
}

// fetch lets the products of panel p fetch the taps that the next panel reads: all at
// once where no channels lie between them.
func (w *winoBlock) fetch(p int) {
	w.next, w.nextTap = nil, w.mats()-1
	if w.nextAt = w.ahead(p, w.k1); w.nextAt == nil {
		if w.k1 == w.k && w.t1 == w.end {
			w.next = w.beyond
		}
		return
	}
	if n := (w.k1 - w.k0) * simd.TileCols; w.k1-w.k0 == w.k {
		w.next = w.nextAt[:w.mats()*n]
	} else {
		w.next, w.nextTap = w.nextAt[:n], 0
	}
}

// fetched goes on from n float32 of next, with the next tap if that was all of it.
func (w *winoBlock) fetched(n int) {
	w.next = w.next[min(n, len(w.next)):]
	if len(w.next) == 0 && w.nextTap < w.mats()-1 {
		w.nextTap++
		w.next = w.nextAt[w.nextTap*w.k*simd.TileCols:][:(w.k1-w.k0)*simd.TileCols]
	}
}

// few computes the products of panel p where tiles are so few that transformed taps
// would be written, and read again, for hardly more products than they took.
func (w *winoBlock) few(p int) {
	const cols = simd.TileCols
	b := w.b[p*9*w.k*cols:]
	points := w.form.Points()
	f := simd.WinoFew{Pitch: w.pitch, WStep: w.k * cols, Flip: w.flip}
	for k := w.k0; k < w.k1; k += winoFewK {
		f.K, f.W, f.Acc = min(winoFewK, w.k1-k), b[k*cols:], k > 0
		if f.Next = w.ahead(p, k+winoFewK); f.Next == nil && len(w.beyond) >= 8*f.WStep+f.K*cols {
			f.Next = w.beyond
		}
		for t := w.t0; t < w.t1; t += simd.WinoFewTiles {
			at := (t - w.t0) * points
			f.N, f.V, f.M = min(simd.WinoFewTiles, w.t1-t), w.pixels[at*w.pitch+k-w.k0:], w.prods[at*cols:]
			f.Run()
			f.Next = nil
		}
	}
}

// ahead returns where the taps of panel p begin at channel k, or those of the next
// panel if k is beyond the channels; nil after the last panel.
func (w *winoBlock) ahead(p, k int) []float32 {
	const cols = simd.TileCols
	if k >= w.k1 {
		p, k = p+1, w.k0
	}
	if p > w.last {
		return nil
	}
	return w.b[(p*w.mats()*w.k+k)*cols:]
}

// many computes the products of panel p where tiles are many: the taps are transformed
// once for all of them.
func (w *winoBlock) many(p int) {
	side := w.form.Side()
	w.fetch(p)
	for k := w.k0; k < w.k1; k += winoK {
		n := min(winoK, w.k1-k)
		step := n*simd.TileCols + winoPad
		line := side * step
		for pair := range side / 2 {
			switch r0, r1 := simd.WinoRows(w.form, pair); {
			case w.kept:
			case w.whole:
				w.weights(p, k, n, pair, w.taps[r0*line:], w.taps[r1*line:])
			default:
				w.weights(p, k, n, pair, w.taps, w.taps[line:])
				if r1 == r0+1 {
					w.products(p, k, n, r0*side, 2*side, w.taps, step)
				} else {
					w.products(p, k, n, r0*side, side, w.taps, step)
					w.products(p, k, n, r1*side, side, w.taps[line:], step)
				}
			}
		}
		if w.whole {
			w.products(p, k, n, 0, side*side, w.taps, step)
			w.kept = w.keep
		}
	}
}

// weights transforms the taps of panel p and n channels from k on to a pair of rows.
func (w *winoBlock) weights(p, k, n, pair int, u0, u1 []float32) {
	const cols = simd.TileCols
	simd.WinoWeights(w.form, pair, u0, u1, n*cols+winoPad, w.b[(p*9*w.k+k)*cols:], w.k*cols, n*cols, w.flip, w.ahead(p, k+winoK))
}
