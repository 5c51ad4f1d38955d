package simd

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/internal/isa"
	"heavytail/internal/numtest"
)

// exhaustive asks for all 2³² inputs in TestUlp (four minutes a function).
const exhaustive = "HEAVYTAIL_EXHAUSTIVE"

// TestUlp measures the error of the elementary functions over the bits of
// float32 and fails above the bounds that their comments state. The levels
// compute the same bits (TestVec and here), so one level is measured.
func TestUlp(t *testing.T) {
	step := uint64(4099)
	if os.Getenv(exhaustive) != "" {
		step = 1
	} else if testing.Short() || isa.Cur() == isa.Generic {
		step *= 16
	}
	for _, op := range vecOps {
		if op.nin == 1 && op.ulp > 0.5 {
			t.Run(op.name, func(t *testing.T) { op.measure(t, step) })
		}
	}
}

// measure judges every step-th float32 and reports the largest error.
func (op vecOp) measure(t *testing.T, step uint64) {
	worst, at := make([]float64, op.nout), make([]float32, op.nout)
	in, out := [][]float32{make([]float32, 4096)}, make([][]float32, op.nout)
	for i := range out {
		out[i] = make([]float32, 4096)
	}
	x, want := make([]float64, 1), make([]float64, op.nout)
	for next := uint64(0); next < 1<<32; {
		for i := range in[0] {
			in[0][i] = math.Float32frombits(uint32(next))
			next += step
		}
		op.run(out, in)
		for i, v := range in[0] {
			x[0] = float64(v)
			op.want(want, x)
			for k, w := range want {
				if float32(w) == out[k][i] && worst[k] >= 0.5 {
					continue // rounded correctly
				}
				if u := ulps(out[k][i], w); u > worst[k] {
					worst[k], at[k] = u, v
				}
			}
		}
	}
	t.Logf("%.4f ulp at %v", worst, at)
	for _, w := range worst {
		if !(w <= op.ulp) {
			t.Errorf("%v ulp, above the bound %v", w, op.ulp)
		}
	}
}

// TestSiLUGradient measures the derivative of SiLU: relative to it, but
// absolutely near its zero.
func TestSiLUGradient(t *testing.T) {
	x, y, one := make([]float32, 4096), make([]float32, 4096), make([]float32, 4096)
	Fill(one, 1)
	for next := uint64(0); next < 1<<32; {
		for i := range x {
			x[i] = math.Float32frombits(uint32(next))
			next += 65537
		}
		SiLUBackward(y, one, x)
		for i, v := range x {
			w := siluGrad64(float64(v))
			switch a := float64(v) + 1.27846454; {
			case v < -800 || v > 800:
				w = max(0, math.Copysign(1, float64(v)))
			case v != v:
				w = math.NaN()
			case math.Abs(a) < 0.25:
				if !(math.Abs(float64(y[i])-w) < 2.2e-7) {
					t.Fatalf("silu'(%v): got %v, want %v", v, y[i], w)
				}
				continue
			}
			if u := ulps(y[i], w); !(u < 6.5) {
				t.Fatalf("silu'(%v): got %v, want %v: %.3g ulp", v, y[i], w, u)
			}
		}
	}
}

// TestActLevels compares the levels over the bits of float32.
func TestActLevels(t *testing.T) {
	step := uint64(65537)
	if os.Getenv(exhaustive) != "" {
		step = 257
	}
	var x []float32
	for b := uint64(0); b < 1<<32; b += step {
		x = append(x, math.Float32frombits(uint32(b)))
	}
	for _, op := range vecOps {
		in, want := make([][]float32, op.nin), make([][]float32, op.nout)
		for i := range in {
			in[i] = x
		}
		forEach(func(l isa.Level) {
			out := make([][]float32, op.nout)
			for i := range out {
				out[i] = make([]float32, len(x))
			}
			op.run(out, in)
			for k := range out {
				if l == isa.Generic {
					want[k] = out[k]
				}
				numtest.SameBits(t, want[k], out[k], op.name+" "+l.String())
			}
		})
	}
}

func TestExpLimits(t *testing.T) {
	inf := float32(math.Inf(1))
	numtest.EachLevel(t, func(t *testing.T) {
		x := []float32{0, 88.72283, 88.72284, 1000, inf, -103.97, -104, -1000, -inf, float32(math.Copysign(0, -1))}
		Exp(x, x)
		numtest.SameBits(t, []float32{1, math.Float32frombits(0x7f7fff84), inf, inf, inf, 0x1p-149, 0, 0, 0, 1}, x, "exp")
		x = []float32{0, -0x1p-149, -1, inf, 1, -inf, 0x1p-149}
		Log(x, x)
		nan := float32(math.NaN())
		numtest.SameBits(t, []float32{-inf, nan, nan, inf, 0, nan, -103.27893}, x, "log")
		x = []float32{inf, -inf, 1e30, -1e30, -110, 0}
		SiLU(x, x)
		numtest.SameBits(t, []float32{inf, float32(math.Copysign(0, -1)), 1e30, float32(math.Copysign(0, -1)), float32(math.Copysign(0, -1)), 0}, x, "silu")
		x = []float32{inf, -inf, 1e30, -1e30}
		SiLUBackward(x, []float32{1, 1, 1, 1}, x)
		require.Equal(t, []float32{1, 0, 1, 0}, x)
		x = []float32{inf, -inf, 1e-40, float32(math.Copysign(0, -1))}
		Tanh(x, x)
		numtest.SameBits(t, []float32{1, -1, 1e-40, float32(math.Copysign(0, -1))}, x, "tanh")
	})
}

func TestSoftmaxRow(t *testing.T) {
	ref := map[int][]float32{}
	numtest.EachLevel(t, func(t *testing.T) {
		for _, n := range numtest.Lengths(67) {
			if n == 0 {
				SoftmaxRow(nil)
				continue
			}
			for _, front := range []bool{false, true} {
				row := numtest.NewRand(uint64(n)).Fill(numtest.Guarded(t, n, front), 20)
				want, sum := make([]float64, n), 0.0
				for i, v := range row {
					want[i] = math.Exp(float64(v))
					sum += want[i]
				}
				for i := range want {
					want[i] /= sum
				}
				SoftmaxRow(row)
				numtest.Within(t, want, row, 1e-30, 3e-6, "softmax")
				if ref[n] == nil {
					ref[n] = append([]float32(nil), row...)
				}
				numtest.SameBits(t, ref[n], row, "softmax")
			}
		}
		inf := float32(math.Inf(1))
		for _, row := range [][]float32{{1, 2, float32(math.NaN()), 0}, {-inf, -inf}, {1, inf}} {
			SoftmaxRow(row)
			for _, v := range row {
				require.True(t, v != v)
			}
		}
		row := []float32{-inf, 0, 0}
		SoftmaxRow(row)
		require.Equal(t, []float32{0, 0.5, 0.5}, row)
	})
}

func TestSoftmaxBackwardRow(t *testing.T) {
	ref := map[int][]float32{}
	numtest.EachLevel(t, func(t *testing.T) {
		for _, n := range numtest.Lengths(67) {
			r := numtest.NewRand(uint64(n))
			p, dp, ds := numtest.Guarded(t, n, false), numtest.Guarded(t, n, false), numtest.Guarded(t, n, n&1 == 0)
			r.Fill(p, 3)
			SoftmaxRow(p)
			r.Fill(dp, 1)
			d := 0.0
			for i := range p {
				d += float64(p[i]) * float64(dp[i])
			}
			want := make([]float64, n)
			for i := range p {
				want[i] = float64(p[i]) * (float64(dp[i]) - d)
			}
			SoftmaxBackwardRow(ds, p, dp)
			numtest.Within(t, want, ds, 1e-6/float64(n+1), 1e-6, "softmax backward")
			if ref[n] == nil {
				ref[n] = append([]float32{}, ds...)
			}
			numtest.SameBits(t, ref[n], ds, "softmax backward")
			SoftmaxBackwardRow(dp, p, dp)
			numtest.SameBits(t, ref[n], dp, "in place")
		}
	})
}

// Rows together have the bits of rows alone, whatever group they fall in, and
// nothing between them changes.
func TestSoftmaxRows(t *testing.T) {
	numtest.EachLevel(t, func(t *testing.T) {
		for _, c := range []struct{ rows, pitch, cols int }{
			{0, 5, 5}, {1, 33, 33}, {7, 40, 37}, {8, 16, 16}, {19, 32, 20}, {3, softmaxValues + 3, softmaxValues + 1}, {9, 700, 700}, {2, 4, 0},
		} {
			r := numtest.NewRand(uint64(c.cols))
			n := max(0, (c.rows-1)*c.pitch+c.cols)
			x, dp := numtest.Guarded(t, n, false), numtest.Guarded(t, n, false)
			r.Fill(x, 20)
			r.Fill(dp, 1)
			alone, grad := append([]float32{}, x...), append([]float32{}, dp...)
			for i := range c.rows {
				row, d := alone[i*c.pitch:][:c.cols], grad[i*c.pitch:][:c.cols]
				SoftmaxRow(row)
				SoftmaxBackwardRow(d, row, d)
			}
			SoftmaxRows(x, c.rows, c.pitch, c.cols)
			numtest.SameBits(t, alone, x, fmt.Sprint(c))
			SoftmaxBackwardRows(dp, x, dp, c.rows, c.pitch, c.cols)
			numtest.SameBits(t, grad, dp, fmt.Sprint(c, " backward"))
		}
		x := make([]float32, 10)
		require.Panics(t, func() { SoftmaxRows(x, 2, 4, 5) })
		require.Panics(t, func() { SoftmaxRows(x, 3, 4, 3) })
		require.Panics(t, func() { SoftmaxBackwardRows(x, x[:9], x, 2, 5, 5) })
	})
}

// FuzzVec gives every elementwise function the same bytes as all its inputs
// and compares the levels.
func FuzzVec(f *testing.F) {
	f.Add([]byte("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef01234567"))
	f.Add([]byte{0, 0, 0x80, 0x7f, 0, 0, 0x80, 0xff, 1, 0, 0, 0, 0, 0, 0xc0, 0x7f, 0, 0, 0, 0x80})
	f.Fuzz(func(t *testing.T, raw []byte) {
		x := make([]float32, len(raw)/4)
		for i := range x {
			x[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		}
		for _, op := range vecOps {
			want := make([][]float32, op.nout)
			forEach(func(l isa.Level) {
				in, out := [][]float32{x, x, x}[:op.nin], make([][]float32, op.nout)
				for i := range out {
					out[i] = make([]float32, len(x))
				}
				op.run(out, in)
				for i := range out {
					if l == isa.Generic {
						want[i] = out[i]
					}
					numtest.SameBits(t, want[i], out[i], op.name+" "+l.String())
				}
			})
		}
	})
}

// The parts of exponentials are those of their definitions where ties are looked
// for at once, for arguments with few digits too, and that is the rule.
func TestPartsAreTheirDefinitions(t *testing.T) {
	const n = 100_000
	r := numtest.NewRand(4)
	missed := 0
	for i := range n {
		x := float32(r.Uint64()%(140<<10))/(1<<10) - 110 // sigLo to sigHi
		if i%4 != 0 {
			x = float32((r.Float64() + r.Float64() + r.Float64()) * 10)
		}
		for _, f := range []struct {
			want func(x float32) (n, t float32)
			got  func(x float64) (n, t float32, may int64)
		}{{expPartsFMA, expPartsExact}, {sigPartsFMA, sigPartsExact}} {
			n, s, may := f.got(float64(x))
			if anyTie(may) {
				missed++
			} else if wantN, want := f.want(x); n != wantN || s != want {
				t.Fatalf("%x: %v and %v, want %v and %v", x, n, s, wantN, want)
			}
		}
	}
	require.Less(t, missed, n/50)
}

// Rows of sums are FMA's at every place, in place too.
func TestRows(t *testing.T) {
	r := numtest.NewRand(5)
	for i, v := range fmaCases(20_000) {
		const n = 19
		var x, a, b [n]float32
		for _, s := range [][]float32{x[:], a[:], b[:]} {
			r.Fill(s, 1)
		}
		x[i%n], a[i%n], b[i%n] = v[0], v[1], v[2]
		var want, squares [n]float32
		sum, wantSum, q := x, x, b
		for j := range want {
			want[j] = FMA(x[j], a[j], b[j])
			d := x[j] - a[j]
			wantSum[j] += d
			squares[j] = FMA(d, d, b[j])
		}
		sumsRow(sum[:], q[:], x[:], a[:])
		numtest.SameBits(t, wantSum[:], sum[:], fmt.Sprintf("%x", v))
		numtest.SameBits(t, squares[:], q[:], fmt.Sprintf("%x", v))
		fmaRow(x[:], x[:], a[:], b[:])
		numtest.SameBits(t, want[:], x[:], fmt.Sprintf("%x", v))
	}
}

// A sum of which neither says that it may be a tie is FMA's.
func TestLooks(t *testing.T) {
	for i, v := range fmaCases(20_000) {
		for k, f := range []func(a, b, c float64, may int64) (float64, int64){fmaLook, fmaFew} {
			got, may := f(float64(v[0]), float64(v[1]), float64(v[2]), int64(i%2))
			if want := FMA(v[0], v[1], v[2]); !anyTie(may) && math.Float32bits(want) != math.Float32bits(float32(got)) {
				t.Fatalf("%d: %x: %x, want %x", k, v, got, want)
			}
			if _, may = f(float64(v[0]), float64(v[1]), float64(v[2]), -1); !anyTie(may) {
				t.Fatal("what was seen before is lost")
			}
		}
	}
}
