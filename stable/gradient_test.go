package stable

import (
	"encoding/csv"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// readFloats reads a CSV file of numbers.
func readFloats(t *testing.T, path string) (rows [][]float64) {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment = '#'
	all, err := r.ReadAll()
	require.NoError(t, err)
	for _, text := range all {
		row := make([]float64, len(text))
		for i, v := range text {
			row[i], err = strconv.ParseFloat(v, 64)
			require.NoError(t, err)
		}
		rows = append(rows, row)
	}
	return rows
}

// TestGradient holds the derivatives to those of testdata/gradient.py, whose error
// is about 1e-12; that of the quadrature is 1e-13 of the integrals, which cancel
// by up to 100.
func TestGradient(t *testing.T) {
	for _, r := range readFloats(t, "testdata/gradient.csv") {
		l := Law{Alpha: r[0], Beta: r[1], Scale: 1}
		lf, g := l.LogDensityGradient(r[2])
		require.Equal(t, l.LogDensity(r[2]), lf)
		for i, v := range []float64{g.Alpha, g.Beta, -g.Loc} {
			require.InDelta(t, r[3+i], v, 2e-11*max(1, math.Abs(r[3+i])), "%v: derivative %d", r[:3], i)
		}
	}
}

// difference8 is the derivative of f at 0 by differences of the eighth order, of
// the step out of h, h/2, h/4, … whose value differs least from the next one, and
// that difference: steps too long err by truncation, too short ones by rounding.
func difference8(f func(h float64) float64, h float64) (d, err float64) {
	err = math.Inf(1)
	last := math.NaN()
	for range 9 {
		s := 0.0
		for i, c := range []float64{4. / 5, -1. / 5, 4. / 105, -1. / 280} {
			k := float64(i + 1)
			s += c * (f(k*h) - f(-k*h))
		}
		s /= h
		if e := math.Abs(s - last); e < err {
			d, err = s, e
		}
		last = s
		h /= 2
	}
	return d, err
}

// randomLaw returns a law of any parametrisation inside the bounds by more than
// margin, and a point whose tail probability is e^-depth at least.
func randomLaw(r *rand.Rand, depth float64) (Law, float64) {
	l := Law{Alpha: 0.3 + 1.65*r.Float64(), Beta: 1.9*r.Float64() - 0.95, Scale: math.Exp(2 * r.NormFloat64()), Loc: 3 * r.NormFloat64()}
	switch r.IntN(4) {
	case 0:
		l.Alpha = 1 + 0.1*(r.Float64()-0.5)
	case 1:
		l.Param = S1
	}
	p := math.Exp(-math.Ln2 - depth*r.Float64())
	if r.IntN(2) == 0 {
		return l, l.Quantile(p)
	}
	return l, l.SurvivalQuantile(p)
}

// TestGradientDifferences compares with differences of log-densities of random
// laws of both parametrisations. The differences know their error, to a factor of
// ten and 1e-9: that is one of 1e-13 of a density over a step of 1e-4. It must be
// below 1e-8 for most.
func TestGradientDifferences(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	n, fine := 150, 0
	if os.Getenv("HEAVYTAIL_EXHAUSTIVE") != "" {
		n = 5000
	}
	for range n {
		l, x := randomLaw(r, 14)
		_, g := l.LogDensityGradient(x)
		at := func(change func(m *Law, h float64), h float64) (d, err float64) {
			return difference8(func(h float64) float64 {
				m := l
				change(&m, h)
				return m.LogDensity(x)
			}, h)
		}
		ha := min(0.02, (2-l.Alpha)/5)
		if l.Param == S1 {
			ha = min(ha, math.Abs(1-l.Alpha)/5)
		}
		for i, c := range []struct {
			got, unit, h float64
			change       func(m *Law, h float64)
		}{
			{g.Alpha, 1, ha, func(m *Law, h float64) { m.Alpha += h }},
			{g.Beta, 1, min(0.02, (1-math.Abs(l.Beta))/5), func(m *Law, h float64) { m.Beta += h }},
			{g.Scale * l.Scale, 1, 0.05, func(m *Law, h float64) { m.Scale *= math.Exp(h) }},
			{g.Loc * l.Scale, 1, 0.02 * max(math.Abs(x-l.Loc)/l.Scale, 1), func(m *Law, h float64) { m.Loc += h * l.Scale }},
		} {
			want, err := at(c.change, c.h)
			size := max(1, math.Abs(want))
			require.InDelta(t, want, c.got, 10*err+1e-9*size, "%+v at %v: derivative %d, error %v", l, x, i, err)
			if err < 1e-8*size {
				fine++
			}
		}
	}
	require.Greater(t, fine, 4*n*9/10)
}

// TestGradientEdges holds the derivatives where they have closed forms: at the
// ends of float64, far in light tails, at X = 0 and on the bounds.
func TestGradientEdges(t *testing.T) {
	grad := func(alpha, beta, x float64) Gradient {
		_, g := Law{Alpha: alpha, Beta: beta, Scale: 1}.LogDensityGradient(x)
		return g
	}
	// N(0, 2): f'/f = −x/2; f falls there when α does, by the tail that begins.
	for _, x := range []float64{0, 1e-9, 0.5, -3, 20, 1e4} {
		g := grad(2, 0.3, x)
		require.InDelta(t, x/2, g.Loc, 1e-12*max(1, math.Abs(x)), x)
		require.Zero(t, g.Beta, x)
	}
	require.Less(t, grad(2, 0.3, 20).Alpha, -1e30)
	require.True(t, math.IsInf(grad(2, 0, 1e4).Alpha, -1))
	// Lévy: f = e^(−1/2X)/√(2πX³), X = x0 + 1.
	for _, x := range []float64{1e-3, 0.1, 2, 50, 1e20} {
		l := Law{Alpha: 0.5, Beta: 1, Scale: 1, Param: S1}
		_, g := l.LogDensityGradient(x)
		require.InEpsilon(t, 1/(2*x*x)-1.5/x, -g.Loc, 1e-12, x)
		require.InEpsilon(t, 0.5-1/(2*x), g.Scale, 1e-11, x)
	}
	require.True(t, math.IsInf(grad(0.5, 1, -1+1e-9).Beta, -1))
	// Power laws: the derivatives of ln(αC) − (α+1)·ln x, on both sides of where
	// the integrals end.
	for _, c := range [][2]float64{{1.5, 0.5}, {0.7, -0.2}, {1, 0.5}, {1, 0}, {1.02, 0.3}} {
		for _, x := range []float64{1e26, 1e31, 1e60, -1e28, -1e200} {
			// ζ/|x| and x^−α are what the leading term leaves out.
			tol := 1e-11 + 10*math.Pow(math.Abs(x), -min(c[0], 1))
			g, sign := grad(c[0], c[1], x), math.Copysign(1, x)
			require.InEpsilon(t, sign/(1+sign*c[1]), g.Beta, 2*tol, "%v %v", c, x)
			require.InEpsilon(t, (c[0]+1)/x, g.Loc, tol, "%v %v", c, x)
			require.InEpsilon(t, c[0], g.Scale, tol, "%v %v", c, x)
		}
	}
	// Where one form takes over from another.
	for _, c := range [][3]float64{{0.95, 0.5, powersNear}, {1.06, -0.4, powersNear}, {1.5, 0.5, powersElse}, {0.6, 0, powersElse}} {
		l := Law{Alpha: c[0], Beta: c[1], Scale: 1}
		z := newShape(c[0], c[1])
		x := c[2] / math.Pow(z.sin, 1/c[0])
		for _, side := range []float64{-1, 1} {
			p := grad(c[0], c[1], side*x*(1-1e-13)-l.zeta())
			q := grad(c[0], c[1], side*x*(1+1e-13)-l.zeta())
			require.InDelta(t, p.Alpha, q.Alpha, 1e-9*max(1, math.Abs(p.Alpha)), "%v", c)
			require.InDelta(t, p.Beta, q.Beta, 1e-9*max(1, math.Abs(p.Beta)), "%v", c)
			require.InDelta(t, p.Loc, q.Loc, 1e-9*max(1, math.Abs(p.Loc)), "%v", c)
		}
	}
	for _, v := range []Gradient{grad(0.5, 1, -2), grad(1.5, 0, math.Inf(1)), grad(1.5, 0, math.NaN())} {
		require.True(t, math.IsNaN(v.Alpha) && math.IsNaN(v.Beta) && math.IsNaN(v.Scale) && math.IsNaN(v.Loc))
	}
	_, g := Law{Alpha: 1, Beta: 0.5, Scale: 2, Param: S1}.LogDensityGradient(1)
	require.True(t, math.IsNaN(g.Alpha))
	// (x − δ)/γ beyond float64: the power law of γ is γ^α.
	_, g = Law{Alpha: 1.5, Beta: 0.2, Scale: 1e-10}.LogDensityGradient(1e300)
	require.InEpsilon(t, 1.5, g.Scale*1e-10, 1e-12)
}

func BenchmarkLogDensityGradient(b *testing.B) {
	l := Law{Alpha: 1.7, Beta: 0.3, Scale: 1}
	for i := range b.N {
		l.LogDensityGradient(float64(i%64)/4 - 8)
	}
}

func BenchmarkLogDensityOnce(b *testing.B) {
	l := Law{Alpha: 1.7, Beta: 0.3, Scale: 1}
	for i := range b.N {
		l.LogDensity(float64(i%64)/4 - 8)
	}
}

// TestGradientBounds compares the one-sided derivatives on the bounds with the
// first difference of f, which is straight there but for terms of the order of
// the step: the heavy tail that a light one gains is proportional to it.
func TestGradientBounds(t *testing.T) {
	const h = 1e-6
	for _, c := range [][3]float64{
		{1.5, 1, -5}, {1.5, 1, -3}, {0.7, 1, -1.5}, {0.5, 1, -0.95}, {1, 1, -3}, {1.04, 1, -3}, {0.96, 1, -2.5}, {1.8, -1, 6},
		{2, 0, 6}, {2, 0.4, -7}, {2, -1, 5}, {2, 0.5, 1}, {1.5, 1, 2}, {0.7, 1, 3},
	} {
		l := Law{Alpha: c[0], Beta: c[1], Scale: 1}
		_, g := l.LogDensityGradient(c[2])
		in, want := l, g.Beta
		if c[0] == 2 {
			in.Alpha, want = 2-h, -g.Alpha
		} else {
			in.Beta -= math.Copysign(h, c[1])
			want *= -c[1]
		}
		d := (in.Density(c[2])/l.Density(c[2]) - 1) / h
		require.InEpsilon(t, d, want, 3e-4, "%v", c)
	}
}
