package metrics

import "math"

// Settings of mini-batch k-means; scikit-learn's defaults where it has them.
const (
	kmBatch    = 1024 // points of a step
	kmStart    = 3    // batches from which the starting centres are chosen
	kmRestarts = 10   // choices of starting centres; the best is used
	kmEpochs   = 100  // at most
	kmPatience = 10   // steps without improvement that end the training
)

// centres are the k centres of clusters of points with d values.
type centres struct {
	d, k int
	c    []float64 // row-major
	n    []float64 // points seen by each
}

// kmeans chooses k centres for the points x (finite, d values each) by
// mini-batch k-means: k-means++ on a sample of the points, several times, of
// which the start with the least sum of squared distances is used; then
// batches of points, each moving its nearest centre towards it so that a
// centre is the mean of all points it has seen. It ends when the smoothed
// inertia of the batches has not improved for kmPatience steps.
//
// See [Sculley, 2010]: https://doi.org/10.1145/1772690.1772862
func kmeans(x []float64, d, k int, r *rng) *centres {
	n := len(x) / d
	k = min(k, n)
	s := min(max(kmStart*kmBatch, 3*k), n)
	sample := gather(x, d, r.choose(s, n))
	best, least := (*centres)(nil), math.Inf(1)
	for range kmRestarts {
		if c, inertia := plusPlus(sample, d, k, r); best == nil || inertia < least {
			best, least = c, inertia
		}
	}
	batch := min(kmBatch, n)
	smooth, lowest, stale := 0.0, math.Inf(1), 0
	rate := min(2*float64(batch)/float64(n+1), 1)
	for step := range kmEpochs * n / batch {
		inertia := best.learn(x, batch, r)
		switch {
		case step == 0:
			continue // it tells of the start
		case step == 1:
			smooth = inertia
		default:
			smooth += float64(rate * (inertia - smooth))
		}
		if stale++; smooth < lowest {
			lowest, stale = smooth, 0
		}
		if stale >= kmPatience {
			break
		}
	}
	return best
}

// gather returns the rows of x at the places in which.
func gather(x []float64, d int, which []int) []float64 {
	out := make([]float64, 0, len(which)*d)
	for _, i := range which {
		out = append(out, x[i*d:(i+1)*d]...)
	}
	return out
}

// plusPlus chooses k of the points as centres, each with a chance proportional
// to its squared distance from the centres so far, and returns the sum of the
// squared distances that are left.
//
// See [Arthur and Vassilvitskii, 2007]: https://dl.acm.org/doi/10.5555/1283383.1283494
func plusPlus(x []float64, d, k int, r *rng) (*centres, float64) {
	n := len(x) / d
	c := &centres{d: d, k: k, c: make([]float64, 0, k*d), n: make([]float64, k)}
	dist := make([]float64, n)
	for i := range dist {
		dist[i] = math.Inf(1)
	}
	next, total := r.below(n), 0.0
	for range k {
		at := x[next*d : (next+1)*d]
		c.c = append(c.c, at...)
		total = 0
		for i := range dist {
			dist[i] = min(dist[i], squared(x[i*d:(i+1)*d], at))
			total += dist[i]
		}
		u := float64(r.unit() * total)
		for next = 0; next < n-1; next++ {
			if u -= dist[next]; u < 0 {
				break
			}
		}
	}
	return c, total
}

// learn moves the centres by one batch and returns its mean squared distance
// from them before.
func (c *centres) learn(x []float64, batch int, r *rng) float64 {
	n := len(x) / c.d
	inertia := 0.0
	which, points := make([]int, batch), make([]int, batch)
	for i := range which {
		points[i] = r.below(n)
		var dist float64
		p := points[i]
		which[i], dist = c.nearest(x[p*c.d : (p+1)*c.d])
		inertia += dist
	}
	for i, k := range which {
		p := x[points[i]*c.d:]
		at := c.c[k*c.d : (k+1)*c.d]
		c.n[k]++
		for j := range at {
			at[j] += (p[j] - at[j]) / c.n[k]
		}
	}
	return inertia / float64(batch)
}

// nearest returns the centre nearest to p, the first of several, and its
// squared distance.
func (c *centres) nearest(p []float64) (best int, least float64) {
	least = math.Inf(1)
	if c.d == 2 {
		x, y := p[0], p[1]
		for k := 0; k+1 < len(c.c); k += 2 {
			u, v := x-c.c[k], y-c.c[k+1]
			if s := float64(u*u) + float64(v*v); s < least {
				best, least = k/2, s
			}
		}
		return best, least
	}
	for k := range c.k {
		if s := squared(p, c.c[k*c.d:(k+1)*c.d]); s < least {
			best, least = k, s
		}
	}
	return best, least
}

// squared returns the squared Euclidean distance of x and y, summed in four
// lanes.
func squared(x, y []float64) float64 {
	var s [4]float64
	y = y[:len(x)]
	i := 0
	for ; i+4 <= len(x); i += 4 {
		for l := range 4 {
			u := x[i+l] - y[i+l]
			s[l] += float64(u * u)
		}
	}
	for ; i < len(x); i++ {
		u := x[i] - y[i]
		s[0] += float64(u * u)
	}
	return (s[0] + s[2]) + (s[1] + s[3])
}
