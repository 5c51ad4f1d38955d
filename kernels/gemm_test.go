package kernels

import (
	"fmt"
	"testing"

	"heavytail/internal/numtest"
	"heavytail/simd"
	"heavytail/tensor"
)

var gemmShapes = [][3]int{{1, 1, 1}, {5, 33, 7}, {12, 32, 300}, {16, 160, 20}, {29, 130, 257}, {50, 31, 5}, {13, 200, 0}, {0, 5, 5}}

// stored returns a random m×n matrix with leading dimension ld, stored
// transposed if trans, and its values by rows.
func stored(r *numtest.Rand, m, n, pad int, trans bool) (data []float32, ld int, dense []float64) {
	rows, cols := m, n
	if trans {
		rows, cols = n, m
	}
	ld = cols + pad
	if rows > 0 {
		data = r.Fill(make([]float32, (rows-1)*ld+cols), 1)
	}
	for i := range m {
		for j := range n {
			at := i*ld + j
			if trans {
				at = j*ld + i
			}
			dense = append(dense, float64(data[at]))
		}
	}
	return data, ld, dense
}

func TestGemm(t *testing.T) {
	for _, s := range gemmShapes {
		for form := range 8 {
			opt := GemmOpt{TransA: form&1 > 0, TransB: form&2 > 0, Accumulate: form&4 > 0}
			t.Run(fmt.Sprintf("%v/%v,%v,%v", s, opt.TransA, opt.TransB, opt.Accumulate), func(t *testing.T) {
				testGemm(t, s[0], s[1], s[2], 3, opt)
			})
		}
	}
}

// Rows of A a multiple of 4096 apart are copied at every level, and columns of its
// transpose; so are more rows and terms than one block holds.
func TestGemmPacks(t *testing.T) {
	testGemm(t, 29, 130, 20, 4096-20, GemmOpt{Accumulate: true})
	if testing.Short() {
		t.Skip("19 million terms at every level")
	}
	testGemm(t, gemmM+40, 129, gemmK+30, 4096-(gemmK+30), GemmOpt{})
	testGemm(t, 40, 129, gemmK+30, 3, GemmOpt{TransA: true})
}

// A product cut by columns, as Gemm itself cuts a large B, has the same bits.
func TestGemmCutsColumns(t *testing.T) {
	if testing.Short() {
		t.Skip("58 million terms")
	}
	const m, k, n = 13, 900, gemmB/900 + 340
	r := numtest.NewRand(1)
	a, b := r.Fill(make([]float32, m*k), 1), r.Fill(make([]float32, k*n), 1)
	whole, parts := make([]float32, m*n), make([]float32, m*n)
	Gemm(m, n, k, a, k, b, n, whole, n, GemmOpt{})
	for _, cut := range [][2]int{{0, 1001}, {1001, n}} {
		Gemm(m, cut[1]-cut[0], k, a, k, b[cut[0]:], n, parts[cut[0]:], n, GemmOpt{})
	}
	numtest.SameBits(t, whole, parts, "cut by columns")
}

func testGemm(t *testing.T, m, n, k, pad int, opt GemmOpt) {
	r := numtest.NewRand(uint64(m*n + k))
	a, lda, a64 := stored(r, m, k, pad, opt.TransA)
	b, ldb, b64 := stored(r, k, n, 2, opt.TransB)
	c0, ldc, c64 := stored(r, m, n, 4, false)
	want := make([]float64, len(c64))
	for i := range m {
		for j := range n {
			sum := 0.0
			if opt.Accumulate {
				sum = c64[i*n+j]
			}
			for e := range k {
				sum += a64[i*k+e] * b64[e*n+j]
			}
			want[i*n+j] = sum
		}
	}
	bitsOf(t, func(dev *CPU) []float32 {
		c := append([]float32{}, c0...)
		opt.Threads = dev.threads
		Gemm(m, n, k, a, lda, b, ldb, c, ldc, opt)
		var got []float32
		for i := range m {
			got = append(got, c[i*ldc:][:n]...)
			if i < m-1 {
				numtest.SameBits(t, c0[i*ldc+n:(i+1)*ldc], c[i*ldc+n:(i+1)*ldc], "values between the rows of c")
			}
		}
		numtest.Within(t, want, got, float64(k+8)*0x1p-23, 0x1p-22, "c")
		return got
	})
}

func BenchmarkGemm(b *testing.B) {
	for _, threads := range []int{1, 2} {
		for _, n := range []int{64, 256, 1024, 2048} {
			b.Run(fmt.Sprintf("threads=%d/size=%d", threads, n), func(b *testing.B) {
				r := numtest.NewRand(1)
				x, y, z := tensor.Aligned(n*n), tensor.Aligned(n*n), tensor.Aligned(n*n)
				r.Fill(x, 1)
				r.Fill(y, 1)
				measure(b, threads, 2*float64(n)*float64(n)*float64(n), func() {
					Gemm(n, n, n, x, n, y, n, z, n, GemmOpt{Threads: threads})
				})
			})
		}
	}
}

func TestGemmPanics(t *testing.T) {
	buf := make([]float32, 10)
	for _, f := range []func(){
		func() { Gemm(3, 4, 1, buf, 1, buf, 4, buf, 4, GemmOpt{}) },
		func() { Gemm(3, 3, 5, buf, 5, buf, 3, buf, 3, GemmOpt{}) },
		func() { Gemm(2, 2, 2, buf, 1, buf, 2, buf, 2, GemmOpt{}) },
		func() { (&simd.Tiles{Rows: 5, Cols: 1}).Run() },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		}()
	}
}
