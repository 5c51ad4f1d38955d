package kernels

import (
	"math"

	"heavytail/internal/par"
	"heavytail/internal/shapes"
	"heavytail/simd"
	"heavytail/tensor"
)

// normSlice is the most elements that one part of a group normalisation
// holds: a sample's pixels of so many channels that the second pass finds them
// in a second-level cache (256 KiB of x; backward x, dy and dx, 768 KiB).
//
// Per element the forward pass loads 8 bytes and stores 4, the backward pass
// loads 16 and stores 8 (dv lies in dx between its two passes; with AddDX it
// is computed twice instead, 20 and 4). From a second-level cache at 32 bytes
// per cycle that takes 0.4 and 0.75 cycles; the arithmetic of SiLU and of its
// gradient takes about as long with AVX-512 (7 and 10 cycles for 16 elements),
// twice that with AVX2.
const normSlice = 1 << 16

// normJob is a group normalisation or its gradient, cut into samples ×
// slices of channels. A slice holds whole groups, so it is finished by one
// goroutine and no result depends on the cut.
type normJob struct {
	tensor.NormOpt
	backward       bool
	n, p, c        int // samples, pixels, channels
	threads        int
	width, slices  int // channels of a slice, slices of a sample
	x, y, dy, dx   simd.Strip
	gamma, beta    []float32
	ss, stats, dss []float32 // ss and dss may be nil
	grads          []float32 // backward: per sample dgamma and dbeta [N,2C]
}

var normPool par.Pool[normJob]

// strip returns t's rows as pixels.
func strip(t *tensor.Tensor) simd.Strip { return simd.Strip{Data: t.Data(), Pitch: t.Pitch()} }

// GroupNorm sets y = act(n·(1+scale) + shift), n = (x−mean)·rstd·gamma + beta,
// with the biased variance of each group of C/Groups channels over the pixels
// of a sample, rstd = 1/√(var+eps). x, y [N,H,W,C] (any rank with N first;
// views allowed; y may be x), gamma, beta [C], ss [N,2C] or nil, stats [N,2C].
//
// Per channel, Σ(x−k) and Σ(x−k)² are summed by simd.ChanStats, k being the
// median of the first, the middle (p/2) and the last pixel: sums about a lone
// outlier would lose what the other pixels say. The channels of a group are
// joined in float64 in ascending order. mean and rstd are rounded to float32
// and stored in stats for every channel. Then v = fma(x, a, b) with
//
//	a = rstd·gamma·(1+scale), b = (beta − mean·rstd·gamma)·(1+scale) + shift
//
// computed in float64 and rounded. It panics on other shapes.
func (c *CPU) GroupNorm(y, x, gamma, beta, ss, stats *tensor.Tensor, opt tensor.NormOpt) {
	shapes.GroupNorm("GroupNorm", y, x, gamma, beta, ss, stats, opt.Groups)
	j := c.normJob(x, gamma, beta, ss, stats, opt)
	j.backward = false
	j.y = strip(y)
	j.run()
	y.Touch()
	stats.Touch()
}

// GroupNormBackward computes the gradients of GroupNorm from dy: dx (added to
// if opt.AddDX), dgamma +=, dbeta += (sample after sample; both nil: skipped), dss
// overwritten (nil if ss is nil). With dv the gradient at v and A = gamma·(1+scale),
//
//	dx = rstd·(dv·A − m1 − x̂·m2) = fma(dv, p, fma(x, q, r))
//
// m1 and m2 being the group's means of dv·A and dv·A·x̂. dx may be dy, not x.
// It panics on other shapes.
func (c *CPU) GroupNormBackward(dx, dgamma, dbeta, dss, dy, x, gamma, beta, ss, stats *tensor.Tensor, opt tensor.NormOpt) {
	shapes.GroupNormBackward(dx, dgamma, dbeta, dss, dy, x, gamma, beta, ss, stats, opt.Groups)
	j := c.normJob(x, gamma, beta, ss, stats, opt)
	j.backward = true
	j.dy, j.dx, j.dss = strip(dy), strip(dx), nil
	if ss != nil {
		j.dss = dss.Data()
		dss.Touch()
	}
	s := getScratch(j.n*2*j.c, 0)
	j.grads = s.f
	n, w := j.n, j.c
	j.run()
	if dgamma != nil {
		for i := range n {
			simd.Add(dgamma.Data()[:w], dgamma.Data()[:w], s.f[i*2*w:][:w])
			simd.Add(dbeta.Data()[:w], dbeta.Data()[:w], s.f[i*2*w+w:][:w])
		}
		dgamma.Touch()
		dbeta.Touch()
	}
	s.free()
	dx.Touch()
}

// normJob returns a job for x.
func (c *CPU) normJob(x, gamma, beta, ss, stats *tensor.Tensor, opt tensor.NormOpt) *normJob {
	n, ch := x.Dim(0), x.Cols()
	j := normPool.Get()
	j.NormOpt, j.n, j.c = opt, n, ch
	j.p = x.Rows() / max(n, 1)
	j.x = strip(x)
	j.gamma, j.beta, j.stats = gamma.Data(), beta.Data(), stats.Data()
	j.ss = nil
	if ss != nil {
		j.ss = ss.Data()
	}
	j.cut(c.width())
	return j
}

// cut chooses the width of a slice: whole groups and, where possible, whole
// cache lines (16 channels), at most normSlice elements, fewer if the threads
// would otherwise idle. Fewer goroutines run where each would get less than a
// chunk of work.
func (j *normJob) cut(threads int) {
	threads = min(threads, 1+j.n*j.p*j.c/flatChunk)
	j.threads = threads
	per := j.c / j.Groups
	unit := per
	for unit%16 != 0 {
		unit += per
	}
	units := (j.c + unit - 1) / unit
	want := max(1, normSlice/(max(1, j.p)*unit))
	if j.n > 0 && j.n < threads {
		each := (threads + j.n - 1) / j.n
		want = min(want, (units+each-1)/each)
	}
	j.width = unit * min(want, units)
	j.slices = (j.c + j.width - 1) / j.width
}

func (j *normJob) run() {
	if j.p > 0 {
		par.Run(j.threads, j.n*j.slices, j)
	}
	normPool.Free(j)
}

// Do normalises one slice of one sample.
func (j *normJob) Do(part int) {
	n := part / j.slices
	c0 := part % j.slices * j.width
	c1 := min(j.c, c0+j.width)
	w := getNormWork(c1 - c0)
	if j.backward {
		j.gradSlice(w, n, c0, c1)
	} else {
		j.slice(w, n, c0, c1)
	}
	w.free()
}

// at returns the strip that begins at channel c of sample n.
func (j *normJob) at(s simd.Strip, n, c int) simd.Strip {
	return simd.Strip{Data: s.Data[n*j.p*s.Pitch+c:], Pitch: s.Pitch}
}

// slice normalises the channels c0…c1−1 of sample n.
func (j *normJob) slice(w *normWork, n, c0, c1 int) {
	x := j.at(j.x, n, c0)
	clear(w.s1)
	clear(w.s2)
	first, mid, last := x.Data, x.From(j.p/2).Data, x.From(j.p-1).Data
	for c := range w.shift {
		w.shift[c] = median(first[c], mid[c], last[c])
	}
	simd.ChanStats(w.s1, w.s2, x, j.p, w.shift)
	w.means(float64(j.p))
	mean, rstd := j.saved(n, c0, c1)
	per := j.c / j.Groups
	for g := 0; g < c1-c0; g += per {
		m, r := w.group(g, g+per, float64(j.p), float64(j.Eps))
		for c := range per {
			mean[g+c], rstd[g+c] = m, r
		}
	}
	j.coefficients(w, n, c0, c1)
	simd.NormApply(j.at(j.y, n, c0), x, j.p, w.a, w.b, j.SiLU)
}

// median returns the middle one of three values; NaN if one is NaN.
func median(a, b, c float32) float32 { return max(min(a, b), min(max(a, b), c)) }

// saved returns the means and reciprocal deviations of channels c0…c1−1.
func (j *normJob) saved(n, c0, c1 int) (mean, rstd []float32) {
	s := j.stats[n*2*j.c:]
	return s[c0:c1], s[j.c+c0 : j.c+c1]
}

// means turns the sums over p pixels about the shifts into every channel's mean, in
// s1, and its sum of squares about that mean, in s2. It is a loop of its own: the
// divisions of all channels overlap, where those of a group wait for its sums.
func (w *normWork) means(p float64) {
	s1 := w.s1
	s2, shift := w.s2[:len(s1)], w.shift[:len(s1)]
	for c, s := range s1 {
		own := s / p // mean of x − shift
		s1[c] = float64(shift[c]) + own
		s2[c] -= float64(own * s)
	}
}

// group joins what means left of the channels c0…c1−1 to the mean and the reciprocal
// deviation of the group.
func (w *normWork) group(c0, c1 int, p, eps float64) (mean, rstd float32) {
	s1 := w.s1[c0:c1]
	s2 := w.s2[c0:c1][:len(s1)]
	m := 0.0
	for _, v := range s1 {
		m += v
	}
	m /= float64(len(s1))
	m2 := 0.0
	for c, v := range s1 {
		d := v - m
		m2 += s2[c]
		m2 += float64(float64(d*d) * p)
	}
	return float32(m), float32(1 / math.Sqrt(max(m2, 0)/float64(p*float64(len(s1)))+eps))
}

// coefficients sets a and b of the channels c0…c1−1 of sample n.
func (j *normJob) coefficients(w *normWork, n, c0, c1 int) {
	mean, rstd := j.saved(n, c0, c1)
	rstd = rstd[:len(mean)]
	gamma, beta := j.gamma[c0:c1][:len(mean)], j.beta[c0:c1][:len(mean)]
	a, b := w.a[:len(mean)], w.b[:len(mean)]
	var scales, shifts []float32
	if j.ss != nil {
		row := j.ss[n*2*j.c:]
		scales, shifts = row[c0:c1], row[j.c+c0:j.c+c1]
	}
	for c, m := range mean {
		scale, shift := 1.0, 0.0
		if c < len(scales) && c < len(shifts) {
			scale, shift = 1+float64(scales[c]), float64(shifts[c])
		}
		g := float64(float64(rstd[c]) * float64(gamma[c]))
		v := float64(beta[c]) - float64(float64(m)*g)
		a[c] = float32(g * scale)
		b[c] = float32(float64(v*scale) + shift)
	}
}

// scaleShift returns 1+scale and shift of channel c of sample n.
func (j *normJob) scaleShift(n, c int) (scale, shift float64) {
	if j.ss == nil {
		return 1, 0
	}
	return 1 + float64(j.ss[n*2*j.c+c]), float64(j.ss[n*2*j.c+j.c+c])
}
