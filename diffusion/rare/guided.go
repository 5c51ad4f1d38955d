package rare

import (
	"context"
	"fmt"
	"math"
	"slices"

	"heavytail/internal/dmath"
	"heavytail/stable"
)

// MaxDim is the largest number of values that Guided takes: a proposal has a matrix of
// that size, and more dimensions need more pilots than there are.
const MaxDim = 64

// Guided estimates the probability by importance sampling with n samples in all. The
// starts are drawn from a law q that leads to the event, and weighted:
//
//	P = (1/N)·Σ 1[Value(Φ(n_i)) > Threshold]·p(n_i)/q(n_i),  n_i ~ q
//
// p being the law of the model's noise. As Φ is one to one, p/q is also the ratio of
// the densities of the samples under the model and under the guided sampler: its
// Jacobian is in both, so none is computed and no error of a trace is left.
//
// q is found by the cross-entropy method [Rubinstein 1997]: rounds of pilots go to
// the threshold by way of levels that one in ten reaches, and a mixture of t laws
// with the tails of p is fitted to the weighted pilots beyond the level. A tenth of q
// stays p, so no weight exceeds 10. Once q stands, new samples make the estimate, so
// that it is unbiased; pilots, at most six tenths of n, serve for q alone. Its variance
// counts them (VarianceReduction).
//
// What no pilot found is missing from q but for the tenth: an event in several parts
// far from each other can come out too small. It is an error if the pilots do not
// reach the threshold or Dim is above MaxDim.
func Guided(ctx context.Context, m Model, e Event, n int, seed uint64) (Estimate, error) {
	if err := m.check(ctx, e, n); err != nil {
		return Estimate{}, err
	}
	if m.Dim > MaxDim {
		return Estimate{}, fmt.Errorf("rare: guidance of %d values: it is for %d at most; count plain samples, or fit their tail", m.Dim, MaxDim)
	}
	q, pilots, err := m.lead(ctx, e, n, seed)
	if err != nil {
		return Estimate{}, err
	}
	out := Estimate{Samples: n}
	sum, square := 0.0, 0.0
	N := n - pilots
	for first := 0; first < N; first += most {
		w, _, v, err := m.draw(ctx, e, q, min(most, N-first), stable.Key{Seed: seed, Sample: uint64(first), Step: finalStep})
		if err != nil {
			return Estimate{}, err
		}
		for i, v := range v {
			if v > e.Threshold {
				out.Hits++
				sum += w[i]
				square += float64(w[i] * w[i])
			}
		}
	}
	if out.Hits < 2 {
		return Estimate{}, fmt.Errorf("rare: %d of %d guided samples are in the event: use more samples, or an event that is less rare", out.Hits, N)
	}
	out.P, out.Effective = min(sum/float64(N), 1), sum*sum/square // of almost sure events the mean weight may be above 1
	// Var P/P² = (Σw²/N − P²)/(N·P²)
	out.spread(math.Sqrt(max(square/float64(sum*sum)-1/float64(N), 0)))
	return out, nil
}

// share of pilots beyond the level of a round.
const share = 0.1

// lead finds the proposal and returns how many samples that took. On the way to the
// threshold the roots of the weights serve, for most weight lies at the level, and the
// laws are made twice as wide, to go on; beyond it, all pilots of all rounds.
func (m Model) lead(ctx context.Context, e Event, n int, seed uint64) (q *proposal, used int, err error) {
	q = newProposal(m)
	each := max(n/20, 25)
	var x, w []float64 // of the pilots in the event
	arrived := 0
	for round := uint32(0); used+each <= n*6/10; round++ {
		weights, start, v, err := m.draw(ctx, e, q, each, stable.Key{Seed: seed, Step: pilotStep + round})
		if err != nil {
			return nil, 0, err
		}
		used += each
		level := slices.Sorted(slices.Values(v))[int((1-share)*float64(each))] // one in ten is there or beyond
		if there := level > e.Threshold; there || arrived > 0 {
			arrived++
			before := len(w)
			for i, v := range v {
				if v > e.Threshold {
					x, w = append(x, start[i*m.Dim:(i+1)*m.Dim]...), append(w, weights[i])
				}
			}
			if arrived > 2 && effective(w[before:]) > 0.4*float64(len(w)-before) {
				q.cover() // good as it is
				return q, used, nil
			}
			q.fit(ctx, x, w, seed+uint64(round))
			continue
		}
		var near, roots []float64
		for i, v := range v {
			if v >= level {
				near, roots = append(near, start[i*m.Dim:(i+1)*m.Dim]...), append(roots, math.Sqrt(weights[i]))
			}
		}
		q.fit(ctx, near, roots, seed+uint64(round))
		q.widen(2)
	}
	if err := ctx.Err(); err != nil {
		return nil, 0, fmt.Errorf("rare: %w", err)
	}
	if arrived == 0 {
		return nil, 0, fmt.Errorf("rare: the %d pilots did not come to the event: use more samples, or an event that is less rare", used)
	}
	q.cover()
	return q, used, nil
}

// effective returns (Σw)²/Σw².
func effective(w []float64) float64 {
	sum, square := 0.0, 0.0
	for _, v := range w {
		sum += v
		square += float64(v * v)
	}
	return sum * sum / square
}

// draw returns n samples of q: their weights p/q, starts and the event's values.
func (m Model) draw(ctx context.Context, e Event, q *proposal, n int, key stable.Key) (w, start, values []float64, err error) {
	start, w = make([]float64, n*m.Dim), make([]float64, n)
	for i := range n {
		if i%most == 0 && ctx.Err() != nil {
			break // values says so
		}
		k := key
		k.Sample += uint64(i)
		row := start[i*m.Dim : (i+1)*m.Dim]
		q.draw(row, k)
		w[i] = dmath.Exp(q.logRatio(row))
	}
	for first := 0; first < n; first += most {
		x := append([]float64(nil), start[first*m.Dim:min(first+most, n)*m.Dim]...)
		v, err := m.values(ctx, e, x)
		if err != nil {
			return nil, nil, nil, err
		}
		values = append(values, v...)
	}
	return w, start, values, nil
}
