package kernels

import (
	"heavytail/internal/par"
	"heavytail/internal/shapes"
	"heavytail/simd"
	"heavytail/tensor"
)

// Resample filters every channel of x along both sides with opt.Taps and
// halves, doubles or keeps the size; see tensor.Device. The taps that meet the
// image are one chain, the first product rounded, the others fused, in
// ascending order of the pixel of x: first down the rows, then, on the rounded
// results, along the columns. Where no tap meets the image the result is zero.
// It panics on other shapes.
func (c *CPU) Resample(y, x *tensor.Tensor, opt tensor.ResampleOpt) {
	shapes.Resample("Resample", y, x, opt)
	c.resample(y, x, opt, opt.Up)
}

// ResampleBackward sets dx to the transpose of Resample applied to dy: the
// same kind of sum, with the roles of down and up exchanged. It panics on
// other shapes.
func (c *CPU) ResampleBackward(dx, dy *tensor.Tensor, opt tensor.ResampleOpt) {
	shapes.Resample("ResampleBackward", dy, dx, opt)
	c.resample(dx, dy, opt, !opt.Up)
}

// resampleJob is dst = filter(src) in parts of some rows of one sample.
type resampleJob struct {
	dst, src         []float32
	dstPitch, pitch  int
	h, w, oh, ow, c  int
	step, pad        int
	spread           bool // dst[o] takes f[o+pad−step·i]·src[i]; otherwise f[k]·src[step·o+k−pad]
	taps             [tensor.MaxTaps]float32
	n, rows, perPart int
}

var resamplePool par.Pool[resampleJob]

func (c *CPU) resample(dst, src *tensor.Tensor, opt tensor.ResampleOpt, spread bool) {
	if dst.Len() > 0 {
		j := resamplePool.Get()
		j.dst, j.src, j.dstPitch, j.pitch = dst.Data(), src.Data(), dst.Pitch(), src.Pitch()
		j.h, j.w, j.oh, j.ow, j.c = src.Dim(1), src.Dim(2), dst.Dim(1), dst.Dim(2), dst.Cols()
		j.step, j.pad, j.spread = max(opt.Stride, 1), opt.Pad, spread
		if opt.Up {
			j.step = 2
		}
		j.n = copy(j.taps[:], opt.Taps)
		j.rows = dst.Dim(0) * j.oh
		j.perPart = max(1, flatChunk/(2*max(1, j.w*j.c)))
		par.Run(c.width(), (j.rows+j.perPart-1)/j.perPart, j)
		resamplePool.Free(j)
	}
	dst.Touch()
}

// terms returns the source indices lo…hi−1 of n that contribute to output o,
// and the tap of the first; the tap changes by −step (spread) or +1 per index.
func (j *resampleJob) terms(o, n int) (lo, hi, tap int) {
	if j.spread { // 0 ≤ o+pad−step·i < n taps
		if over := o + j.pad - j.n + 1; over > 0 {
			lo = (over + j.step - 1) / j.step
		}
		return lo, min(n, (o+j.pad)/j.step+1), o + j.pad - j.step*lo
	}
	at := j.step*o - j.pad
	return max(0, at), min(n, at+j.n), max(0, at) - at
}

// Do filters the rows of one part.
func (j *resampleJob) Do(part int) {
	s := getScratch(j.w*j.c, 0)
	line := s.f[:j.w*j.c]
	for r := part * j.perPart; r < min(j.rows, (part+1)*j.perPart); r++ {
		j.row(line, r/j.oh, r%j.oh)
	}
	s.free()
}

// row computes row o of sample i; line holds a row of the source.
func (j *resampleJob) row(line []float32, i, o int) {
	lo, hi, tap := j.terms(o, j.h)
	src := j.src[i*j.h*j.w*j.pitch:]
	at := func(y int) int { return y * j.w * j.pitch }
	if j.pitch == j.c {
		j.chain(line, src, at(lo), at(1), hi-lo, tap)
	} else {
		for p := range j.w {
			j.chain(line[p*j.c:][:j.c], src, at(lo)+p*j.pitch, at(1), hi-lo, tap)
		}
	}
	dst := j.dst[(i*j.oh+o)*j.ow*j.dstPitch:]
	for q := range j.ow {
		lo, hi, tap := j.terms(q, j.w)
		j.chain(dst[q*j.dstPitch:][:j.c], line, lo*j.c, j.c, hi-lo, tap)
	}
}

// chain sets dst to Σ f·src over m pieces of src, which begin at and lie
// stride apart, the first under the tap given.
func (j *resampleJob) chain(dst, src []float32, at, stride, m, tap int) {
	step := 1
	if j.spread {
		step = -j.step
	}
	n := len(dst)
	x := func(k int) []float32 { return src[at+k*stride:][:n] }
	f := func(k int) float32 { return j.taps[tap+k*step] }
	switch m {
	case 1:
		simd.Scale(dst, x(0), f(0))
	case 2:
		simd.AxpBy(dst, f(1), x(1), f(0), x(0))
	case 3, 4:
		simd.LinComb3(dst, f(0), x(0), f(1), x(1), f(2), x(2))
		if m == 4 {
			simd.Axpy(dst, f(3), x(3))
		}
	default:
		simd.Fill(dst, 0)
	}
}
