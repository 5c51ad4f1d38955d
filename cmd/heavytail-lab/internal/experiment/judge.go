package experiment

import (
	"context"
	"math"
	"slices"

	"heavytail/internal/dmath"
)

// A judge knows the exact laws of what is measured.
type judge struct {
	target dimensionTarget
	d      int
	want   []float64 // quantiles of beyond
	share  float64   // P(x_1 > 0)
}

func newJudge(g dimensionTarget, d int) *judge {
	j := &judge{target: g, d: d}
	for k, c := range g.centres {
		j.share += float64(g.shares[k] * g.one.Survival(-c))
	}
	var radius radiusLaw
	if g.radial() {
		radius = radiusOf(g.law, g.scale, d)
	}
	for _, p := range beyond {
		if g.radial() {
			j.want = append(j.want, radius.quantile(p))
			continue
		}
		lo, hi := 0.0, 1e9
		for range 100 {
			if m := (lo + hi) / 2; j.outside(m) > p {
				lo = m
			} else {
				hi = m
			}
		}
		j.want = append(j.want, lo)
	}
	return j
}

// radial says that |x| is measured.
func (g dimensionTarget) radial() bool { return len(g.centres) == 1 && !g.independent }

// outside is P(|x_1| > r).
func (j *judge) outside(r float64) (p float64) {
	for k, c := range j.target.centres {
		p += float64(j.target.shares[k] * (j.target.one.Survival(r-c) + j.target.one.CDF(-r-c)))
	}
	return p
}

// cdf is P(x_1 ≤ v).
func (j *judge) cdf(v float64) (p float64) {
	for k, c := range j.target.centres {
		p += float64(j.target.shares[k] * j.target.one.CDF(v-c))
	}
	return p
}

// ratios makes the first columns of quantiles that belong to beyond.
func (j *judge) ratios(got []float64) []float64 {
	row, sum := []float64{0}, 0.0
	for i, q := range got {
		if i < farColumns {
			row = append(row, q/j.want[i])
		} else {
			sum += math.Abs(dmath.Log(q / j.want[i]))
		}
	}
	row[0] = sum / float64(len(got)-farColumns)
	return row
}

// row measures samples. Quantiles with less than one sample beyond are NaN.
func (j *judge) row(x []float64) []float64 {
	n := len(x) / j.d
	size, p := make([]float64, n), make([]float64, n)
	above := 0
	for i := range n {
		row := x[i*j.d : (i+1)*j.d]
		p[i] = j.cdf(row[0])
		if row[0] > 0 {
			above++
		}
		if !j.target.radial() {
			row = row[:1]
		}
		sum := 0.0
		for _, v := range row {
			sum += float64(v * v)
		}
		size[i] = math.Sqrt(sum)
	}
	if j.target.independent {
		size = make([]float64, len(x))
		for i, v := range x {
			size[i] = math.Abs(v)
		}
	}
	slices.Sort(size)
	slices.Sort(p)
	got := make([]float64, len(beyond))
	for i, q := range beyond {
		got[i] = upperQuantile(size, q)
	}
	ks := 0.0
	for i, v := range p {
		ks = max(ks, float64(i+1)/float64(n)-v, v-float64(i)/float64(n))
	}
	return append(j.ratios(got), float64(above)/float64(n)-j.share, ks*math.Sqrt(float64(n)))
}

// quantiles measures where the quantiles of the start end. It is for one cluster at
// 0, so that every state stays in the direction of its start.
func (j *judge) quantiles(ctx context.Context, l *levels, s exactSampler) ([]float64, error) {
	start := radiusOf(l.noise, s.start(), j.d)
	x := make([]float64, len(beyond))
	err := s.trajectory(ctx, l, x, make([]uint64, len(x)), func(x []float64) {
		for i, p := range beyond {
			x[i] = start.quantile(p)
		}
	})
	return append(j.ratios(x), 0, math.NaN()), err
}
