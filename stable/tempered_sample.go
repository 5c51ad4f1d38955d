package stable

import (
	"fmt"
	"math"

	"heavytail/internal/dmath"
)

// Families of the one-sided parts of tempered variates; see the list in stream.go.
const (
	tagTemperedUp   = 97
	tagTemperedDown = 98
)

// A temperedPart draws one side of a Tempered law with α < 1, the sum V of its
// jumps: E e^(−sV) = exp(−θ((λ+s)^α − λ^α)), θ = Γ(1−α)/α times Up or Down. It is
// exact: V is a sum of m = ⌈θλ^α⌉ such variates with θ/m for θ, and each of them a
// stable one, S = (θ/m)^(1/α)·K, accepted with probability e^(−λS) (Hofert 2011).
type temperedPart struct {
	alpha, rate, scale float64
	parts              int
	blocks             uint32 // of counters that a variate owns
}

func newTemperedPart(alpha, weight, rate float64) temperedPart {
	theta := dmath.Gamma(1-alpha) / alpha * weight
	m := max(math.Ceil(theta*dmath.Pow(rate, alpha)), 1)
	p := temperedPart{alpha: alpha, rate: rate}
	if m > 1<<20 {
		panic(fmt.Sprintf("stable: Tempered.Sample: θλ^α = %.3g jumps of size 1/λ or more to a variate, want at most 10^6: the law is next to normal", m))
	}
	p.parts = int(m)
	p.scale = dmath.Pow(theta/m, 1/alpha)
	// Each try has two blocks and succeeds with probability 1/e at least: more than
	// 160 + 8m for m successes have a probability below 1e-30.
	p.blocks = 2 * (160 + 8*uint32(p.parts))
	return p
}

// tries returns how many tries a variate has.
func (p *temperedPart) tries() uint32 { return p.blocks / 2 }

// draw returns the variate whose blocks begin at block, and how many tries it took.
func (p *temperedPart) draw(s Key, tag, block uint32) (v float64, tries uint32) {
	g := s.philox(tag)
	pair := func(b uint32) (u, uc, w, wc float64) {
		x := g.Block(b)
		u, uc = unit64(uint64(x[0])<<32 | uint64(x[1]))
		w, wc = unit64(uint64(x[2])<<32 | uint64(x[3]))
		return u, uc, w, wc
	}
	for range p.parts {
		for {
			u, uc, w, wc := pair(block + 2*tries)
			accept, rest, _, _ := pair(block + 2*tries + 1)
			tries++
			sa, sb := dmath.SinPi(float64(p.alpha*u)), dmath.SinPi(float64((1-p.alpha)*u))
			x := float64(p.scale * dmath.Exp(kanter(p.alpha, sa, dmath.SinPi(min(u, uc)), sb, exp64(w, wc))))
			if exp64(accept, rest) > float64(p.rate*x) || tries == p.tries() {
				v += x
				break
			}
		}
	}
	return v, tries
}

// Sample sets dst[i] to variate off+i in float64. For α < 1 it is exact, the difference
// of the sums of jumps upwards and downwards, and takes at most e·(θλ^α + 1) stable
// variates of 0.2 µs a side, θ = Γ(1−α)·Up/α. For α ≥ 1, where no exact method of
// bounded cost is known (Kawai and Masuda 2011 compare approximate ones), it inverts the
// distribution to 10^-12 at about 1 ms a variate. A stream holds 2^33 variates of the
// latter and 2^32/(2·(160 + 8·⌈θλ^α⌉)) of the former.
func (t Tempered) Sample(dst []float64, s Key, off int) {
	t.check()
	if t.Alpha >= 1 {
		invert(t, dst, s, off)
		return
	}
	if off < 0 {
		panic(fmt.Sprintf("stable: offset %d, want at least 0", off))
	}
	lo := t.Mean
	for side, tag := range [2]uint32{tagTemperedUp, tagTemperedDown} {
		weight, rate, sign := t.Up, t.RateUp, 1.0
		if side == 1 {
			weight, rate, sign = t.Down, t.RateDown, -1
		}
		if weight == 0 {
			continue
		}
		p := newTemperedPart(t.Alpha, weight, rate)
		if (uint64(off)+uint64(len(dst)))*uint64(p.blocks) > 1<<32 {
			panic(fmt.Sprintf("stable: Tempered.Sample: %d variates from %d on, want them below %d", len(dst), off, 1<<32/int64(p.blocks)))
		}
		lo -= float64(sign * weight * dmath.Gamma(1-t.Alpha) * dmath.Pow(rate, t.Alpha-1))
		for i := range dst {
			v, _ := p.draw(s, tag, uint32(off+i)*p.blocks)
			if side == 0 || t.Up == 0 {
				dst[i] = 0
			}
			dst[i] += float64(sign * v)
		}
	}
	for i := range dst {
		dst[i] += lo
	}
}
