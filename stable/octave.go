package stable

import (
	"errors"
	"fmt"
	"math"
	"sync"

	"heavytail/simd"
)

// A Sampler draws variates of a Law by inverting its distribution: one word of
// the generator and one polynomial from a table per variate, the fastest way
// there is. The variate increases with the word (but for rounding in the last
// place where two rows of the table meet).
//
// The side of 0 (in S0) is drawn with 32 bits, and on a side the variate is the
// quantile of a float32 uniform with full relative precision at the tail. Given
// that uniform, the relative error of a law with Param S0 and Loc 0, and of a
// one-sided law in S1, is at most 1e-6; over the grid of α from 0.5 to 2 and β
// from −1 to 1 the worst case is 9e-7 where the polynomials have degree 7 and a
// few 1e-7 elsewhere. For other laws it is 1e-6 of the larger of |x| and the
// distance to Loc in S0.
//
// Probabilities reach down to about 2^-33, which bounds the variates (at α = 1.7
// by 5·10^5, at α = 2 by 9): where more than 10^9 of them are drawn and the
// largest matter, use Key.Symmetric or Key.Skewed.
//
// A Sampler is immutable; any number of goroutines may use it. Two samplers
// draw from the same words of a Key: the variates are coupled, the largest
// with the largest. At Loc in S0, where a word once in 2^25 would be, the variate
// is that of the middle of the probabilities which round there, so that a law
// about 0 has no zeros.
type Sampler struct {
	law    Law
	params simd.NoiseParams
}

// samplerCache keeps the samplers made last.
var samplerCache struct {
	sync.Mutex
	made [32]*Sampler
	next int
}

// NewSampler returns the sampler of a law with 0.5 ≤ Alpha. It takes about 2 ms
// for α ≥ 0.8, up to 15 ms for α near 0.5, and nothing for one of the last 32
// laws. Smaller α and variates beyond float32 are errors.
func NewSampler(l Law) (*Sampler, error) {
	if err := l.Validate(); err != nil {
		return nil, fmt.Errorf("stable: NewSampler: %w", err)
	}
	if l.Alpha < 0.5 {
		return nil, fmt.Errorf("stable: NewSampler: Alpha = %v, want at least 0.5: use Stream.Symmetric or Stream.Skewed", l.Alpha)
	}
	c := &samplerCache
	find := func() *Sampler {
		for _, s := range c.made {
			if s != nil && s.law == l {
				return s
			}
		}
		return nil
	}
	c.Lock()
	s := find()
	c.Unlock()
	if s != nil {
		return s, nil
	}
	t, err := octaveTable(l)
	if err != nil {
		return nil, fmt.Errorf("stable: NewSampler: %+v: %w", l, err)
	}
	made := &Sampler{law: l, params: simd.NoiseParams{Table: t}}
	c.Lock()
	defer c.Unlock()
	if s := find(); s != nil { // another goroutine was first
		return s, nil
	}
	c.made[c.next] = made
	c.next = (c.next + 1) % len(c.made)
	return made, nil
}

// Law returns the law.
func (s *Sampler) Law() Law { return s.law }

// Fill sets dst[i] to variate off+i of the stream.
func (s *Sampler) Fill(dst []float32, st Key, off int) {
	st.Fill(dst, s.Family(), off)
}

// The tables tried, in the order of their speed.
var octaveSizes = [...]struct{ halvings, terms int }{{0, 8}, {0, 10}, {1, 8}, {1, 10}, {2, 10}, {3, 10}, {4, 10}, {5, 10}, {6, 10}}

// octaveTolerance bounds the relative error of the rows at the places where it
// is measured, float32 included; between them it may be a tenth larger.
const octaveTolerance = 9e-7

var errOctave = errors.New("no table is exact to 1e-6; use Stream.Skewed")

// octaveTable makes the smallest table that keeps the tolerance.
func octaveTable(l Law) (*simd.OctaveTable, error) {
	inv := newInverse(l)
	for _, size := range octaveSizes {
		t := simd.NewOctaveTable(inv.lower, size.halvings, size.terms)
		if inv.fill(t) {
			return t, inv.place(t)
		}
	}
	return nil, errOctave
}

// A unitRow is a row of the unit law in S0, or in S1 where it is one-sided.
type unitRow [10]float64

// fill fits the rows of the unit law, and reports whether all of them keep the
// tolerance.
func (v *inverse) fill(t *simd.OctaveTable) bool {
	v.rows = v.rows[:0]
	for side := range 2 {
		for n := range t.Rows() {
			c, worst := v.fit(t, side, n)
			if !(worst <= octaveTolerance) {
				return false
			}
			v.rows = append(v.rows, c)
		}
	}
	return true
}

// place scales and shifts the rows of the unit law and stores them.
func (v *inverse) place(t *simd.OctaveTable) error {
	c := make([]float32, t.Terms())
	for side := range 2 {
		for n := range t.Rows() {
			row := &v.rows[side*t.Rows()+n]
			sum := 0.0
			for j := range c {
				x := float64(row[j] * v.scale)
				if j == 0 {
					x += v.shift
				}
				c[j] = float32(x)
				sum += math.Abs(x)
			}
			if !(sum < math.MaxFloat32) {
				return errors.New("variates exceed float32; use a smaller Scale or Loc")
			}
			t.SetRow(side, n, c)
		}
	}
	return nil
}
