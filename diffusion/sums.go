package diffusion

import "math"

// sums holds the conditional variances Σ_0…Σ_{T−1} of every sample, read from
// the last to the first. Σ is a recursion upwards from t = 0, so a chain that
// runs downwards must keep it; keeping all of it would take T·n·d numbers
// without Isotropic. Instead every K-th row is kept, K = ⌈√T⌉, and the rows
// between two marks are made again from the counters of A when the chain
// reaches them: about 2√T·n·w numbers of 8 bytes, w = 1 or d, and each A drawn
// twice.
type sums struct {
	c     *chain
	every int       // K
	size  int       // n·w: one row
	marks []float64 // Σ_{kK}
	block []float64 // Σ_lo … Σ_{lo+K}
	lo    int       // first step of block; −1: none
	a     []float64 // A_t of one sample
	cut   bool      // the run's context ended amid a row: it and all later ones are wrong
}

// init runs the recursion once and keeps the marks. It ends soon after the context, as at
// does, and then cut is set: of a million steps or pixels it takes seconds.
func (s *sums) init(c *chain) {
	T, w := c.sched.T(), c.proc.multipliers(c.d)
	s.c, s.size, s.lo = c, c.n*w, -1
	s.every = int(math.Ceil(math.Sqrt(float64(T))))
	s.marks = make([]float64, ((T-1)/s.every+1)*s.size)
	s.block = make([]float64, (s.every+1)*s.size)
	s.a = make([]float64, w)
	cur := s.block[:s.size]
	for t := range T {
		s.next(cur, cur, t)
		if t%s.every == 0 {
			copy(s.marks[t/s.every*s.size:], cur)
		}
	}
}

// next sets cur to Σ_t from prev = Σ_{t−1} (unused at t = 0), for all samples.
func (s *sums) next(cur, prev []float64, t int) {
	w := len(s.a)
	for i := range s.c.n {
		if s.cut = s.cut || s.c.ctx.Err() != nil; s.cut {
			return
		}
		fillMultipliers(s.a, s.c.noise, s.c.factors(i, t), 0)
		for j, a := range s.a {
			cur[i*w+j] = s.c.sched.nextVariance(t, prev[i*w+j], a)
		}
	}
}

// at returns Σ_{t−1} and Σ_t of sample i, t ≥ 1. Steps are asked for in
// descending order.
func (s *sums) at(t, i int) (prev, sum []float64) {
	if lo := (t - 1) / s.every * s.every; lo != s.lo {
		s.lo = lo
		copy(s.block[:s.size], s.marks[lo/s.every*s.size:])
		for u := lo + 1; u <= min(lo+s.every, s.c.sched.T()-1); u++ {
			r := (u - lo) * s.size
			s.next(s.block[r:r+s.size], s.block[r-s.size:r], u)
		}
	}
	w := len(s.a)
	r := (t-1-s.lo)*s.size + i*w
	return s.block[r : r+w], s.block[r+s.size : r+s.size+w]
}
