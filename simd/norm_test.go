package simd

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/numtest"
)

// A normCase is a run of n pixels of c channels, rows gap apart.
type normCase struct{ n, c, gap int }

func normCases() []normCase {
	var out []normCase
	for c := 1; c <= 35; c++ {
		out = append(out, normCase{1 + 32*(c&1), c, c % 3})
	}
	return append(out, normCase{70, 64, 0}, normCase{5, 117, 3}, normCase{32, 130, 6}, normCase{3, 257, 0}, normCase{2, 1024, 16})
}

// normData holds random operands of a case. Strips end at a page that faults;
// what lies between their rows is 77.
type normData struct {
	normCase
	x, dy, dv, dx   Strip
	a, b, p, q, r   []float32
	mean, rstd      []float32
	s1, s2          []float64
	before, before2 []float32 // dx, dy on entry
}

func newNormData(t testing.TB, k normCase) *normData {
	r := numtest.NewRand(uint64(k.n*7919 + k.c*31 + k.gap))
	strip := func(scale float64) Strip {
		s := Strip{numtest.Guarded(t, (k.n-1)*(k.c+k.gap)+k.c, k.c&1 == 0), k.c + k.gap}
		r.Fill(s.Data, scale)
		for i := range s.Data {
			if i%s.Pitch >= k.c {
				s.Data[i] = 77
			}
		}
		return s
	}
	vec := func(scale float64) []float32 { return r.Fill(numtest.Guarded(t, k.c, k.n&1 == 0), scale) }
	d := &normData{normCase: k, x: strip(3), dy: strip(1), dv: strip(1), dx: strip(1)}
	d.a, d.b, d.p, d.q, d.r = vec(2), vec(1), vec(1), vec(1), vec(1)
	d.mean, d.rstd = vec(1), vec(2)
	d.s1, d.s2 = make([]float64, k.c), make([]float64, k.c)
	for i := range d.s1 {
		d.s1[i], d.s2[i] = 100, -100
	}
	d.before = append(d.before, d.dx.Data...)
	d.before2 = append(d.before2, d.dy.Data...)
	return d
}

func (d *normData) coef() NormCoef { return NormCoef{d.a, d.b, d.mean, d.rstd} }

// A normOp is one kernel with its float64 twin: pixel returns the output of a
// pixel and channel, sums the two terms that it adds to the channel's sums.
type normOp struct {
	name  string
	run   func(d *normData)
	out   func(d *normData) Strip // what the kernel writes; Data nil: nothing
	pixel func(d *normData, at, c int) float64
	sums  func(d *normData, at, c int) (s1, s2 float64)
}

func (d *normData) at(s []float32, at int) float64 { return float64(s[at]) }

func (d *normData) v(at, c int) float64 {
	return d.at(d.x.Data, at)*float64(d.a[c]) + float64(d.b[c])
}

func (d *normData) dvOf(at, c int) float64 { return d.at(d.before2, at) * siluGrad64(d.v(at, c)) }

func (d *normData) xh(at, c int) float64 {
	return (d.at(d.x.Data, at) - float64(d.mean[c])) * float64(d.rstd[c])
}

func (d *normData) input(dv float64, at, c int) float64 {
	return dv*float64(d.p[c]) + d.at(d.x.Data, at)*float64(d.q[c]) + float64(d.r[c])
}

var (
	outDX   = func(d *normData) Strip { return d.dx }
	noStrip = func(d *normData) Strip { return Strip{} }
)

var normOps = []normOp{
	{"ChanStats", func(d *normData) { ChanStats(d.s1, d.s2, d.x, d.n, d.mean) }, noStrip, nil,
		func(d *normData, at, c int) (float64, float64) {
			v := d.at(d.x.Data, at) - float64(d.mean[c])
			return v, v * v
		}},
	{"NormApply", func(d *normData) { NormApply(d.dx, d.x, d.n, d.a, d.b, false) }, outDX,
		func(d *normData, at, c int) float64 { return d.v(at, c) }, nil},
	{"NormApplySiLU", func(d *normData) { NormApply(d.dx, d.x, d.n, d.a, d.b, true) }, outDX,
		func(d *normData, at, c int) float64 { return silu64(d.v(at, c)) }, nil},
	{"NormGradSums", func(d *normData) { NormGradSums(d.s1, d.s2, Strip{}, d.dy, d.x, d.n, d.coef(), false) }, noStrip, nil,
		func(d *normData, at, c int) (float64, float64) {
			g := d.at(d.dy.Data, at)
			return g, g * d.xh(at, c)
		}},
	{"NormGradSumsSiLU", func(d *normData) { NormGradSums(d.s1, d.s2, Strip{}, d.dy, d.x, d.n, d.coef(), true) }, noStrip, nil,
		func(d *normData, at, c int) (float64, float64) {
			return d.dvOf(at, c), d.dvOf(at, c) * d.xh(at, c)
		}},
	{"NormGradSumsStore", func(d *normData) { NormGradSums(d.s1, d.s2, d.dx, d.dy, d.x, d.n, d.coef(), true) }, outDX,
		func(d *normData, at, c int) float64 { return d.dvOf(at, c) },
		func(d *normData, at, c int) (float64, float64) {
			return d.dvOf(at, c), d.dvOf(at, c) * d.xh(at, c)
		}},
	{"NormGradInput", func(d *normData) { NormGradInput(d.dx, d.dv, d.x, d.n, d.p, d.q, d.r, false) }, outDX,
		func(d *normData, at, c int) float64 { return d.input(d.at(d.dv.Data, at), at, c) }, nil},
	{"NormGradInputAcc", func(d *normData) { NormGradInput(d.dx, d.dv, d.x, d.n, d.p, d.q, d.r, true) }, outDX,
		func(d *normData, at, c int) float64 {
			return d.at(d.before, at) + d.input(d.at(d.dv.Data, at), at, c)
		}, nil},
	{"NormGradInputSiLU", func(d *normData) { NormGradInputSiLU(d.dx, d.dy, d.x, d.n, d.a, d.b, d.p, d.q, d.r) }, outDX,
		func(d *normData, at, c int) float64 { return d.at(d.before, at) + d.input(d.dvOf(at, c), at, c) }, nil},
}

// check runs op and judges all that it may and may not write; it returns the
// outputs.
func (op normOp) check(t testing.TB, k normCase) ([]float32, error) {
	d := newNormData(t, k)
	op.run(d)
	out := op.out(d)
	tol := func(want float64) float64 { return 2e-6 * (1 + math.Abs(want)) }
	if out.Data == nil {
		out = Strip{d.dx.Data, d.dx.Pitch}
	}
	for i, v := range out.Data {
		c := i % out.Pitch
		if op.pixel == nil || c >= k.c {
			if v != d.before[i] {
				return nil, fmt.Errorf("%s%v: value %d is written", op.name, k, i)
			}
			continue
		}
		if want := op.pixel(d, i, c); !(math.Abs(float64(v)-want) <= 3*tol(want)) {
			return nil, fmt.Errorf("%s%v: value %d: got %v, want %v", op.name, k, i, v, want)
		}
	}
	for c := range k.c {
		w1, w2, a1, a2 := 100.0, -100.0, 1.0, 1.0
		for i := 0; i < k.n && op.sums != nil; i++ {
			s1, s2 := op.sums(d, i*d.x.Pitch+c, c)
			w1, w2, a1, a2 = w1+s1, w2+s2, a1+math.Abs(s1), a2+math.Abs(s2)
		}
		if !(math.Abs(d.s1[c]-w1) <= 2e-6*a1 && math.Abs(d.s2[c]-w2) <= 2e-6*a2) {
			return nil, fmt.Errorf("%s%v: sums of channel %d: got %v, %v, want %v, %v", op.name, k, c, d.s1[c], d.s2[c], w1, w2)
		}
	}
	res := append([]float32{}, out.Data...)
	for c := range k.c {
		res = append(res, float32(d.s1[c]), float32(d.s1[c]-float64(float32(d.s1[c]))), float32(d.s2[c]), float32(d.s2[c]-float64(float32(d.s2[c]))))
	}
	return res, nil
}

func TestNormKernels(t *testing.T) {
	for _, op := range normOps {
		ref := map[normCase][]float32{}
		numtest.EachLevel(t, func(t *testing.T) {
			for _, k := range normCases() {
				got, err := op.check(t, k)
				require.NoError(t, err)
				if ref[k] == nil {
					ref[k] = got
				}
				numtest.SameBits(t, ref[k], got, fmt.Sprint(op.name, k))
			}
		})
	}
}

func TestNormMutants(t *testing.T) {
	store := normOps[5]
	require.Equal(t, "NormGradSumsStore", store.name)
	k := normCase{33, 21, 2}
	mutants := map[string]func(d *normData){
		"nothing done":   func(d *normData) {},
		"last channel":   func(d *normData) { v := d.dx.Data[20]; store.run(d); d.dx.Data[20] = v },
		"last pixel":     func(d *normData) { d.n--; store.run(d); d.n++ },
		"between rows":   func(d *normData) { store.run(d); d.dx.Data[21] = 0 },
		"sum of channel": func(d *normData) { store.run(d); d.s2[20] = -100 },
		"NaN sum":        func(d *normData) { store.run(d); d.s1[0] = math.NaN() },
		"NaN value":      func(d *normData) { store.run(d); d.dx.Data[5] = float32(math.NaN()) },
		"block twice":    func(d *normData) { store.run(d); NormGradSums(d.s1, d.s2, Strip{}, d.dy, d.x, 1, d.coef(), true) },
	}
	for name, f := range mutants {
		m := store
		m.run = f
		_, err := m.check(t, k)
		require.Error(t, err, name)
	}
	_, err := store.check(t, k)
	require.NoError(t, err)
}

// dx may be dv, y may be x, dv may be dy.
func TestNormAliases(t *testing.T) {
	numtest.EachLevel(t, func(t *testing.T) {
		for _, k := range normCases() {
			a, b := newNormData(t, k), newNormData(t, k)
			NormApply(a.dx, a.x, k.n, a.a, a.b, true)
			NormApply(b.x, b.x, k.n, b.a, b.b, true)
			numtest.SameBits(t, a.dx.Data[:k.c], b.x.Data[:k.c], "y = x")
			a, b = newNormData(t, k), newNormData(t, k)
			NormGradSums(a.s1, a.s2, a.dx, a.dy, a.x, k.n, a.coef(), true)
			NormGradSums(b.s1, b.s2, b.dy, b.dy, b.x, k.n, b.coef(), true)
			numtest.SameBits(t, a.dx.Data[:k.c], b.dy.Data[:k.c], "dv = dy")
			require.Equal(t, a.s2, b.s2)
			NormGradInput(a.dv, a.dx, a.x, k.n, a.p, a.q, a.r, false)
			NormGradInput(b.dy, b.dy, b.x, k.n, b.p, b.q, b.r, false)
			numtest.SameBits(t, a.dv.Data[:k.c], b.dy.Data[:k.c], "dx = dv")
		}
	})
}

func TestNormKernelsAllocateNothing(t *testing.T) {
	numtest.EachLevel(t, func(t *testing.T) {
		for _, op := range normOps {
			d := newNormData(t, normCase{33, 40, 0})
			require.Zero(t, testing.AllocsPerRun(3, func() { op.run(d) }), op.name)
		}
	})
}

// TestRowKernels judges the kernels of rows, and the sums over rows, by float64
// and across levels; the strips end at pages that fault, and what lies between
// their rows stays.
func TestRowKernels(t *testing.T) {
	ref := map[normCase][]float32{}
	numtest.EachLevel(t, func(t *testing.T) {
		for _, k := range normCases() {
			d := newNormData(t, k)
			got, err := d.rows()
			require.NoError(t, err)
			if ref[k] == nil {
				ref[k] = got
			}
			numtest.SameBits(t, ref[k], got, fmt.Sprint("rows ", k))
		}
	})
}

// A rowCheck collects outputs and the first that is off.
type rowCheck struct {
	d   *normData
	out []float32
	err error
}

// near judges one value.
func (r *rowCheck) near(name string, i int, got float32, want, tol float64) {
	r.out = append(r.out, got)
	if !(math.Abs(float64(got)-want) <= tol) && r.err == nil {
		r.err = fmt.Errorf("%s%v: %d: got %v, want %v", name, r.d.normCase, i, got, want)
	}
}

// strip judges a strip by want(i, at, c), which is given the row, the position
// and the column.
func (r *rowCheck) strip(name string, s Strip, want func(i, at, c int) float64) {
	for at, v := range s.Data {
		if c := at % s.Pitch; c < r.d.c {
			w := want(at/s.Pitch, at, c)
			r.near(name, at, v, w, 5e-6*(1+math.Abs(w)))
		} else if v != 77 && r.err == nil {
			r.err = fmt.Errorf("%s%v: value %d between the rows is written", name, r.d.normCase, at)
		}
	}
}

// rows runs every row kernel on d.
func (d *normData) rows() ([]float32, error) {
	r, n := rowCheck{d: d}, d.n
	stats, coef := make([]float32, 2*n), make([]float32, 3*n)
	rnd := numtest.NewRand(5)
	rnd.Fill(stats, 2)
	rnd.Fill(coef, 1)
	s, q := make([]float32, n), make([]float32, n)
	xh := func(i, at int) float64 { return (float64(d.x.Data[at]) - float64(stats[2*i])) * float64(stats[2*i+1]) }
	v := func(i, at, c int) float64 { return xh(i, at)*float64(d.a[c]) + float64(d.b[c]) }
	// sums judges s and q by two sums of f over each row.
	sums := func(name string, f func(i, at, c int) (float64, float64)) {
		for i := range n {
			w1, w2, a1, a2 := 0.0, 0.0, 1.0, 1.0
			for c := range d.c {
				f1, f2 := f(i, i*d.x.Pitch+c, c)
				w1, w2, a1, a2 = w1+f1, w2+f2, a1+math.Abs(f1), a2+math.Abs(f2)
			}
			r.near(name, i, s[i], w1, 2e-6*a1)
			r.near(name, i, q[i], w2, 2e-6*a2)
		}
	}
	RowSums(s, q, d.x, d.c, stats[:n])
	sums("RowSums", func(i, at, c int) (float64, float64) {
		e := float64(d.x.Data[at]) - float64(stats[i])
		return e, e * e
	})
	RowGradSums(s, q, d.dy, d.x, d.a, stats)
	sums("RowGradSums", func(i, at, c int) (float64, float64) {
		g := float64(d.dy.Data[at]) * float64(d.a[c])
		return g, g * xh(i, at)
	})
	RowApply(d.dv, d.x, n, d.a, d.b, stats, false)
	r.strip("RowApply", d.dv, v)
	RowApply(d.dv, d.x, n, d.a, d.b, stats, true)
	r.strip("RowApply SiLU", d.dv, func(i, at, c int) float64 { return silu64(v(i, at, c)) })
	RowGrad(d.dv, d.dy, d.x, n, d.a, d.b, stats)
	r.strip("RowGrad", d.dv, func(i, at, c int) float64 { return d.at(d.dy.Data, at) * siluGrad64(v(i, at, c)) })
	for _, acc := range []bool{true, false} {
		RowGradInput(d.dx, d.dv, d.x, n, d.a, coef, acc)
		r.strip("RowGradInput", d.dx, func(i, at, c int) float64 {
			w := float64(d.dv.Data[at])*float64(d.a[c])*float64(coef[3*i]) + float64(d.x.Data[at])*float64(coef[3*i+1]) + float64(coef[3*i+2])
			if acc {
				w += float64(d.before[at])
			}
			return w
		})
	}
	dg, db := append([]float32{}, d.p...), append([]float32{}, d.q...)
	ColGrad(dg, db, d.dy, d.x, n, stats)
	for c := range d.c {
		wg, wb, ag := float64(d.p[c]), float64(d.q[c]), 2.0
		for i := range n {
			at := i*d.x.Pitch + c
			wb += float64(d.dy.Data[at])
			wg += float64(d.dy.Data[at]) * xh(i, at)
			ag += math.Abs(float64(d.dy.Data[at]) * xh(i, at))
		}
		r.near("ColGrad", c, dg[c], wg, 1e-6*ag)
		r.near("ColGrad", c, db[c], wb, 1e-6*float64(n+2))
	}
	return r.out, r.err
}
