package simd

import "fmt"

// ChanBlock is the number of pixels whose per-channel sums are added in
// float32, in ascending order, before they go on in float64.
const ChanBlock = 32

// A Strip is a run of pixels of C channels: channel c of pixel i is
// Data[i·Pitch + c].
type Strip struct {
	Data  []float32
	Pitch int
}

// From returns the strip that starts at pixel i.
func (s Strip) From(i int) Strip { return s.sub(i, 0) }

// sub returns the strip that begins at channel c of pixel i.
func (s Strip) sub(i, c int) Strip { return Strip{s.Data[i*s.Pitch+c:], s.Pitch} }

// need panics unless s holds n pixels of c channels.
func (s Strip) need(op string, n, c int) {
	if n > 0 && c > 0 && (s.Pitch < c || len(s.Data) < (n-1)*s.Pitch+c) {
		panic(fmt.Sprintf("simd: %s: %d values of pitch %d for %d pixels of %d channels", op, len(s.Data), s.Pitch, n, c))
	}
}

// chanChunk is the number of channels whose block sums are held at a time.
const chanChunk = 128

// ChanStats adds to sum[c] and sq[c] the sums over n pixels of d = x − shift[c]
// and of d²: blocks of ChanBlock pixels in float32 (d² fused), then float64.
func ChanStats(sum, sq []float64, x Strip, n int, shift []float32) {
	must3("ChanStats", len(sum), len(sq), len(shift))
	x.need("ChanStats", n, len(shift))
	var s, q [chanChunk]float32
	for i := 0; i < n; i += ChanBlock {
		for c0 := 0; c0 < len(shift); c0 += chanChunk {
			c1 := min(len(shift), c0+chanChunk)
			w := c1 - c0
			chanSums(s[:w], q[:w], x.sub(i, c0), min(n-i, ChanBlock), shift[c0:c1])
			widenAdd(sum[c0:c1], s[:w])
			widenAdd(sq[c0:c1], q[:w])
		}
	}
}

// NormApply sets y = fma(x, a[c], b[c]), then SiLU of it if act. y may be x.
func NormApply(y, x Strip, n int, a, b []float32, act bool) {
	must2("NormApply", len(a), len(b))
	x.need("NormApply", n, len(a))
	y.need("NormApply", n, len(a))
	if n > 0 && len(a) > 0 {
		if act {
			normApplySiLU(y, x, n, a, b)
			return
		}
		normApply(y, x, n, a, b)
	}
}

// NormCoef holds the per-channel constants of a normalisation: v = fma(x, A, B)
// is what the activation sees, x̂ = (x − Mean)·Rstd.
type NormCoef struct{ A, B, Mean, Rstd []float32 }

// NormGradSums adds to s1[c] and s2[c] the sums over n pixels of dv and of
// dv·x̂, in blocks like ChanStats. dv is dy, or dy·silu'(v) if act, and is then
// stored unless dv.Data is nil. dv may be dy.
func NormGradSums(s1, s2 []float64, dv, dy, x Strip, n int, k NormCoef, act bool) {
	c := len(k.A)
	must3("NormGradSums", c, len(s1), len(s2))
	must3("NormGradSums", c, len(k.B), len(k.Mean))
	must2("NormGradSums", c, len(k.Rstd))
	dy.need("NormGradSums", n, c)
	x.need("NormGradSums", n, c)
	if dv.Data != nil {
		dv.need("NormGradSums", n, c)
	}
	var s, q [chanChunk]float32
	for i := 0; i < n; i += ChanBlock {
		for c0 := 0; c0 < c; c0 += chanChunk {
			c1 := min(c, c0+chanChunk)
			w, b := c1-c0, min(n-i, ChanBlock)
			part := NormCoef{k.A[c0:c1], k.B[c0:c1], k.Mean[c0:c1], k.Rstd[c0:c1]}
			if act {
				var to Strip
				if dv.Data != nil {
					to = dv.sub(i, c0)
				}
				gradSumsSiLU(s[:w], q[:w], to, dy.sub(i, c0), x.sub(i, c0), b, part)
			} else {
				gradSums(s[:w], q[:w], dy.sub(i, c0), x.sub(i, c0), b, part)
			}
			widenAdd(s1[c0:c1], s[:w])
			widenAdd(s2[c0:c1], q[:w])
		}
	}
}

// NormGradInput sets dx = fma(dv, p[c], fma(x, q[c], r[c])), or adds that to
// dx if acc. dx may be dv.
func NormGradInput(dx, dv, x Strip, n int, p, q, r []float32, acc bool) {
	must3("NormGradInput", len(p), len(q), len(r))
	dx.need("NormGradInput", n, len(p))
	dv.need("NormGradInput", n, len(p))
	x.need("NormGradInput", n, len(p))
	if n > 0 && len(p) > 0 {
		if acc {
			gradInputAcc(dx, dv, x, n, p, q, r)
			return
		}
		gradInput(dx, dv, x, n, p, q, r)
	}
}

// NormGradInputSiLU adds fma(dv, p[c], fma(x, q[c], r[c])) to dx with
// dv = dy·silu'(fma(x, a[c], b[c])).
func NormGradInputSiLU(dx, dy, x Strip, n int, a, b, p, q, r []float32) {
	must3("NormGradInputSiLU", len(p), len(q), len(r))
	must3("NormGradInputSiLU", len(p), len(a), len(b))
	dx.need("NormGradInputSiLU", n, len(p))
	dy.need("NormGradInputSiLU", n, len(p))
	x.need("NormGradInputSiLU", n, len(p))
	if n > 0 && len(p) > 0 {
		gradInputSiLU(dx, dy, x, n, a, b, p, q, r)
	}
}
